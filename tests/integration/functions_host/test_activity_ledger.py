"""An activity runs once in a host, however often the engine hands it out to it."""

import asyncio

import pytest
from durabletask.internal import orchestrator_service_pb2 as pb

from local.functions_host import activity_ledger
from local.functions_host.activity_ledger import ActivityLedger, Stream


class Engine:
    """Counts the runs of activities and keeps the completions that reach it."""

    def __init__(self) -> None:
        self.may_end = asyncio.Event()
        self.runs = 0
        self.completed: list[tuple[str, str]] = []
        self.reachable = True

    async def run(self, request: pb.ActivityRequest) -> pb.ActivityResponse:
        self.runs += 1
        await self.may_end.wait()
        response = pb.ActivityResponse(taskId=request.taskId)
        response.result.value = request.input.value
        return response

    async def complete(self, response: pb.ActivityResponse) -> bool:
        if self.reachable:
            self.completed.append((response.completionToken, response.result.value))
        return self.reachable


@pytest.fixture
def engine():
    return Engine()


@pytest.fixture
def ledger(engine):
    return ActivityLedger(engine.run, engine.complete)


def activity(task_id: int = 1, execution: str = "e", given: str = "in") -> pb.ActivityRequest:
    request = pb.ActivityRequest(name="a", taskId=task_id)
    request.orchestrationInstance.instanceId = "i"
    request.orchestrationInstance.executionId.value = execution
    request.input.value = given
    return request


async def test_an_activity_handed_out_again_while_it_runs_is_answered_once_with_the_newer_token(engine, ledger):
    lost, stream = Stream(), Stream()
    first = asyncio.create_task(ledger.handle(activity(), "old", lost))
    await asyncio.sleep(0)
    lost.alive = False
    await ledger.handle(activity(), "new", stream)
    engine.may_end.set()
    await first
    assert (engine.runs, engine.completed) == (1, [("new", "in")])


async def test_a_result_that_ended_without_its_stream_waits_to_be_asked_for(engine, ledger):
    lost = Stream(alive=False)
    engine.may_end.set()
    await ledger.handle(activity(), "old", lost)
    assert engine.completed == []
    await ledger.handle(activity(), "new", Stream())
    assert (engine.runs, engine.completed) == (1, [("new", "in")])


async def test_a_result_that_did_not_get_there_is_given_again_when_asked_for(engine, ledger):
    engine.may_end.set()
    engine.reachable = False
    await ledger.handle(activity(), "old", Stream())
    engine.reachable = True
    await ledger.handle(activity(), "new", Stream())
    assert (engine.runs, engine.completed) == (1, [("new", "in")])


async def test_a_stream_lost_during_the_answer_leaves_the_result_to_be_asked_for(engine):
    stream = Stream()

    async def complete(response: pb.ActivityResponse) -> bool:
        stream.alive = False
        return await engine.complete(response)

    engine.may_end.set()
    ledger = ActivityLedger(engine.run, complete)
    await ledger.handle(activity(), "old", stream)
    stream.alive = True
    await ledger.handle(activity(), "new", stream)
    assert (engine.runs, engine.completed) == (1, [("old", "in"), ("new", "in")])


async def test_a_delivered_activity_may_run_again(engine, ledger):
    engine.may_end.set()
    for token in ("first", "rewound"):
        await ledger.handle(activity(), token, Stream())
    assert (engine.runs, len(engine.completed)) == (2, 2)


async def test_activities_of_other_tasks_and_executions_are_other_activities(engine, ledger):
    engine.may_end.set()
    lost = Stream(alive=False)
    for request in (activity(1), activity(2), activity(1, execution="continued as new")):
        await ledger.handle(request, "t", lost)
    assert engine.runs == 3


async def test_a_result_that_nobody_asks_for_is_forgotten(engine, ledger, monkeypatch):
    monkeypatch.setattr(activity_ledger, "_PARKED_RESULT_S", 0)
    engine.may_end.set()
    await ledger.handle(activity(), "old", Stream(alive=False))
    await asyncio.sleep(0.01)
    await ledger.handle(activity(), "new", Stream())
    assert engine.runs == 2


async def test_a_cancelled_activity_may_run_again(engine, ledger):
    running = asyncio.create_task(ledger.handle(activity(), "old", Stream()))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    engine.may_end.set()
    await ledger.handle(activity(), "new", Stream())
    assert engine.runs == 2
