"""The engine's promise to workers: work is leased, once at a time, to whoever is there to do it."""

import socket
import subprocess
import sys
import time
from pathlib import Path

import grpc
import pytest
from durabletask.internal import orchestrator_service_pb2 as pb
from google.protobuf.wrappers_pb2 import StringValue

from local.functions_host.engine import Engine, dispatch
from tests.integration.functions_host.engine_kit import (
    ask_entity,
    call,
    complete,
    events,
    hand_workers,
    new_client,
    running_engine,
    running_worker,
)


@pytest.fixture
def address():
    with running_engine() as address:
        yield address


@pytest.fixture
def hand_worker(address):
    with hand_workers(address) as make:
        yield make


def test_a_stream_that_ends_gives_its_activities_to_another_worker(hand_worker):
    lost = hand_worker()
    lost.start("orchestrator")
    lost.end_turn(lost.take(), call(1), call(2))
    held = {lost.take().activityRequest.taskId, lost.take().activityRequest.taskId}
    heir = hand_worker()
    lost.close()

    taken = {heir.take().activityRequest.taskId, heir.take().activityRequest.taskId}

    assert taken == held == {1, 2}


def test_a_stream_that_ends_gives_its_turn_to_another_worker_with_all_its_events(hand_worker):
    lost = hand_worker()
    lost.start("orchestrator")
    lost.take()
    heir = hand_worker()
    lost.close()

    turn = heir.take()

    assert events(turn.orchestratorRequest.newEvents) == ["orchestratorStarted", "executionStarted"]


def test_a_killed_process_loses_its_activity_to_a_living_one_at_once(address, tmp_path: Path):
    """Stock: the activity is never heard of again."""
    with subprocess.Popen(
        [sys.executable, "-c", _HANGING_WORKER, address, str(tmp_path / "begun")], stdout=subprocess.PIPE
    ) as hanging:
        client = new_client(address)
        client.schedule_new_orchestration("call_once", instance_id="it")
        assert hanging.stdout is not None
        assert hanging.stdout.readline() == b"begun\n"
        with running_worker(address, orchestrators=[call_once], activities=[once]):
            hanging.kill()
            state = client.wait_for_orchestration_completion("it", timeout=10)

    assert state is not None
    assert state.serialized_output == '"by the living"'


_HANGING_WORKER = """
import sys, threading
from durabletask.worker import TaskHubGrpcWorker

def call_once(context, _):
    return (yield context.call_activity("once"))

def once(context, _):
    print("begun", flush=True)
    threading.Event().wait()

worker = TaskHubGrpcWorker(host_address=sys.argv[1])
worker.add_orchestrator(call_once)
worker.add_activity(once)
worker.start()
threading.Event().wait()
"""


def call_once(context, _):
    return (yield context.call_activity("once"))


def once(_context, _):
    return "by the living"


def test_an_activity_completes_only_with_the_token_of_its_last_dispatch(hand_worker):
    """Stock: whoever answers first is believed, and every later answer as well."""
    lost = hand_worker()
    lost.start("orchestrator")
    lost.end_turn(lost.take(), call(1))
    stale = lost.take()
    heir = hand_worker()
    lost.stub.AbandonTaskActivityWorkItem(pb.AbandonActivityTaskRequest(completionToken=stale.completionToken))
    lost.close()
    fresh = heir.take()

    heir.end_activity(stale, '"stale"')
    assert heir.sees_nothing()
    heir.end_activity(fresh, '"fresh"')
    heir.end_activity(fresh, '"again"')

    assert [event.taskCompleted.result.value for event in heir.take().orchestratorRequest.newEvents[1:]] == ['"fresh"']


def test_a_turn_completes_only_with_the_token_of_its_last_dispatch(hand_worker):
    lost = hand_worker()
    lost.start("orchestrator")
    stale = lost.take()
    lost.close()
    heir = hand_worker()
    fresh = heir.take()

    heir.end_turn(stale, complete('"stale"'))
    assert heir.state().orchestrationStatus == pb.ORCHESTRATION_STATUS_PENDING
    heir.end_turn(fresh, complete('"fresh"'))
    heir.end_turn(fresh, complete('"again"'))

    assert heir.state().output.value == '"fresh"'


def test_a_batch_completes_only_with_the_token_of_its_last_dispatch(hand_worker):
    lost = hand_worker()
    lost.signal("add")
    stale = lost.take()
    lost.close()
    heir = hand_worker()
    fresh = heir.take()

    heir.end_batch(fresh, "1")
    heir.end_batch(stale, "2")

    assert heir.entity_state() == "1"


@pytest.mark.parametrize("kind", ["orchestration", "activity", "entity"])
def test_a_worker_gets_no_more_than_its_quota(hand_worker, kind):
    """Stock: maxConcurrent… is not read."""
    quota = {f"maxConcurrent{kind.capitalize()}WorkItems": 2}
    worker = hand_worker(**quota)
    end = _three_pieces_of_work(worker, kind)
    first, _second = worker.take(), worker.take()

    assert worker.sees_nothing()
    end(first)

    assert worker.take().WhichOneof("request") == first.WhichOneof("request")


def _three_pieces_of_work(worker, kind):
    if kind == "entity":
        for key in "abc":
            worker.signal("add", f"@counter@{key}")
        return lambda item: worker.end_batch(item, "1")
    if kind == "orchestration":
        for key in "abc":
            worker.start("orchestrator", key)
        return lambda item: worker.end_turn(item, complete())
    worker.start("orchestrator")
    worker.end_turn(worker.take(), call(1), call(2), call(3))
    return worker.end_activity


def test_work_is_spread_over_the_workers(hand_worker):
    workers = [hand_worker(), hand_worker()]
    for key in "abcd":
        workers[0].start("orchestrator", key)

    assert [[worker.take().WhichOneof("request") for _ in range(2)] for worker in workers] == [
        ["orchestratorRequest"] * 2
    ] * 2


def test_an_orchestration_rests_between_the_results_of_a_fan_out(hand_worker):
    """Stock: each result may cost a turn, and each turn replays all the results before it."""
    worker = hand_worker()
    worker.start("orchestrator")
    turn = worker.take()
    time.sleep(0.5)  # a turn that takes this long earns a rest of the same length
    worker.end_turn(turn, call(1), call(2), call(3))
    activities = [worker.take() for _ in range(3)]
    worker.end_activity(activities[0])
    worker.end_activity(activities[1])
    assert worker.sees_nothing()

    worker.end_activity(activities[2])

    assert events(worker.take().orchestratorRequest.newEvents)[1:] == ["taskCompleted"] * 3


def test_an_orchestration_that_has_rested_takes_its_turn_while_activities_are_out(hand_worker):
    worker = hand_worker()
    worker.start("orchestrator")
    worker.end_turn(worker.take(), call(1), call(2))
    worker.end_activity(worker.take())
    assert worker.take().WhichOneof("request") == "activityRequest"

    assert events(worker.take().orchestratorRequest.newEvents)[1:] == ["taskCompleted"]


def test_a_turn_that_its_worker_lost_is_offered_again_after_a_while(hand_worker, monkeypatch):
    monkeypatch.setitem(dispatch.LOCK_S, dispatch.WorkKind.ORCHESTRATION, 0.05)
    worker = hand_worker()
    worker.start("orchestrator")
    lost = worker.take()

    assert worker.take().completionToken != lost.completionToken


def test_an_idle_stream_shows_that_it_lives(hand_worker, monkeypatch):
    monkeypatch.setattr(dispatch, "HEALTH_PING_S", 0.05)

    assert hand_worker().take().WhichOneof("request") == "healthPing"


def test_abandoned_work_is_offered_again(hand_worker):
    worker = hand_worker()
    worker.start("orchestrator")
    refused = worker.take()
    worker.stub.AbandonTaskOrchestratorWorkItem(
        pb.AbandonOrchestrationTaskRequest(completionToken=refused.completionToken)
    )

    offered = worker.take()

    assert offered.completionToken != refused.completionToken
    assert offered.orchestratorRequest.instanceId == "it"


def test_a_failure_without_a_message_is_a_failure(hand_worker):
    """Stock: it counts as success."""
    worker = hand_worker()
    worker.start("orchestrator")
    worker.end_turn(worker.take(), call(1))
    failed = worker.take()
    worker.stub.CompleteActivityTask(
        pb.ActivityResponse(
            instanceId="it",
            taskId=1,
            completionToken=failed.completionToken,
            failureDetails=pb.TaskFailureDetails(errorType="KeyError"),
        )
    )

    assert events(worker.take().orchestratorRequest.newEvents)[1:] == ["taskFailed"]


def test_operations_that_a_worker_left_over_run_in_the_next_batch(hand_worker):
    worker = hand_worker()
    worker.signal("first")
    first = worker.take()
    worker.signal("second")
    worker.signal("third")
    worker.end_batch(first, "1")

    worker.end_batch(worker.take(), "2", results=1)

    assert [each.entityOperationSignaled.operation for each in worker.take().entityRequestV2.operationRequests] == [
        "third"
    ]


def test_a_batch_that_fails_as_a_whole_fails_its_callers_and_keeps_the_state(hand_worker):
    worker = hand_worker()
    worker.signal("set")
    worker.end_batch(worker.take(), "1")
    worker.start("orchestrator")
    called = pb.EntityOperationCalledEvent(
        requestId="request",
        operation="add",
        targetInstanceId=StringValue(value="@counter@a"),
        parentInstanceId=StringValue(value="it"),
    )
    worker.end_turn(worker.take(), ask_entity("entityOperationCalled", called))
    batch = worker.take()

    failure = pb.TaskFailureDetails(errorType="ImportError", errorMessage="no such entity")
    worker.stub.CompleteEntityTask(pb.EntityBatchResult(completionToken=batch.completionToken, failureDetails=failure))

    (told,) = worker.take().orchestratorRequest.newEvents[1:]
    assert told.entityOperationFailed.failureDetails == failure
    assert worker.entity_state() == "1"


def test_the_lock_of_an_owner_that_has_ended_can_be_released(hand_worker):
    worker = hand_worker()
    worker.start("orchestrator")
    wanted = pb.EntityLockRequestedEvent(criticalSectionId="section", lockSet=["@counter@a"])
    worker.end_turn(worker.take(), ask_entity("entityLockRequested", wanted), complete())
    worker.signal("add")
    assert worker.sees_nothing()
    (entity,) = worker.stub.QueryEntities(pb.QueryEntitiesRequest(query={"includeTransient": True})).entities
    assert (entity.lockedBy.value, entity.backlogQueueSize) == ("it", 1)

    request = pb.CleanEntityStorageRequest(releaseOrphanedLocks=True)
    assert worker.stub.CleanEntityStorage(request).orphanedLocksReleased == 1

    assert len(worker.take().entityRequestV2.operationRequests) == 1


def test_the_engine_answers_on_127_0_0_1_alone(address):
    """Stock: it binds all interfaces."""
    port = int(address.rpartition(":")[2])

    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.2", port), timeout=5):
        pass


def test_a_port_is_not_shared(address):
    with pytest.raises(OSError, match="taken"):
        Engine(port=int(address.rpartition(":")[2])).start()
    with grpc.insecure_channel(address) as channel:
        grpc.channel_ready_future(channel).result(timeout=5)
