"""The function app, its scheduler and its storage are what was chosen."""

from pathlib import Path

import pytest

from tests.unit.infra.deployment import Deployment
from tests.unit.infra.scenarios import deployed

PYTHON = (Path(__file__).parents[3] / ".python-version").read_text().strip()
SCHEDULER = "Microsoft.DurableTask/schedulers"
CONTAINERS = "Microsoft.Storage/storageAccounts/blobServices/containers"


def test_it_runs_the_python_that_everything_was_tested_with(deployment: Deployment) -> None:
    app = deployment.one("Microsoft.Web/sites")
    assert app.given["functionAppConfig"]["runtime"] == {"name": "python", "version": PYTHON}


def test_callers_reach_it(deployment: Deployment) -> None:
    assert deployment.one("Microsoft.Web/sites").given["publicNetworkAccess"] == "Enabled"


def test_it_is_on_flex_consumption(deployment: Deployment) -> None:
    plan = deployment.one("Microsoft.Web/serverfarms")
    assert plan.body["sku"] == {"name": "FC1", "tier": "FlexConsumption"}
    assert plan.given["reserved"] is True  # that is Linux
    assert deployment.one("Microsoft.Web/sites").given["serverFarmId"] == plan.id


def test_it_is_deployed_into_a_container_that_is_made(deployment: Deployment) -> None:
    place = deployment.one("Microsoft.Web/sites").given["functionAppConfig"]["deployment"]["storage"]
    account, container = place["value"].removeprefix("https://").split(".blob.core.windows.net/")
    assert place["type"] == "blobContainer"
    assert account.startswith("sthost")
    assert f"{account}/default/{container}" in {each.name for each in deployment.made(CONTAINERS)}


@pytest.mark.parametrize(
    ("choice", "ready", "most", "memory_mb", "at_once"),
    [
        ("as it comes", [], 100, 2048, 16),
        (
            "with all there is",
            [{"name": "http", "instanceCount": 1}, {"name": "durable", "instanceCount": 2}],
            40,
            4096,
            8,
        ),
    ],
)
def test_it_scales_as_chosen(
    choice: str, ready: list[dict[str, object]], most: int, memory_mb: int, at_once: int
) -> None:
    app = deployed(choice).one("Microsoft.Web/sites")
    assert app.given["functionAppConfig"]["scaleAndConcurrency"] == {
        "alwaysReady": ready,
        "maximumInstanceCount": most,
        "instanceMemoryMB": memory_mb,
        "triggers": {"http": {"perInstanceConcurrency": at_once}},
    }


@pytest.mark.parametrize(
    ("choice", "location", "sku", "days"),
    [
        ("as it comes", "westeurope", {"name": "Consumption"}, 7),
        ("with all there is", "northeurope", {"name": "Dedicated", "capacity": 3}, 2),
    ],
)
def test_the_scheduler_is_as_chosen_and_forgets_only_what_has_ended(
    choice: str, location: str, sku: dict[str, object], days: int
) -> None:
    scheduler = deployed(choice).one(SCHEDULER)
    assert scheduler.body["location"] == location
    assert scheduler.given == {"ipAllowlist": ["0.0.0.0/0"], "sku": sku}
    policies = deployed(choice).one(f"{SCHEDULER}/retentionPolicies").given["retentionPolicies"]
    kept = {each["orchestrationState"]: each["retentionPeriodInDays"] for each in policies}
    assert kept == {"Completed": days, "Failed": days, "Terminated": days}


@pytest.mark.parametrize(
    ("choice", "copies"), [("as it comes", "Standard_LRS"), ("with all there is", "Standard_GZRS")]
)
def test_content_is_copied_as_chosen(choice: str, copies: str) -> None:
    deployment = deployed(choice)
    accounts = {each.name: each.body["sku"]["name"] for each in deployment.made("Microsoft.Storage/storageAccounts")}
    content = deployment.outputs["AZURE_STORAGE_ACCOUNT_NAME"]
    assert accounts.pop(content) == copies
    assert list(accounts.values()) == ["Standard_LRS"]


def test_event_grid_reaches_storage_that_is_closed_to_others(deployment: Deployment) -> None:
    for account in deployment.made("Microsoft.Storage/storageAccounts"):
        assert account.given["networkAcls"]["bypass"] == "AzureServices"
