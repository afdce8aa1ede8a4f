"""The engine's promise about continue-as-new: a new generation hears nothing that an earlier one asked for."""

import pytest
from durabletask.internal import orchestrator_service_pb2 as pb
from google.protobuf.wrappers_pb2 import StringValue

from tests.integration.functions_host.engine_kit import (
    ask_entity,
    call,
    complete,
    events,
    hand_workers,
    running_engine,
    start_child,
)

_NEXT = complete(status=pb.ORCHESTRATION_STATUS_CONTINUED_AS_NEW)


@pytest.fixture
def worker():
    """A worker that holds the first turn of an orchestration."""
    with running_engine() as address, hand_workers(address) as make:
        worker = make()
        worker.start("orchestrator")
        yield worker


def test_not_the_result_of_an_activity(worker):
    worker.end_turn(worker.take(), call(1), _NEXT)
    taken = {item.WhichOneof("request"): item for item in (worker.take(), worker.take())}
    worker.end_turn(taken["orchestratorRequest"], call(1))
    late, awaited = taken["activityRequest"], worker.take()

    worker.end_activity(late)
    assert worker.sees_nothing()
    worker.end_activity(awaited)

    assert events(worker.take().orchestratorRequest.newEvents)[1:] == ["taskCompleted"]


def test_not_a_result_that_came_during_the_last_turn(worker):
    worker.end_turn(worker.take(), call(1), call(2))
    first, second = worker.take(), worker.take()
    worker.end_activity(first)
    turn = worker.take()
    worker.end_activity(second)
    worker.stub.RaiseEvent(pb.RaiseEventRequest(instanceId="it", name="from outside"))

    worker.end_turn(turn, _NEXT)

    assert events(worker.take().orchestratorRequest.newEvents)[1:] == ["executionStarted", "eventRaised"]


def test_not_the_end_of_a_child(worker):
    worker.end_turn(worker.take(), start_child(1, "early"), _NEXT)
    turns = {item.orchestratorRequest.instanceId: item for item in (worker.take(), worker.take())}
    worker.end_turn(turns["it"], start_child(1, "late"))
    late = worker.take()

    worker.end_turn(turns["early"], complete())
    assert worker.sees_nothing()
    worker.end_turn(late, complete())

    assert events(worker.take().orchestratorRequest.newEvents)[1:] == ["subOrchestrationInstanceCompleted"]


def test_not_the_answer_of_an_entity(worker):
    called = pb.EntityOperationCalledEvent(
        requestId="request",
        operation="add",
        targetInstanceId=StringValue(value="@counter@a"),
        parentInstanceId=StringValue(value="it"),
    )
    worker.end_turn(worker.take(), ask_entity("entityOperationCalled", called), _NEXT)
    taken = {item.WhichOneof("request"): item for item in (worker.take(), worker.take())}
    worker.end_turn(taken["orchestratorRequest"])

    worker.end_batch(taken["entityRequestV2"], "1")

    assert worker.sees_nothing()


def test_its_events_carried_over_come_before_the_ones_that_arrived(worker):
    turn = worker.take()
    worker.stub.RaiseEvent(pb.RaiseEventRequest(instanceId="it", name="arrived"))
    carried = pb.HistoryEvent(eventId=-1, eventRaised=pb.EventRaisedEvent(name="carried"))
    onwards = pb.CompleteOrchestrationAction(
        orchestrationStatus=pb.ORCHESTRATION_STATUS_CONTINUED_AS_NEW,
        result=StringValue(value='"input"'),
        carryoverEvents=[carried],
    )

    worker.end_turn(turn, pb.OrchestratorAction(id=1, completeOrchestration=onwards))

    request = worker.take().orchestratorRequest
    _, started, *raised = request.newEvents
    assert not request.pastEvents
    assert started.executionStarted.input.value == '"input"'
    assert [event.eventRaised.name for event in raised] == ["carried", "arrived"]
    assert worker.state().orchestrationStatus == pb.ORCHESTRATION_STATUS_RUNNING
