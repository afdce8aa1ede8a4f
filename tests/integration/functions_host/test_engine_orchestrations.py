"""The engine's promises about orchestrations, asked for by Microsoft's own worker and client."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from durabletask import task
from durabletask.client import OrchestrationQuery, OrchestrationStatus
from durabletask.history import OrchestratorStartedEvent

from tests.integration.functions_host.engine_kit import eventually, new_client, running_engine, running_worker

_LONG = timedelta(hours=1)
_released = threading.Event()
_attempts: dict[str, int] = {}


def echo(_context, given):
    return given


def wait_to_be_released(_context, _):
    _released.wait(timeout=30)


def fail_first(_context, key):
    _attempts[key] = _attempts.get(key, 0) + 1
    if _attempts[key] == 1:
        raise ValueError("not yet")
    return f"attempt {_attempts[key]}"


def at_once(_context, given):
    return given


def await_event(context, name):
    return (yield context.wait_for_external_event(name))


def sleep(context, seconds):
    yield context.create_timer(timedelta(seconds=seconds))


def name_parent(context, _):
    return context.parent_instance_id


def ask_child(context, child):
    return (yield context.call_sub_orchestrator(child["name"], input=child.get("input"), instance_id=child.get("id")))


def fan_out(context, width):
    results = yield task.when_all([context.call_activity(echo, input=each) for each in range(width)])
    return sum(results)


def fan_out_children(context, width):
    yield task.when_all([context.call_sub_orchestrator(await_event, input="go") for _ in range(width)])


def fan_out_timers(context, width):
    yield task.when_any([context.create_timer(_LONG) for _ in range(width)])


def count_to(context, progress):
    """Leaves a timer behind in each generation; only the last one waits for its own."""
    done, last = progress
    timer_s = 30 if done == last else 0.05
    timer = context.create_timer(timedelta(seconds=timer_s))
    event = context.wait_for_external_event("next")
    first = yield task.when_any([timer, event])
    if first is timer:
        return f"timer in generation {done}"
    if done == last:
        return f"event in generation {done}"
    context.continue_as_new([done + 1, last], save_events=True)
    return None


def collect(context, seen):
    seen = [*seen, (yield context.wait_for_external_event("item"))]
    if len(seen) == 3:
        return seen
    return context.continue_as_new(seen, save_events=True)


def retry(context, key):
    policy = task.RetryPolicy(first_retry_interval=timedelta(milliseconds=10), max_number_of_attempts=2)
    return (yield context.call_activity(fail_first, input=key, retry_policy=policy))


def fail_after_echo(context, key):
    yield context.call_activity(echo, input=key)
    return (yield context.call_activity(fail_first, input=key))


def fail_in_child(context, key):
    return (yield context.call_sub_orchestrator(fail_after_echo, input=key, instance_id=f"{key}-child"))


def fail_beside(context, key):
    """Fails while another activity, a child and a timer are under way."""
    beside = [
        context.call_activity(wait_to_be_released),
        context.call_sub_orchestrator(await_event, input="go", instance_id=f"{key} child"),
        context.create_timer(timedelta(milliseconds=200)),
    ]
    failed_once = yield context.call_activity(fail_first, input=key)
    yield task.when_all(beside)
    return failed_once


def send_to(context, target):
    context.send_event(target, "go", data="from afar")
    yield context.create_timer(timedelta(milliseconds=1))


def act_after_event(context, _):
    context.set_custom_status("waiting")
    yield context.wait_for_external_event("go")
    return (yield context.call_activity(echo, input="acted"))


def do_not_await(context, _):
    context.call_activity(wait_to_be_released)
    return "left it"


@pytest.fixture(scope="module")
def address():
    orchestrators = [
        at_once, await_event, sleep, name_parent, ask_child, fan_out, fan_out_children, fan_out_timers, count_to,
        collect, retry, fail_after_echo, fail_in_child, fail_beside, send_to, act_after_event, do_not_await,
    ]  # fmt: skip
    activities = [echo, wait_to_be_released, fail_first]
    with running_engine() as address, running_worker(address, orchestrators=orchestrators, activities=activities):
        yield address


@pytest.fixture(scope="module")
def client(address):
    with new_client(address) as client:
        yield client


def ended(client, instance_id, timeout=20):
    state = client.wait_for_orchestration_completion(instance_id, timeout=timeout)
    assert state is not None
    return state


def status(client, instance_id):
    state = client.get_orchestration_state(instance_id)
    return state and state.runtime_status


def started(client, *args, **kwargs):
    instance_id = client.schedule_new_orchestration(*args, **kwargs)
    client.wait_for_orchestration_start(instance_id, timeout=10)
    return instance_id


# What the stock backend breaks


def test_a_child_knows_its_parent(client):
    parent = client.schedule_new_orchestration(ask_child, input={"name": "name_parent"})

    assert ended(client, parent).get_output(str) == parent


def test_a_start_time_is_kept(client):
    """Stock: the orchestration starts at once and believes that it is later."""
    due = datetime.now(UTC) + timedelta(seconds=0.5)
    instance_id = client.schedule_new_orchestration(at_once, input=0, start_at=due)
    ended(client, instance_id)

    assert datetime.now(UTC) >= due


def test_an_instance_that_is_to_start_later_can_be_terminated(client):
    instance_id = client.schedule_new_orchestration(act_after_event, start_at=datetime.now(UTC) + _LONG)

    client.terminate_orchestration(instance_id, output="never mind")

    assert ended(client, instance_id).runtime_status is OrchestrationStatus.TERMINATED
    assert ended(client, instance_id).get_output(str) == "never mind"


def test_many_may_wait_at_the_same_time(client):
    """Stock: the twelfth wait stops the engine."""
    instance_id = started(client, await_event, input="go")

    with ThreadPoolExecutor(40) as pool:
        waits = [pool.submit(ended, client, instance_id) for _ in range(40)]
        client.raise_orchestration_event(instance_id, "go", data="went")
        outputs = {wait.result().get_output(str) for wait in waits}

    assert outputs == {"went"}


def test_timers_and_children_need_no_threads(client):
    """Stock: each of them costs a thread, and a parent's thread gives up after 30 s."""
    before = threading.active_count()
    timers = started(client, fan_out_timers, input=100)
    parent = started(client, fan_out_children, input=100)
    eventually(lambda: len(_children(client, parent)) == 100)

    assert threading.active_count() < before + 50

    client.terminate_orchestration(timers)
    for child in _children(client, parent):
        client.raise_orchestration_event(child, "go")
    assert ended(client, parent).runtime_status is OrchestrationStatus.COMPLETED


def _children(client, parent):
    query = OrchestrationQuery(instance_id_prefix=f"{parent}:")
    return [state.instance_id for state in client.get_all_orchestration_states(query)]


def test_a_wide_fan_out_gathers_all_results(client):
    instance_id = client.schedule_new_orchestration(fan_out, input=500)

    assert ended(client, instance_id).get_output(int) == sum(range(500))


def _turns(client, instance_id):
    history = client.get_orchestration_history(instance_id)
    return [event for event in history if isinstance(event, OrchestratorStartedEvent)]


def test_an_ended_instance_may_be_started_anew_but_a_running_one_may_not(client):
    instance_id = started(client, await_event, input="go")

    with pytest.raises(grpc.RpcError) as refusal:
        client.schedule_new_orchestration(at_once, input=1, instance_id=instance_id)
    client.raise_orchestration_event(instance_id, "go")
    ended(client, instance_id)
    client.schedule_new_orchestration(at_once, input=2, instance_id=instance_id)

    assert refusal.value.code() is grpc.StatusCode.ALREADY_EXISTS
    assert ended(client, instance_id).get_output(int) == 2


# Continue as new


def test_a_timer_of_an_earlier_generation_does_not_fire_in_a_later_one(client):
    """Stock: timer 1 of the first generation wakes whoever waits for timer 1 of the next."""
    instance_id = started(client, count_to, input=[0, 1])
    client.raise_orchestration_event(instance_id, "next")
    ended(client, client.schedule_new_orchestration(sleep, input=0.1))  # the first generation's timer would be over
    client.raise_orchestration_event(instance_id, "next")

    assert ended(client, instance_id).get_output(str) == "event in generation 1"


def test_events_outlive_a_continue_as_new(client):
    instance_id = started(client, collect, input=[])
    for item in "abc":
        client.raise_orchestration_event(instance_id, "item", data=item)

    assert ended(client, instance_id).get_output(list) == ["a", "b", "c"]


# Events, suspend, terminate


def test_events_go_from_one_orchestration_to_another(client):
    receiver = started(client, await_event, input="go")
    client.schedule_new_orchestration(send_to, input=receiver)

    assert ended(client, receiver).get_output(str) == "from afar"


def test_a_suspended_orchestration_acts_on_nothing_until_it_is_resumed(client):
    instance_id = started(client, act_after_event)
    client.suspend_orchestration(instance_id)
    eventually(lambda: status(client, instance_id) is OrchestrationStatus.SUSPENDED)
    client.raise_orchestration_event(instance_id, "go")

    turns = len(_turns(client, instance_id))
    assert ended_within(client, instance_id, seconds=0.2) is False
    assert len(_turns(client, instance_id)) == turns
    client.resume_orchestration(instance_id)

    assert ended(client, instance_id).get_output(str) == "acted"


def ended_within(client, instance_id, seconds):
    try:
        client.wait_for_orchestration_completion(instance_id, timeout=seconds)
    except TimeoutError:
        return False
    return True


def test_to_terminate_recursively_ends_the_children_too(client):
    parent = started(client, fan_out_children, input=2)
    eventually(lambda: len(_children(client, parent)) == 2)

    client.terminate_orchestration(parent, recursive=True)

    states = [ended(client, each).runtime_status for each in [parent, *_children(client, parent)]]
    assert states == [OrchestrationStatus.TERMINATED] * 3


def test_to_terminate_alone_spares_the_children(client):
    parent = started(client, fan_out_children, input=1)
    eventually(lambda: _children(client, parent))
    client.terminate_orchestration(parent, recursive=False)
    assert ended(client, parent).runtime_status is OrchestrationStatus.TERMINATED

    (child,) = _children(client, parent)
    client.raise_orchestration_event(child, "go")

    assert ended(client, child).runtime_status is OrchestrationStatus.COMPLETED


def test_an_event_for_an_ended_orchestration_is_dropped(client):
    instance_id = client.schedule_new_orchestration(at_once, input=1)
    ended(client, instance_id)

    client.raise_orchestration_event(instance_id, "late")
    client.suspend_orchestration(instance_id)

    assert ended(client, instance_id).runtime_status is OrchestrationStatus.COMPLETED


def test_an_activity_that_nobody_awaits_runs_all_the_same(client):
    _released.set()
    instance_id = client.schedule_new_orchestration(do_not_await)

    assert ended(client, instance_id).get_output(str) == "left it"


# Failures and rewind


def test_a_failed_activity_is_tried_again(client):
    instance_id = client.schedule_new_orchestration(retry, input="retried")

    assert ended(client, instance_id).get_output(str) == "attempt 2"


def test_the_parent_of_a_failed_child_learns_how_it_failed(client):
    instance_id = client.schedule_new_orchestration(fail_in_child, input="told")

    failure = ended(client, instance_id).failure_details
    assert failure is not None
    assert "not yet" in failure.message


def test_a_child_id_that_is_taken_fails_the_parent_and_spares_the_other(client):
    other = started(client, await_event, input="go")
    parent = client.schedule_new_orchestration(ask_child, input={"name": "at_once", "id": other})

    assert ended(client, parent).runtime_status is OrchestrationStatus.FAILED
    assert status(client, other) is OrchestrationStatus.RUNNING


@pytest.mark.parametrize("orchestrator", [fail_after_echo, fail_in_child])
def test_a_rewound_orchestration_repeats_only_what_failed(client, orchestrator):
    key = f"rewound {orchestrator.__name__}"
    instance_id = client.schedule_new_orchestration(orchestrator, input=key)
    assert ended(client, instance_id).runtime_status is OrchestrationStatus.FAILED

    client.rewind_orchestration(instance_id, reason="mended")

    assert ended(client, instance_id).get_output(str) == "attempt 2"


def test_a_rewound_orchestration_gets_the_answers_that_came_while_it_had_failed(client):
    _released.clear()
    instance_id = client.schedule_new_orchestration(fail_beside, input="beside")
    assert ended(client, instance_id).runtime_status is OrchestrationStatus.FAILED
    _released.set()
    client.raise_orchestration_event("beside child", "go")
    ended(client, "beside child")

    client.rewind_orchestration(instance_id)

    assert ended(client, instance_id).get_output(str) == "attempt 2"


def test_a_rewind_creates_a_purged_child_anew(client):
    instance_id = client.schedule_new_orchestration(fail_in_child, input="purged")
    ended(client, instance_id)
    client.purge_orchestration("purged-child")

    client.rewind_orchestration(instance_id)

    assert ended(client, instance_id).get_output(str) == "attempt 2"


# Questions


def test_instances_are_told_page_by_page(client):
    ids = [client.schedule_new_orchestration(at_once, input=each, instance_id=f"page-{each}") for each in range(7)]
    for each in ids:
        ended(client, each)

    query = OrchestrationQuery(instance_id_prefix="page-", max_instance_count=3, fetch_inputs_and_outputs=True)
    states = client.get_all_orchestration_states(query)

    assert [(state.instance_id, state.get_output(int)) for state in states] == list(zip(ids, range(7), strict=True))


def test_ended_instances_can_be_purged_one_by_one(client):
    running = started(client, await_event, input="go")
    done = client.schedule_new_orchestration(at_once, input=1)
    ended(client, done)

    deleted = [client.purge_orchestration(each).deleted_instance_count for each in (running, done, "unknown")]

    assert deleted == [0, 1, 0]
    assert client.get_orchestration_state(done) is None


def test_ended_instances_can_be_purged_by_filter(client):
    begun = datetime.now(UTC)
    done = client.schedule_new_orchestration(at_once, input=1)
    ended(client, done)
    terminated = started(client, await_event, input="go")
    client.terminate_orchestration(terminated)
    ended(client, terminated)

    result = client.purge_orchestrations_by(created_time_from=begun, runtime_status=[OrchestrationStatus.COMPLETED])

    assert result.deleted_instance_count == 1
    assert client.get_orchestration_state(done) is None
    assert client.get_orchestration_state(terminated) is not None


def test_history_tells_when_each_event_happened(client):
    """Stock: most of it happened in 1970."""
    begun = datetime.now(UTC)
    instance_id = started(client, act_after_event)
    client.raise_orchestration_event(instance_id, "go")
    ended(client, instance_id)

    times = [event.timestamp for event in client.get_orchestration_history(instance_id)]

    assert begun <= min(times) <= max(times) <= datetime.now(UTC)
