"""Deployments that differ in all that can be chosen."""

from functools import cache
from typing import Any

from tests.unit.infra.deployment import Deployment, deploy

ELSEWHERE = "00000000-0000-0000-0000-00000000beef"
EXISTING_ACCOUNT = {
    "accounts": {
        "swedencentral": {"location": "swedencentral"},
        "ours": {"name": "our-resource", "resourceGroup": "our-group", "subscriptionId": ELSEWHERE},
    },
    "models": {
        "sora-2": {
            "fallback_models": ["wan"],
            "deployments": [
                {
                    "name": "new",
                    "account": "swedencentral",
                    "azure": {"model": "sora-2", "version": "2025-10-06", "sku": "GlobalStandard", "capacity": 1},
                    "upstream_model": "sora-2-here",
                    "usd_per_second": {"*": "0.10"},
                },
                {
                    "name": "existing",
                    "account": "ours",
                    "upstream_model": "sora-2",
                    "auth": {"kind": "api_key", "secret": "keyvault:https://theirs.vault.azure.net/secrets/sora"},
                    "usd_per_second": {"*": "0.10"},
                },
            ],
        },
        "wan": {
            "deployments": [
                {
                    "name": "own-server",
                    "endpoint": "https://wan.example/v1/",
                    "auth": {"kind": "none"},
                    "upstream_model": "wan",
                    "usd_per_second": {"*": "0"},
                }
            ]
        },
    },
}

REGIONS = ("eastus2", "swedencentral")
TWO_REGIONS = {
    "accounts": {region: {"location": region} for region in REGIONS},
    "models": {
        "sora-2": {
            "deployments": [
                {
                    "name": region,
                    "account": region,
                    "azure": {"model": "sora-2", "version": "2025-10-06", "sku": "GlobalStandard", "capacity": 1},
                    "upstream_model": "sora-2-here",
                    "usd_per_second": {"*": "0.10"},
                }
                for region in REGIONS
            ]
        }
    },
}

CHOICES: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "in two regions": {"upstreams": TWO_REGIONS},
    "private": {"privateNetwork": True},
    "on Azure Storage": {"durableBackend": "storage"},
    "private, on Azure Storage": {"durableBackend": "storage", "privateNetwork": True},
    "with all there is": {
        "operatorPrincipalId": "ann",
        "upstreams": EXISTING_ACCOUNT,
        "contentSafety": True,
        "callers": [{"tenant": "acme", "secret": "acme-key", "weight": 2}],
        "settings": {
            "REELAY_LINK_LIFETIME_S": "600",
            "REELAY_CONTENT_DELIVERY": "redirect",
            "APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=theirs",
        },
        "retention": {"default": {"content_days": 30}},
        "inboxDays": 14,
        "existingVaults": [{"name": "theirs", "resourceGroup": "their-group", "subscriptionId": ELSEWHERE}],
        "schedulerLocation": "northeurope",
        "schedulerSku": "Dedicated",
        "schedulerCapacity": 3,
        "historyDays": 2,
        "alwaysReadyHttp": 1,
        "alwaysReadyDurable": 2,
        "maximumInstances": 40,
        "instanceMemoryMB": 4096,
        "httpConcurrency": 8,
        "storageRedundancy": "Standard_GZRS",
        "privateNetwork": True,
        "allowedAddresses": ["203.0.113.7"],
        "alertEmails": ["ann@example.com"],
        "monthlyBudget": 100,
        "budgetStart": "2026-11-01",
        "tags": {"team": "film"},
    },
}


@cache
def deployed(choice: str) -> Deployment:
    """What is made where somebody chose so."""
    return deploy(environmentName="test", **CHOICES[choice])


def app_settings(deployment: Deployment) -> dict[str, str]:
    """The function app's settings by name."""
    given = deployment.one("Microsoft.Web/sites").given["siteConfig"]["appSettings"]
    return {each["name"]: each["value"] for each in given}
