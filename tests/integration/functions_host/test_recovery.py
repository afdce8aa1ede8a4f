"""Hosts and engines that are killed lose no work, and double none that need not be."""

import signal
from pathlib import Path

import pytest

from tests.integration.functions_host.host_kit import (
    APPS,
    Child,
    Orchestration,
    Start,
    last_words,
    lasting_port,
    wait_until,
)


@pytest.fixture
def start_host(start: Start, journal):
    def start_host(*arguments: object) -> Child:
        return start("--app", APPS / "durable", "--port", 0, *arguments, HUB="h", JOURNAL=str(journal))

    return start_host


class LongActivity:
    """An activity that goes on until the test lets it end."""

    def __init__(self, journal: Path, label: str) -> None:
        self.label = label
        self._journal = journal

    def begin(self, host: Child) -> Orchestration:
        orchestration = host.orchestration("long_activity", self.label)
        wait_until(self.started_in)
        return orchestration

    def started_in(self) -> list[int]:
        """The processes in which it was started, in order."""
        lines = self._journal.read_text().splitlines()
        return [int(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{self.label} started")]

    def let_end(self) -> None:
        self._journal.with_name(self.label).touch()

    def has_ended(self) -> bool:
        return f"{self.label} ended" in self._journal.read_text()


@pytest.fixture
def activity(journal, tmp_path):
    return LongActivity(journal, tmp_path.name)


def test_another_host_takes_over_what_a_killed_one_was_doing(start, start_host, activity):
    engine = start("--engine-only", 0)
    first = start_host("--engine", engine.address)
    orchestration = activity.begin(first)
    second = start_host("--engine", f"grpc://{engine.address}")
    first.end(signal.SIGKILL)
    wait_until(lambda: activity.started_in() == [first.process.pid, second.process.pid])
    activity.let_end()
    assert Orchestration(second.http, orchestration.id).reach("Completed")["output"] == activity.label


@pytest.mark.parametrize("ends_without_engine", [True, False])
def test_an_activity_runs_once_though_the_engine_is_killed(start, start_host, activity, tmp_path, ends_without_engine):
    engine = start("--engine-only", lasting_port(), "--state", tmp_path)
    host = start_host("--engine", engine.address)
    orchestration = activity.begin(host)
    engine.end(signal.SIGKILL)
    if ends_without_engine:
        activity.let_end()
        wait_until(activity.has_ended)
    start("--engine-only", engine.port, "--state", tmp_path)
    wait_until(lambda: orchestration.get().status_code != 503)
    activity.let_end()
    assert orchestration.reach("Completed")["output"] == activity.label
    assert activity.started_in() == [host.process.pid]


def test_work_flows_again_after_the_engine_was_killed(start, start_host, tmp_path):
    engine = start("--engine-only", lasting_port(), "--state", tmp_path)
    host = start_host("--engine", engine.address)
    host.orchestration("greet_all", ["ann"]).reach("Completed")
    engine.end(signal.SIGKILL)
    start("--engine-only", engine.port, "--state", tmp_path)
    wait_until(lambda: host.http.get("/runtime/webhooks/durabletask/instances").status_code == 200)
    host.orchestration("greet_all", ["bob"]).reach("Completed")


def test_a_host_with_its_own_engine_goes_on_from_its_state(start_host, activity, tmp_path):
    first = start_host("--state", tmp_path)
    orchestration = activity.begin(first)
    first.end(signal.SIGKILL)
    second = start_host("--state", tmp_path)
    activity.let_end()
    assert Orchestration(second.http, orchestration.id).reach("Completed")["output"] == activity.label


def test_an_engine_whose_port_is_taken_says_so(start):
    engine = start("--engine-only", 0)
    assert f"port {engine.port}" in last_words("--engine-only", engine.port)


def test_the_engine_alone_says_where_it_listens_and_stops_when_asked(start):
    engine = start("--engine-only", 0)
    assert engine.url == f"grpc://{engine.address}"
    assert engine.end(signal.SIGTERM) == 0
