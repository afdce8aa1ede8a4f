"""The engine's promise about crashes: SIGKILL at any moment loses nothing that was acknowledged."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from durabletask import task
from durabletask.client import OrchestrationQuery, OrchestrationStatus
from durabletask.entities import DurableEntity, EntityInstanceId
from durabletask.internal import orchestrator_service_pb2 as pb

from local.functions_host.engine import Engine
from tests.integration.functions_host.engine_kit import (
    EngineProcess,
    call,
    complete,
    events,
    eventually,
    free_port,
    hand_workers,
    new_client,
    running_worker,
)

_SOON = timedelta(milliseconds=600)
_HELD = EntityInstanceId("Tally", "held")


class Gate:
    """Lets activities through when the test says so, and counts how often each began."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.begun: list[str] = []

    def reset(self) -> None:
        self.open.clear()
        self.begun.clear()


_gate = Gate()


def pass_gate(_context, name):
    _gate.begun.append(name)
    if name.startswith("slow"):
        assert _gate.open.wait(timeout=30)
    return name


def fail_until_open(_context, name):
    _gate.begun.append(name)
    if not _gate.open.is_set():
        raise ValueError("closed")
    return "opened"


class Tally(DurableEntity):
    def add(self, amount: int) -> int:
        self.set_state(self.get_state(int, 0) + amount)
        return self.get_state(int)


def chain(context, names):
    for name in names:
        yield context.call_activity(pass_gate, input=name)
    return names


def fan_out(context, width):
    return sum((yield task.when_all([context.call_activity(double, input=each) for each in range(width)])))


def double(_context, number):
    return 2 * number


def sleep_until(context, due):
    yield context.create_timer(datetime.fromisoformat(due))
    return "slept"


def await_events(context, count):
    return (yield task.when_all([context.wait_for_external_event("go") for _ in range(count)]))


def ask_child(context, child_id):
    return (yield context.call_sub_orchestrator(await_events, input=1, instance_id=child_id))


def generations(context, seen):
    seen = [*seen, (yield context.wait_for_external_event("next"))]
    if len(seen) < 3:
        context.continue_as_new(seen, save_events=True)
        return None
    return seen


def rewindable(context, name):
    yield context.call_activity(pass_gate, input=name)
    return (yield context.call_activity(fail_until_open, input=name))


def hold(context, name):
    with (yield context.lock_entities([_HELD])):
        yield context.call_entity(_HELD, "add", 1)
        yield context.wait_for_external_event("go")
        return (yield context.call_entity(_HELD, "add", 10))


@pytest.fixture(scope="module")
def port():
    return free_port()


@pytest.fixture
def engine(tmp_path, port):
    _gate.reset()
    process = EngineProcess(tmp_path, port)
    yield process
    process.kill()


@pytest.fixture(scope="module")
def worker(port):
    """One worker that outlives all the engines."""
    orchestrators = [
        chain, fan_out, sleep_until, await_events, ask_child, generations, rewindable, hold
    ]  # fmt: skip
    activities = [pass_gate, fail_until_open, double]
    address = f"127.0.0.1:{port}"
    with running_worker(address, orchestrators=orchestrators, activities=activities, entities=[Tally]) as worker:
        yield worker


@pytest.fixture
def client(engine, worker):
    with new_client(engine.address) as client:
        yield client


@pytest.fixture
def lone_engine(tmp_path):
    """An engine that the worker does not know."""
    process = EngineProcess(tmp_path, free_port())
    yield process
    process.kill()


@pytest.fixture
def hand(lone_engine):
    """Makes workers worked by hand, for what must be stopped halfway."""
    with hand_workers(lone_engine.address) as make:
        yield make


def ended(client, instance_id):
    state = client.wait_for_orchestration_completion(instance_id, timeout=20)
    assert state is not None
    return state


def started(client, *args, **kwargs):
    instance_id = client.schedule_new_orchestration(*args, **kwargs)
    client.wait_for_orchestration_start(instance_id, timeout=10)
    return instance_id


def status(client, instance_id):
    state = client.get_orchestration_state(instance_id)
    return state and state.runtime_status


def test_an_activity_under_way_is_run_again_and_the_ones_before_it_are_not(engine, client):
    instance_id = client.schedule_new_orchestration(chain, input=["quick", "slow", "last"])
    eventually(lambda: "slow" in _gate.begun)

    engine.restart()
    eventually(lambda: _gate.begun.count("slow") == 2)
    _gate.open.set()

    assert ended(client, instance_id).get_output(list) == ["quick", "slow", "last"]
    assert _gate.begun == ["quick", "slow", "slow", "last"]


def test_a_fan_out_survives_a_kill_in_its_midst(engine, client):
    instance_id = client.schedule_new_orchestration(fan_out, input=300)
    eventually(lambda: len(client.get_orchestration_history(instance_id)) > 100)

    engine.restart()

    assert ended(client, instance_id).get_output(int) == sum(range(300)) * 2


def test_orchestrations_survive_kill_after_kill(engine, client):
    ids = [client.schedule_new_orchestration(chain, input=[f"{each}"] * 5) for each in range(20)]
    for done in (5, 20, 40):
        eventually(lambda done=done: len(_gate.begun) >= done)
        engine.restart()

    assert [ended(client, each).get_output(list) for each in ids] == [[f"{each}"] * 5 for each in range(20)]


def test_timers_and_start_times_and_delayed_signals_are_kept(engine, client):
    due = datetime.now(UTC) + _SOON
    sleeper = client.schedule_new_orchestration(sleep_until, input=due.isoformat())
    later = client.schedule_new_orchestration(chain, input=["later"], start_at=due)
    client.signal_entity(EntityInstanceId("Tally", "delayed"), "add", 1, signal_time=due)

    engine.restart()
    eventually(lambda: client.get_entity(EntityInstanceId("Tally", "delayed")))

    signalled = client.get_entity(EntityInstanceId("Tally", "delayed")).last_modified
    completed = [ended(client, each).last_updated_at.replace(tzinfo=UTC) for each in (sleeper, later)]
    assert min(signalled, *completed) >= due


def test_a_timer_that_came_due_while_the_engine_was_down_fires(engine, client):
    due = datetime.now(UTC) + timedelta(milliseconds=200)
    sleeper = started(client, sleep_until, input=due.isoformat())
    engine.kill()
    eventually(lambda: datetime.now(UTC) > due)
    engine.start()

    assert ended(client, sleeper).get_output(str) == "slept"


def test_a_child_still_reports_to_its_parent(engine, client):
    parent = started(client, ask_child, input="the-child")
    client.wait_for_orchestration_start("the-child", timeout=10)

    engine.restart()
    client.raise_orchestration_event("the-child", "go", data="told")

    assert ended(client, parent).get_output(list) == ["told"]


def test_events_that_were_raised_are_seen(engine, client):
    instance_id = started(client, await_events, input=2)
    client.raise_orchestration_event(instance_id, "go", data="before")
    engine.restart()
    client.raise_orchestration_event(instance_id, "go", data="after")

    assert ended(client, instance_id).get_output(list) == ["before", "after"]


def test_generations_go_on(engine, client):
    instance_id = started(client, generations, input=[])
    for each in range(3):
        client.raise_orchestration_event(instance_id, "next", data=each)
        engine.restart()

    assert ended(client, instance_id).get_output(list) == [0, 1, 2]


def test_a_suspended_orchestration_stays_so_until_it_is_resumed(engine, client):
    instance_id = started(client, await_events, input=1)
    client.suspend_orchestration(instance_id)
    eventually(lambda: status(client, instance_id) is OrchestrationStatus.SUSPENDED)
    client.raise_orchestration_event(instance_id, "go", data="kept")

    engine.restart()
    assert status(client, instance_id) is OrchestrationStatus.SUSPENDED
    client.resume_orchestration(instance_id)

    assert ended(client, instance_id).get_output(list) == ["kept"]


def test_what_has_ended_stays_ended(engine, client):
    done = client.schedule_new_orchestration(chain, input=["once"])
    terminated = started(client, await_events, input=1)
    client.terminate_orchestration(terminated, output="enough")
    before = [ended(client, done), ended(client, terminated)]
    history = client.get_orchestration_history(done)

    engine.restart()

    assert [ended(client, done), ended(client, terminated)] == before
    assert client.get_orchestration_history(done) == history
    assert _gate.begun == ["once"]


def test_a_purged_instance_stays_purged(engine, client):
    purged = [client.schedule_new_orchestration(chain, input=[]) for _ in range(3)]
    kept = started(client, await_events, input=1)
    for each in purged:
        ended(client, each)
    client.purge_orchestration(purged[0])
    client.purge_orchestrations_by(runtime_status=[OrchestrationStatus.COMPLETED])

    engine.restart()

    assert [each.instance_id for each in client.get_all_orchestration_states()] == [kept]


def test_a_query_goes_on_with_the_next_page(engine, client):
    ids = [client.schedule_new_orchestration(chain, input=[], instance_id=f"page-{each}") for each in range(5)]
    for each in ids:
        ended(client, each)

    engine.restart()

    query = OrchestrationQuery(max_instance_count=2)
    assert [each.instance_id for each in client.get_all_orchestration_states(query)] == ids


def test_an_orchestration_can_be_rewound(engine, client):
    instance_id = client.schedule_new_orchestration(rewindable, input="once")
    assert ended(client, instance_id).runtime_status is OrchestrationStatus.FAILED
    engine.restart()
    _gate.open.set()

    client.rewind_orchestration(instance_id)
    engine.restart()

    assert ended(client, instance_id).get_output(str) == "opened"
    engine.restart()
    assert ended(client, instance_id).get_output(str) == "opened"


def test_locks_and_those_who_wait_for_them_are_kept(engine, client):
    owner = started(client, hold, input=None)
    eventually(lambda: client.get_entity(_HELD))
    rival = started(client, hold, input=None)
    client.signal_entity(_HELD, "add", 100)

    engine.restart()
    assert client.get_entity(_HELD).get_typed_state(int) == 1
    client.raise_orchestration_event(rival, "go")
    client.raise_orchestration_event(owner, "go")

    assert ended(client, owner).get_output(int) == 11
    assert ended(client, rival).get_output(int) in {22, 122}
    eventually(lambda: client.get_entity(_HELD).get_typed_state(int) == 122)


def test_an_entity_keeps_its_state_and_its_operations(lone_engine, hand):
    worker = hand()
    worker.signal("first")
    worker.end_batch(worker.take(), '"kept"')
    worker.signal("second")
    worker.take()
    worker.signal("third")
    worker.close()

    lone_engine.restart()
    batch = hand().take().entityRequestV2

    assert batch.entityState.value == '"kept"'
    assert [each.entityOperationSignaled.operation for each in batch.operationRequests] == ["second", "third"]


def test_a_turn_under_way_is_taken_again_with_the_same_events(lone_engine, hand):
    worker = hand()
    worker.start("orchestrator")
    worker.end_turn(worker.take(), call(1))
    worker.end_activity(worker.take(), '"result"')
    before = worker.take().orchestratorRequest
    worker.stub.RaiseEvent(pb.RaiseEventRequest(instanceId="it", name="meanwhile"))
    worker.close()

    lone_engine.restart()
    after = hand().take().orchestratorRequest

    assert after.pastEvents == before.pastEvents
    assert after.newEvents[1] == before.newEvents[1]
    assert events(after.newEvents) == ["orchestratorStarted", "taskCompleted", "eventRaised"]


def test_a_worker_that_outlived_the_engine_cannot_complete_what_it_held(lone_engine, hand):
    """The engine will have given it to another one by then."""
    worker = hand()
    worker.start("orchestrator")
    stale = worker.take()
    worker.close()

    lone_engine.restart()
    heir = hand()
    fresh = heir.take()
    heir.end_turn(stale, complete('"stale"'))
    assert heir.state().orchestrationStatus == pb.ORCHESTRATION_STATUS_PENDING
    heir.end_turn(fresh, complete('"fresh"'))

    assert heir.state().output.value == '"fresh"'


def test_sigterm_stops_the_engine_cleanly(engine, client):
    instance_id = started(client, await_events, input=1)

    assert engine.stop() == 0
    engine.start()
    client.raise_orchestration_event(instance_id, "go", data="still there")

    assert ended(client, instance_id).get_output(list) == ["still there"]


def test_a_state_folder_belongs_to_one_engine(lone_engine, tmp_path):
    with pytest.raises(OSError, match="cannot be used"):
        Engine(state=tmp_path).start()
