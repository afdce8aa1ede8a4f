"""The app's settings on this machine: what the Function App's configuration is in Azure."""

import json
from collections.abc import Mapping

from local.stack.addresses import ACCOUNT, Addresses
from local.stack.memory import Memory

# Published with the emulator; it protects nothing.
AZURITE_ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

PRO_DEPLOYMENT = "sora-2-pro-swedencentral"
PRO_SECRET = "sora-pro-key"  # noqa: S105 - the secret's name


def app_environment(
    caller: Mapping[str, str], addresses: Addresses, memory: Memory, *, expected_render_s: float, telemetry: bool
) -> dict[str, str]:
    """Returns the environment of a function host.

    Args:
        caller: The stack's own environment; what it says of `REELAY_…` wins.
        addresses: Where the services run.
        memory: The keys.
        expected_render_s: How long the deployments take, for the app to place its status checks.
        telemetry: Whether spans and metrics go to the collector.
    """
    chosen = {name: value for name, value in caller.items() if name.startswith("REELAY_")}
    models = {} if "REELAY_MODELS_FILE" in chosen else _models(addresses, expected_render_s)
    collector = _collector(addresses) if telemetry else {}
    return {**caller, **_platform(addresses, memory), **_reelay(addresses, memory), **models, **collector, **chosen}


def _platform(addresses: Addresses, memory: Memory) -> dict[str, str]:
    return {
        "TASKHUB_NAME": "reelay",
        # Blocks and parts of content go back to the system when they are freed, instead of staying in glibc's heap.
        "MALLOC_MMAP_THRESHOLD_": "131072",
        "AzureWebJobsStorage": (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={AZURITE_ACCOUNT_KEY};"
            f"BlobEndpoint={addresses.blob};QueueEndpoint={addresses.queue};TableEndpoint={addresses.table};"
        ),
        "AZURITE_ACCOUNT_KEY": AZURITE_ACCOUNT_KEY,
        "IDENTITY_ENDPOINT": addresses.identity,
        "IDENTITY_HEADER": memory.identity_header,
    }


def _reelay(addresses: Addresses, memory: Memory) -> dict[str, str]:
    return {
        "REELAY_BLOB_ENDPOINT": addresses.blob,
        "REELAY_TABLE_ENDPOINT": addresses.table,
        "REELAY_STORAGE_KEY": "env:AZURITE_ACCOUNT_KEY",
        "REELAY_CREATE_STORAGE": "true",
        "REELAY_API_KEYS": json.dumps([{"tenant": "local", "secret": "env:REELAY_LOCAL_API_KEY"}]),
        "REELAY_LOCAL_API_KEY": memory.api_key,
        "REELAY_ADMIN_KEY": "env:REELAY_LOCAL_ADMIN_KEY",
        "REELAY_LOCAL_ADMIN_KEY": memory.admin_key,
        "REELAY_ENTRA_ISSUER": f"{addresses.entra}/v2.0",
        "REELAY_ENTRA_AUDIENCE": "api://reelay",
        "REELAY_KEY_VAULT_CA": str(addresses.vault_ca),
        "REELAY_EVENT_GRID_ENDPOINT": addresses.eventgrid,
        "REELAY_EVENT_GRID_KEY": "env:REELAY_LOCAL_EVENT_GRID_KEY",  # tokens are not sent over http
        "REELAY_LOCAL_EVENT_GRID_KEY": memory.event_grid_key,
        "REELAY_CONTENT_SAFETY_ENDPOINT": addresses.upstream,
        "REELAY_CONTENT_SAFETY_KEY": "env:REELAY_LOCAL_CONTENT_SAFETY_KEY",
        "REELAY_LOCAL_CONTENT_SAFETY_KEY": memory.content_safety_key,
        "REELAY_ALLOW_PRIVATE_ADDRESSES": "false",
    }


def _collector(addresses: Addresses) -> dict[str, str]:
    """The collector, told at once of what in Azure waits for five and for sixty seconds."""
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": addresses.otlp,
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "OTEL_METRIC_EXPORT_INTERVAL": "500",
    }


def _models(addresses: Addresses, expected_render_s: float) -> dict[str, str]:
    """One model behind a managed identity, one behind an API key in the vault; prices as OpenAI published them."""
    common = {"seconds": [4, 8, 12], "expected_render_s": expected_render_s}
    standard = {
        **common,
        "name": "sora-2-eastus2",
        "endpoint": f"{addresses.upstream}/sora-2-eastus2/openai/v1/",
        "upstream_model": "sora-2",
        "auth": {"kind": "managed_identity"},
        "operations": ["create", "remix", "edit", "extension", "character"],
        "sizes": ["720x1280", "1280x720"],
        "usd_per_second": {"*": "0.10"},
    }
    pro = {
        **common,
        "name": PRO_DEPLOYMENT,
        "endpoint": f"{addresses.upstream}/{PRO_DEPLOYMENT}/openai/v1/",
        "upstream_model": "sora-2-pro",
        "auth": {"kind": "api_key", "secret": f"keyvault:{addresses.vault}/secrets/{PRO_SECRET}"},
        "operations": ["create", "remix"],
        "sizes": ["720x1280", "1280x720", "1024x1792", "1792x1024"],
        "usd_per_second": {"720x1280": "0.30", "1280x720": "0.30", "1024x1792": "0.50", "1792x1024": "0.50"},
    }
    models = {"sora-2": {"deployments": [standard]}, "sora-2-pro": {"deployments": [pro]}}
    return {"REELAY_MODELS": json.dumps(models)}
