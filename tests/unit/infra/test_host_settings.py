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


def expected() -> dict[str, str]:
    """All settings as they come, but for the models."""
    outputs = deployed("as it comes").outputs
    token = outputs["AZURE_FUNCTION_APP_NAME"].removeprefix("func-")
    client_id = f"client of id-app-{token}"
    return {
        "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": f"ClientId={client_id};Authorization=AAD",
        "APPLICATIONINSIGHTS_CONNECTION_STRING": f"InstrumentationKey=appi-{token}",
        "AZURE_TOKEN_CREDENTIALS": "prod",
        "AzureWebJobsStorage__blobServiceUri": f"https://sthost{token}.blob.core.windows.net/",
        "AzureWebJobsStorage__clientId": client_id,
        "AzureWebJobsStorage__credential": "managedidentity",
        "DURABLE_TASK_SCHEDULER_CONNECTION_STRING": (
            f"Endpoint=https://dts-{token}.westeurope.durabletask.io;TaskHub=reelay;"
            f"Authentication=ManagedIdentity;ClientID={client_id}"
        ),
        "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "210763776",
        "MALLOC_MMAP_THRESHOLD_": "131072",
        "PYTHON_THREADPOOL_THREAD_COUNT": "16",
        "REELAY_ADMIN_KEY": f"keyvault:https://kv-{token}.vault.azure.net/secrets/reelay-admin-key",
        "REELAY_API_KEYS": "[]",
        "REELAY_BLOB_ENDPOINT": f"https://st{token}.blob.core.windows.net/",
        "REELAY_CONTENT_DELIVERY": "redirect",
        "REELAY_EVENT_GRID_ENDPOINT": f"https://evgt-events-{token}.westeurope-1.eventgrid.azure.net/api/events",
        "REELAY_IDENTITY_CLIENT_ID": client_id,
        "REELAY_MAX_FILE_BYTES": "209715200",
        "REELAY_RETENTION": "{}",
        "REELAY_TABLE_ENDPOINT": f"https://st{token}.table.core.windows.net/",
        "TASKHUB_NAME": "reelay",
    }


def test_these_are_all_settings() -> None:
    settings = app_settings(deployed("as it comes"))
    assert settings == expected() | {"REELAY_MODELS": settings["REELAY_MODELS"]}


def test_on_azure_storage_these_are_others() -> None:
    settings = app_settings(deployed("on Azure Storage"))
    host = expected()["AzureWebJobsStorage__blobServiceUri"]
    others = {
        f"{PROVIDER}__type": "AzureStorage",
        f"{PROVIDER}__connectionStringName": "AzureWebJobsStorage",
        "AzureWebJobsStorage__queueServiceUri": host.replace("blob", "queue"),
        "AzureWebJobsStorage__tableServiceUri": host.replace("blob", "table"),
        "REELAY_MODELS": settings["REELAY_MODELS"],
    }
    theirs = {"DURABLE_TASK_SCHEDULER_CONNECTION_STRING"}
    assert settings == {name: value for name, value in expected().items() if name not in theirs} | others
    assert not deployed("on Azure Storage").made("Microsoft.DurableTask/schedulers")


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
