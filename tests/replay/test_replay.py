"""An orchestration that is in flight when the app is upgraded goes on with the new code: old histories still replay."""

import base64
import json
from collections.abc import Callable, Generator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.durable_functions.worker import DurableFunctionsWorker
from durabletask.internal import orchestrator_service_pb2 as pb
from durabletask.task import OrchestrationContext
from google.protobuf.json_format import ParseDict

from orchestrators.generate_video import generate_video
from orchestrators.run_batch import run_batch
from tests.replay.batches import SCENARIOS as BATCHES
from tests.replay.scenarios import SCENARIOS

type Orchestrator = Callable[[OrchestrationContext, dict[str, Any]], Generator[Any, Any, Any]]

FOLDER = Path(__file__).parent / "histories"
ORCHESTRATORS: Mapping[str, Orchestrator] = {"*.json": generate_video, "batches/*.json": run_batch}
HISTORIES = {
    str(path.relative_to(FOLDER).with_suffix("")): (path, orchestrator)
    for pattern, orchestrator in ORCHESTRATORS.items()
    for path in sorted(FOLDER.glob(pattern))
}

DECISIONS: Mapping[str, Callable[[Any], str]] = {
    "taskScheduled": lambda task: task.name,
    "timerCreated": lambda _: "",
    "eventSent": lambda sent: sent.instanceId,
    "entityOperationCalled": lambda call: call.operation,
}
"""The events that write down what an orchestrator decided, and of what; all else is news."""


def load(path: Path) -> list[pb.HistoryEvent]:
    return [ParseDict(event, pb.HistoryEvent()) for event in json.loads(path.read_text())]


def episodes(history: list[pb.HistoryEvent]) -> list[tuple[list[pb.HistoryEvent], list[pb.HistoryEvent]]]:
    """Every moment the orchestration was run: what had happened before, and what was new."""
    starts = [index for index, event in enumerate(history) if event.HasField("orchestratorStarted")]
    ends = [index for index, event in enumerate(history) if event.HasField("orchestratorCompleted")]
    return [(history[:start], [*news(history[start:end])]) for start, end in zip(starts, ends, strict=True)]


def news(events: list[pb.HistoryEvent]) -> Generator[pb.HistoryEvent]:
    """What came from outside; the rest is what the orchestrator then decided."""
    for event in events:
        if event.WhichOneof("eventType") not in DECISIONS:
            yield event


def decisions(history: list[pb.HistoryEvent], past: int) -> list[tuple[int, str, str]]:
    """What the orchestrator decided in the run that began after `past` events: its number, its kind, and of what."""
    decided = list[tuple[int, str, str]]()
    for event in history[past:]:
        kind = event.WhichOneof("eventType") or ""
        if kind == "orchestratorCompleted":
            break
        if kind in DECISIONS:
            decided.append((event.eventId, kind, DECISIONS[kind](getattr(event, kind))))
    return decided


def replay(orchestrator: Orchestrator, past: list[pb.HistoryEvent], new: list[pb.HistoryEvent]) -> list[Any]:
    request = pb.OrchestratorRequest(instanceId="replayed", pastEvents=past, newEvents=new)
    body = base64.b64encode(request.SerializeToString()).decode()
    answer = DurableFunctionsWorker().execute_orchestration_request(orchestrator, body)
    return list(pb.OrchestratorResponse.FromString(base64.b64decode(answer)).actions)


def decided(actions: list[Any]) -> list[tuple[int, str, str]]:
    """The same of what an orchestrator answers."""
    return [decision(action) for action in actions if not action.HasField("completeOrchestration")]


def decision(action: pb.OrchestratorAction) -> tuple[int, str, str]:
    match action.WhichOneof("orchestratorActionType"):
        case "scheduleTask":
            return action.id, "taskScheduled", action.scheduleTask.name
        case "createTimer":
            return action.id, "timerCreated", ""
        case "sendEvent":
            return action.id, "eventSent", action.sendEvent.instance.instanceId
        case _:
            return action.id, "entityOperationCalled", action.sendEntityMessage.entityOperationCalled.operation


def failures(actions: list[Any]) -> list[str]:
    return [
        action.completeOrchestration.failureDetails.errorType
        for action in actions
        if action.HasField("completeOrchestration") and action.completeOrchestration.HasField("failureDetails")
    ]


def test_every_scenario_has_a_history() -> None:
    assert HISTORIES.keys() >= {*SCENARIOS, *(f"batches/{name}" for name in BATCHES)}


@pytest.mark.parametrize(("path", "orchestrator"), HISTORIES.values(), ids=HISTORIES)
def test_the_orchestrator_decides_again_what_it_decided(path: Path, orchestrator: Orchestrator) -> None:
    history = load(path)
    for past, new in episodes(history):
        actions = replay(orchestrator, past, new)
        assert not failures(actions)
        assert decided(actions) == decisions(history, len(past))


def begins_with_another_step(context: OrchestrationContext, first_step: dict[str, Any]) -> Generator[Any, Any, Any]:
    yield context.call_activity("another_step", input=first_step)


def waits_before_it_begins(context: OrchestrationContext, first_step: dict[str, Any]) -> Generator[Any, Any, Any]:
    yield context.create_timer(timedelta(seconds=1))
    yield context.call_activity("another_step", input=first_step)


@pytest.mark.parametrize("changed", [begins_with_another_step, waits_before_it_begins])
@pytest.mark.parametrize(("path", "_orchestrator"), HISTORIES.values(), ids=HISTORIES)
def test_a_changed_orchestrator_is_found_out(path: Path, _orchestrator: Orchestrator, changed: Orchestrator) -> None:
    past, new = episodes(load(path))[-1]
    assert failures(replay(changed, past, new)) == ["durabletask.task.NonDeterminismError"]
