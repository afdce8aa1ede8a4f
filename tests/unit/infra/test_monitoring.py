"""Alerts and the dashboard look at metrics that the app has."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.infra.deployment import Deployment, Resource, deploy
from tests.unit.infra.scenarios import deployed
from tests.unit.infra.template import INFRA

SOURCE = (Path(__file__).parents[3] / "clients/telemetry/metrics.py").read_text()
METRICS = set(re.findall(r'"(reelay\.[a-z_.]+)"', SOURCE))
ATTRIBUTES = {"model", "deployment", "tenant", "code"}
WORKBOOK = json.loads((INFRA / "modules/workbook.json").read_text())
WHOLE_BUDGET = {"monthlyBudget": 1, "budgetStart": "2026-11-01", "alertEmails": ["ann@example.com"]}
BUDGETS = "Microsoft.Consumption/budgets"
RULES = "Microsoft.Insights/scheduledQueryRules"


def query(rule: Resource) -> str:
    (condition,) = rule.given["criteria"]["allOf"]
    return condition["query"]


def queries() -> Iterator[str]:
    yield from (query(rule) for rule in deployed("as it comes").made(RULES))
    yield from (item["content"]["query"] for item in WORKBOOK["items"] if item["type"] == 3)


def alert(name: str) -> Resource:
    (rule,) = [each for each in deployed("as it comes").made(RULES) if each.given["displayName"] == f"Reelay: {name}"]
    return rule


@pytest.mark.parametrize("text", [*queries()])
def test_a_query_asks_for_metrics_that_there_are(text: str) -> None:
    assert set(re.findall(r'"(reelay\.[^"]+)"', text)) <= METRICS
    assert set(re.findall(r"Properties\.(\w+)", text)) <= ATTRIBUTES
    assert text.startswith(("AppMetrics | where Name ", "AppRequests | "))


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("failed-videos", "reelay.videos.failed"),
        ("queue-age", "reelay.queue.age"),
        ("deployment-cooldown", "reelay.deployment.cooldown"),
        ("dead-letters", "reelay.events.dead_lettered"),
        ("over-budget", "reelay.budget.used_ratio"),
    ],
)
def test_there_is_an_alert(name: str, metric: str) -> None:
    assert f'"{metric}"' in query(alert(name))


def test_thresholds_are_those_that_were_chosen() -> None:
    assert "100 * Failed > 20 * Ended" in query(alert("failed-videos"))
    assert "Age > 900" in query(alert("queue-age"))


def test_an_alert_looks_at_the_workspace_that_the_app_writes_to(deployment: Deployment) -> None:
    workspace = deployment.one("Microsoft.OperationalInsights/workspaces").id
    assert deployment.one("Microsoft.Insights/components").given["WorkspaceResourceId"] == workspace
    assert all(rule.given["scopes"] == [workspace] for rule in deployment.made(RULES))


def test_what_event_grid_gives_up_is_alerted_of_on_every_topic_that_is_heard(deployment: Deployment) -> None:
    scopes = [scope for each in deployment.made("Microsoft.Insights/metricAlerts") for scope in each.given["scopes"]]
    heard = [
        each.id for each in deployment.made() if "identity" in each.body and each.type.startswith("Microsoft.EventGrid")
    ]
    assert sorted(scopes) == sorted(heard)


def test_whoever_is_named_is_written_to_and_nobody_else() -> None:
    told = deployed("with all there is")
    group = told.one("Microsoft.Insights/actionGroups")
    assert [each["emailAddress"] for each in group.given["emailReceivers"]] == ["ann@example.com"]
    assert all(rule.given["actions"]["actionGroups"] == [group.id] for rule in told.made(RULES))
    assert all(
        alert.given["actions"] == [{"actionGroupId": group.id}]
        for alert in told.made("Microsoft.Insights/metricAlerts")
    )
    silent = deployed("as it comes")
    assert not silent.made("Microsoft.Insights/actionGroups")
    assert all(rule.given["actions"]["actionGroups"] == [] for rule in silent.made(RULES))


def test_a_budget_is_what_was_asked_for_and_tells_whoever_is_named() -> None:
    budget = deployed("with all there is").one(BUDGETS)
    assert (budget.given["amount"], budget.given["timePeriod"]) == (100, {"startDate": "2026-11-01"})
    assert {
        (each["thresholdType"], each["operator"], each["threshold"], each["enabled"], *each["contactEmails"])
        for each in budget.given["notifications"].values()
    } == {
        ("Actual", "GreaterThanOrEqualTo", 80, True, "ann@example.com"),
        ("Forecasted", "GreaterThanOrEqualTo", 100, True, "ann@example.com"),
    }


@pytest.mark.parametrize("missing", WHOLE_BUDGET)
def test_there_is_no_budget_without_its_amount_its_start_or_somebody_to_tell(missing: str) -> None:
    assert deploy(environmentName="test", **WHOLE_BUDGET).made(BUDGETS)
    given = {name: value for name, value in WHOLE_BUDGET.items() if name != missing}
    assert not deploy(environmentName="test", **given).made(BUDGETS)


def test_the_dashboard_looks_at_the_workspace() -> None:
    deployment = deployed("as it comes")
    workbook = deployment.one("Microsoft.Insights/workbooks")
    workspace = deployment.one("Microsoft.OperationalInsights/workspaces").id
    assert workbook.given["sourceId"] == workspace
    assert json.loads(workbook.given["serializedData"])["fallbackResourceIds"] == [workspace]
