"""Timers fire by their schedule, at start-up if they say so, and by hand."""

import json
from datetime import UTC, datetime

import pytest

from local.functions_host.configuration import ConfigurationError
from local.functions_host.schedules import read_schedule
from tests.integration.functions_host.host_kit import APPS, Child, Start, wait_until

NOW = datetime(2026, 11, 21, 10, 0, 30, tzinfo=UTC)  # a Saturday


@pytest.mark.parametrize(
    ("expression", "next_time"),
    [
        ("*/10 * * * * *", "2026-11-21T10:00:40"),
        ("0 */5 * * * *", "2026-11-21T10:05:00"),
        ("*/5 * * * *", "2026-11-21T10:05:00"),
        ("0 30 9 * * Mon-Fri", "2026-11-23T09:30:00"),
        ("0 0 0 1 Jan *", "2027-01-01T00:00:00"),
        # both the day of the month and the day of the week must match, unlike in cron
        ("0 0 0 13 * Fri", "2027-08-13T00:00:00"),
        ("00:00:45", "2026-11-21T10:01:15"),
        ("1.00:00:00", "2026-11-22T10:00:30"),
    ],
)
def test_schedules(expression, next_time):
    assert read_schedule(expression)(NOW) == datetime.fromisoformat(f"{next_time}+00:00")


@pytest.mark.parametrize("expression", ["", "often", "61 * * * * *", "* * * *"])
def test_what_is_no_schedule_is_refused(expression):
    with pytest.raises(ConfigurationError, match="is no schedule"):
        read_schedule(expression)


@pytest.fixture(scope="module")
def host(start: Start, journal) -> Child:
    return start("--app", APPS / "triggers", "--port", 0, JOURNAL=str(journal), TICK="* * * * * *")


@pytest.fixture
def noted(journal):
    def read(function: str) -> list[dict]:
        entries = [json.loads(line) for line in journal.read_text().splitlines()]
        return [entry for entry in entries if entry["function"] == function]

    return read


def test_a_timer_fires_by_the_schedule_that_a_setting_gives(host, noted):
    first, second = wait_until(lambda: len(ticks := noted("tick")) >= 2 and ticks[:2])
    assert datetime.fromisoformat(first["next"]) < datetime.fromisoformat(second["next"])


def test_run_on_startup(host, noted):
    wait_until(lambda: noted("at_startup") == [{"function": "at_startup", "past_due": False}])


def test_a_timer_is_started_by_hand(host, noted):
    assert noted("yearly") == []
    assert host.http.post("/admin/functions/Yearly", json={}).status_code == 202
    wait_until(lambda: noted("yearly"))


def test_an_event_function_is_started_by_hand(host, noted):
    event = {"specversion": "1.0", "id": "by-hand", "source": "/s", "type": "Made"}
    answer = host.http.post("/admin/functions/on_cloud_event", json={"input": json.dumps(event)})
    assert answer.status_code == 202
    wait_until(lambda: [entry["id"] for entry in noted("on_cloud_event")] == ["by-hand"])


def test_only_timers_and_events_are_started_by_hand(host, start):
    web = start("--app", APPS / "web", "--port", 0)
    assert web.http.post("/admin/functions/ping").status_code == 400
    assert web.http.post("/admin/functions/nobody").status_code == 404


def test_the_host_says_that_it_runs(host):
    status = host.http.get("/admin/host/status").json()
    assert (status["state"], status["processId"]) == ("Running", host.process.pid)
