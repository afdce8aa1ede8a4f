"""The platform under the app is told what it needs, and nothing that it refuses."""

import json
from pathlib import Path

from clients.settings import Settings
from tests.unit.infra.deployment import Deployment
from tests.unit.infra.scenarios import app_settings, deployed

ROOT = Path(__file__).parents[3]
DURABLE = json.loads((ROOT / "host.json").read_text())["extensions"]["durableTask"]
DOCUMENTED = (ROOT / "docs/configuration.md").read_text()
PROVIDER = "AzureFunctionsJobHost__extensions__durableTask__storageProvider"


def test_the_platform_lets_in_the_largest_file_with_the_form_around_it() -> None:
    settings = app_settings(deployed("as it comes"))
    assert int(settings["FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"]) > int(settings["REELAY_MAX_FILE_BYTES"])


def test_the_app_takes_the_largest_file_that_it_takes_elsewhere() -> None:
    default = Settings.model_fields["max_file_bytes"].default
    assert app_settings(deployed("as it comes"))["REELAY_MAX_FILE_BYTES"] == str(default)


def test_orchestrations_are_on_the_scheduler_that_host_json_names() -> None:
    deployment = deployed("as it comes")
    settings = app_settings(deployment)
    text = settings[DURABLE["storageProvider"]["connectionStringName"]]
    connection = dict(part.split("=", 1) for part in text.split(";"))
    scheduler = deployment.one("Microsoft.DurableTask/schedulers")
    hub = deployment.one("Microsoft.DurableTask/schedulers/taskHubs")
    assert connection == {
        "Endpoint": scheduler.properties["endpoint"],
        "TaskHub": settings["TASKHUB_NAME"],
        "Authentication": "ManagedIdentity",
        "ClientID": deployment.outputs["AZURE_APP_IDENTITY_CLIENT_ID"],
    }
    assert hub.name == f"{scheduler.name}/{settings['TASKHUB_NAME']}"
    assert DURABLE["hubName"] == "%TASKHUB_NAME%"
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
