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


@pytest.mark.parametrize("text", [*queries()])
def test_a_query_asks_for_metrics_that_there_are(text: str) -> None:
    assert set(re.findall(r'"(reelay\.[^"]+)"', text)) <= METRICS
    assert set(re.findall(r"Properties\.(\w+)", text)) <= ATTRIBUTES
    assert text.startswith(("AppMetrics | where Name ", "AppRequests | "))


ALERTS = {
    "failed-videos": (
        1,
        "PT30M",
        'where Name in ("reelay.videos.failed", "reelay.videos.completed")',
        'summarize Failed = sumif(Sum, Name == "reelay.videos.failed"), Ended = sum(Sum)',
        "where Ended >= 5 and 100 * Failed > 20 * Ended",
    ),
    "queue-age": (
        2,
        "PT5M",
        'where Name == "reelay.queue.age"',
        "summarize Age = max(Sum / ItemCount)",
        "where Age > 900",
    ),
    "deployment-cooldown": (
        2,
        "PT30M",
        'where Name == "reelay.deployment.cooldown"',
        "project At = TimeGenerated, Sum, Deployment = tostring(Properties.deployment)",
        "summarize Since = coalesce(maxif(At, Sum == 0), min(At)), Now = max(At) by Deployment",
        "where Now - Since >= 15m",
    ),
    "dead-letters": (
        2,
        "PT15M",
        'where Name == "reelay.events.dead_lettered"',
        "summarize Letters = sum(Sum)",
        "where Letters > 0",
    ),
    "over-budget": (
        2,
        "PT15M",
        'where Name == "reelay.budget.used_ratio"',
        "extend Used = Sum / ItemCount",
        "summarize arg_max(TimeGenerated, Used) by Tenant = tostring(Properties.tenant)",
        "where Used >= 1",
    ),
}


def test_alerts_are_these() -> None:
    found = {
        rule.given["displayName"].removeprefix("Reelay: "): (
            rule.given["severity"],
            rule.given["windowSize"],
            *query(rule).split(" | ")[1:],
        )
        for rule in deployed("as it comes").made(RULES)
    }
    assert found == ALERTS


def test_an_alert_fires_at_the_first_row_that_its_query_returns() -> None:
    for rule in deployed("as it comes").made(RULES):
        (condition,) = rule.given["criteria"]["allOf"]
        assert rule.given["enabled"]
        assert rule.given["autoMitigate"]
        assert rule.given["evaluationFrequency"] == "PT5M"
        assert (condition["timeAggregation"], condition["operator"], condition["threshold"]) == (
            "Count",
            "GreaterThan",
            0,
        )
        assert condition["failingPeriods"] == {"numberOfEvaluationPeriods": 1, "minFailingPeriodsToAlert": 1}


def test_thresholds_are_those_that_were_chosen() -> None:
    chosen = deploy(environmentName="test", failedPercent=50, queueMinutes=2)
    texts = [query(rule) for rule in chosen.made(RULES)]
    assert texts[0].endswith("100 * Failed > 50 * Ended")
    assert texts[1].endswith("Age > 120")


def test_a_gauge_is_read_by_what_the_exporter_fills_in() -> None:
    assert not [text for text in queries() if re.search(r"\b(Min|Max)\b", text)]


def test_an_alert_looks_at_the_workspace_that_the_app_writes_to(deployment: Deployment) -> None:
    workspace = deployment.one("Microsoft.OperationalInsights/workspaces").id
    assert deployment.one("Microsoft.Insights/components").given["WorkspaceResourceId"] == workspace
    assert all(rule.given["scopes"] == [workspace] for rule in deployment.made(RULES))


def test_what_event_grid_gives_up_or_drops_is_alerted_of_on_every_topic_that_is_heard(deployment: Deployment) -> None:
    watched = list[tuple[str, str]]()
    for rule in deployment.made("Microsoft.Insights/metricAlerts"):
        (topic,), (condition,) = rule.given["scopes"], rule.given["criteria"]["allOf"]
        assert rule.given["enabled"]
        assert (rule.given["evaluationFrequency"], rule.given["windowSize"]) == ("PT5M", "PT15M")
        assert (condition["timeAggregation"], condition["operator"], condition["threshold"]) == (
            "Total",
            "GreaterThan",
            0,
        )
        watched.append((topic, condition["metricName"]))
    heard = [
        each.id for each in deployment.made() if "identity" in each.body and each.type.startswith("Microsoft.EventGrid")
    ]
    assert len(heard) == 2
    assert sorted(watched) == sorted(
        (topic, metric) for topic in heard for metric in ("DeadLetteredCount", "DroppedEventCount")
    )


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
