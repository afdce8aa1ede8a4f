"""The app is told what was deployed, in words that it understands."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from clients.azure import CONTENTS, FILES, INPUTS, TABLE
from clients.settings import Settings
from domain.auth import ApiKeyAuth, ManagedIdentityAuth
from tests.unit.infra.deployment import Deployment, deploy
from tests.unit.infra.scenarios import CHOICES, EXISTING_ACCOUNT, deployed
from tests.unit.infra.template import INFRA

HOST = json.loads((Path(__file__).parents[3] / "host.json").read_text())
DOCUMENTED = (Path(__file__).parents[3] / "docs/configuration.md").read_text()
PROVIDER = "AzureFunctionsJobHost__extensions__durableTask__storageProvider"


def app_settings(deployment: Deployment) -> dict[str, str]:
    given = deployment.one("Microsoft.Web/sites").given["siteConfig"]["appSettings"]
    return {each["name"]: each["value"] for each in given}


def load(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings as the app reads them."""
    for name, value in app_settings(deployment).items():
        monkeypatch.setenv(name, value)
    return Settings()  # pyright: ignore[reportCallIssue]


def test_the_app_takes_its_settings(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(deployment, monkeypatch).catalog.deployments()


def test_every_setting_is_one_of_ours_and_every_value_a_text(deployment: Deployment) -> None:
    ours = {name for name in app_settings(deployment) if name.startswith("REELAY_")}
    assert ours <= {f"REELAY_{name.upper()}" for name in Settings.model_fields}
    assert all(isinstance(value, str) and value for value in app_settings(deployment).values())


def test_storage_topic_and_vault_are_those_that_were_made(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load(deployment, monkeypatch)
    (account,) = {
        each.name.partition("/")[0]
        for each in deployment.made("Microsoft.Storage/storageAccounts/blobServices/containers")
        if each.name.endswith("/videos")
    }
    assert settings.account_name == account
    assert settings.table_endpoint.host == f"{account}.table.core.windows.net"
    assert str(settings.event_grid_endpoint).startswith(f"https://{deployment.outputs['AZURE_EVENTS_TOPIC_NAME']}.")
    vault = deployment.outputs["AZURE_KEY_VAULT_NAME"]
    assert str(settings.admin_key) == f"keyvault:https://{vault}.vault.azure.net/secrets/reelay-admin-key"
    assert not settings.create_storage
    assert not settings.storage_key


def test_containers_and_table_are_those_of_the_code(deployment: Deployment) -> None:
    account = deployment.outputs["AZURE_STORAGE_ACCOUNT_NAME"]
    containers = deployment.made("Microsoft.Storage/storageAccounts/blobServices/containers")
    inside = {each.name.rpartition("/")[2] for each in containers if each.name.startswith(f"{account}/")}
    assert inside == {CONTENTS, INPUTS, FILES, "undelivered"}
    assert deployment.one("Microsoft.Storage/storageAccounts/tableServices/tables").name == f"{account}/default/{TABLE}"


def test_a_deployment_that_is_made_is_the_one_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = deployed("as it comes")
    asked = load(deployment, monkeypatch).catalog.deployments()
    account = deployment.one("Microsoft.CognitiveServices/accounts").name
    made = deployment.made("Microsoft.CognitiveServices/accounts/deployments")
    assert [f"{account}/{each.upstream_model}" for each in asked] == [each.name for each in made]
    assert [str(each.endpoint) for each in asked] == [f"https://{account}.openai.azure.com/openai/v1/"]
    client_id = deployment.outputs["AZURE_APP_IDENTITY_CLIENT_ID"]
    assert [each.auth for each in asked] == [ManagedIdentityAuth(kind="managed_identity", client_id=client_id)]


def test_a_model_goes_to_new_accounts_existing_ones_and_other_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = deployed("with all there is")
    catalog = load(deployment, monkeypatch).catalog
    made = deployment.one("Microsoft.CognitiveServices/accounts/deployments")
    assert made.given["model"] == {"format": "OpenAI", "name": "sora-2", "version": "2025-10-06"}
    assert made.name.endswith("/sora-2-here")
    assert catalog.models["sora-2"].fallback_models == ("wan",)
    hosts = {each.name: each.endpoint.host for each in catalog.deployments()}
    assert hosts == {
        "new": f"{made.name.partition('/')[0]}.openai.azure.com",
        "existing": "our-resource.openai.azure.com",
        "own-server": "wan.example",
    }


def test_what_a_deployment_says_of_itself_goes_before(monkeypatch: pytest.MonkeyPatch) -> None:
    catalog = load(deployed("with all there is"), monkeypatch).catalog
    existing = catalog.deployment("existing")
    assert existing
    assert isinstance(existing.auth, ApiKeyAuth)


def test_nothing_is_made_in_an_existing_account() -> None:
    deployments = EXISTING_ACCOUNT["models"]["sora-2"]["deployments"]
    only_theirs: dict[str, Any] = {
        "accounts": {"ours": EXISTING_ACCOUNT["accounts"]["ours"]},
        "models": {"sora-2": {"deployments": [deployments[1]]}},
    }
    deployment = deploy(environmentName="test", upstreams=only_theirs)
    assert not [each for each in deployment.made() if each.type.startswith("Microsoft.CognitiveServices/")]


def test_callers_keys_are_in_the_vault(monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = deployed("with all there is")
    (key,) = load(deployment, monkeypatch).api_keys
    vault = deployment.outputs["AZURE_KEY_VAULT_NAME"]
    assert (key.tenant, key.weight) == ("acme", 2)
    assert str(key.secret) == f"keyvault:https://{vault}.vault.azure.net/secrets/acme-key"


def test_without_an_admin_key_there_is_no_such_setting() -> None:
    assert "REELAY_ADMIN_KEY" not in app_settings(deploy(environmentName="test", adminKeyName=""))


@pytest.mark.parametrize(("choice", "delivery"), [("as it comes", "redirect"), ("private", "proxy")])
def test_content_goes_through_the_app_where_readers_cannot_reach_storage(choice: str, delivery: str) -> None:
    assert app_settings(deployed(choice))["REELAY_CONTENT_DELIVERY"] == delivery


def test_ones_own_settings_go_before() -> None:
    settings = app_settings(deployed("with all there is"))
    chosen: dict[str, str] = CHOICES["with all there is"]["settings"]
    assert settings.items() >= chosen.items()


def test_the_platform_lets_in_the_largest_file_with_the_form_around_it() -> None:
    settings = app_settings(deployed("as it comes"))
    assert int(settings["FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"]) > int(settings["REELAY_MAX_FILE_BYTES"])


def test_the_app_takes_the_largest_file_that_it_takes_elsewhere() -> None:
    default = Settings.model_fields["max_file_bytes"].default
    assert app_settings(deployed("as it comes"))["REELAY_MAX_FILE_BYTES"] == str(default)


def test_orchestrations_are_on_the_scheduler_that_host_json_names() -> None:
    deployment = deployed("as it comes")
    settings = app_settings(deployment)
    provider = HOST["extensions"]["durableTask"]["storageProvider"]
    connection = dict(part.split("=", 1) for part in settings[provider["connectionStringName"]].split(";"))
    scheduler = deployment.one("Microsoft.DurableTask/schedulers")
    hub = deployment.one("Microsoft.DurableTask/schedulers/taskHubs")
    assert connection == {
        "Endpoint": scheduler.properties["endpoint"],
        "TaskHub": settings["TASKHUB_NAME"],
        "Authentication": "ManagedIdentity",
        "ClientID": deployment.outputs["AZURE_APP_IDENTITY_CLIENT_ID"],
    }
    assert hub.name == f"{scheduler.name}/{settings['TASKHUB_NAME']}"
    assert HOST["extensions"]["durableTask"]["hubName"] == "%TASKHUB_NAME%"
    assert not [name for name in settings if name.startswith(PROVIDER)]


def test_orchestrations_are_on_azure_storage_if_chosen() -> None:
    deployment = deployed("on Azure Storage")
    settings = app_settings(deployment)
    assert settings[f"{PROVIDER}__type"] == "AzureStorage"
    assert settings[f"{PROVIDER}__connectionStringName"] == "AzureWebJobsStorage"
    services = {name for name in settings if name.endswith("ServiceUri")}
    assert services == {f"AzureWebJobsStorage__{service}ServiceUri" for service in ("blob", "queue", "table")}
    assert not deployment.made("Microsoft.DurableTask/schedulers")


def test_settings_of_the_platform_are_documented() -> None:
    platforms = {
        "PYTHON_THREADPOOL_THREAD_COUNT",
        "MALLOC_MMAP_THRESHOLD_",
        "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT",
        "TASKHUB_NAME",
        "DURABLE_TASK_SCHEDULER_CONNECTION_STRING",
    }
    assert platforms <= app_settings(deployed("as it comes")).keys()
    assert all(f"`{name}" in DOCUMENTED for name in platforms)


def test_settings_that_flex_consumption_does_not_take_are_not_there(deployment: Deployment) -> None:
    refused = {
        "FUNCTIONS_WORKER_RUNTIME",
        "FUNCTIONS_EXTENSION_VERSION",
        "WEBSITE_RUN_FROM_PACKAGE",
        "SCM_DO_BUILD_DURING_DEPLOYMENT",
        "ENABLE_ORYX_BUILD",
    }
    assert not refused & app_settings(deployment).keys()


def test_every_account_of_upstreams_yaml_is_used_and_every_used_one_is_there() -> None:
    upstreams = yaml.safe_load((INFRA / "upstreams.yaml").read_text())
    used = {each["account"] for model in upstreams["models"].values() for each in model["deployments"]}
    assert used == upstreams["accounts"].keys()
