"""The engine's promises about entities, asked for by Microsoft's own worker and client."""

from datetime import UTC, datetime, timedelta

import pytest
from durabletask.client import EntityQuery
from durabletask.entities import DurableEntity, EntityInstanceId

from tests.integration.functions_host.engine_kit import eventually, new_client, running_engine, running_worker

_LATER = timedelta(milliseconds=300)


class Counter(DurableEntity):
    def add(self, amount: int) -> int:
        self.set_state(self.get_state(int, 0) + amount)
        return self.get_state(int)

    def fail(self):
        self.set_state(-1)
        raise ValueError("no")

    def delete(self):
        self.set_state(None)

    def pass_on(self, key: str):
        self.signal_entity(counter(key), "add", self.get_state(int, 0))

    def start(self, name: str):
        self.schedule_new_orchestration(name, 7, instance_id="started-by-entity")


def counter(key: str) -> EntityInstanceId:
    return EntityInstanceId("Counter", key)


def add(context, order):
    return (yield context.call_entity(counter(order["key"]), "add", order["amount"]))


def fail(context, key):
    yield context.call_entity(counter(key), "fail")


def signal_later(context, key):
    due = context.current_utc_datetime + _LATER
    context.signal_entity(counter(key), "add", 1, signal_time=due)
    yield context.create_timer(timedelta(milliseconds=1))


def move(context, order):
    """Moves an amount from one counter to another, as nobody else may see."""
    with (yield context.lock_entities([counter(order["from"]), counter(order["to"])])):
        yield context.call_entity(counter(order["from"]), "add", -order["amount"])
        yield context.wait_for_external_event("go on")
        return (yield context.call_entity(counter(order["to"]), "add", order["amount"]))


def seven(_context, given):
    return given


@pytest.fixture(scope="module")
def address():
    orchestrators = [add, fail, signal_later, move, seven]
    with running_engine() as address, running_worker(address, orchestrators=orchestrators, entities=[Counter]):
        yield address


@pytest.fixture(scope="module")
def client(address):
    with new_client(address) as client:
        yield client


def value(client, key):
    entity = client.get_entity(counter(key))
    return entity and entity.get_typed_state(int)


def ended(client, instance_id):
    state = client.wait_for_orchestration_completion(instance_id, timeout=10)
    assert state is not None
    return state


def test_signals_change_the_state_in_order(client):
    for amount in (1, 2, 3):
        client.signal_entity(counter("signalled"), "add", amount)

    eventually(lambda: value(client, "signalled") == 6)


def test_a_call_answers_the_orchestration(client):
    instance_id = client.schedule_new_orchestration(add, input={"key": "called", "amount": 5})

    assert ended(client, instance_id).get_output(int) == 5


def test_a_failed_operation_fails_its_caller_and_changes_nothing(client):
    ended(client, client.schedule_new_orchestration(add, input={"key": "failed", "amount": 5}))
    failure = ended(client, client.schedule_new_orchestration(fail, input="failed")).failure_details

    assert failure is not None
    assert "no" in failure.message
    assert value(client, "failed") == 5


def test_a_deleted_entity_does_not_exist(client):
    """Stock: it exists for ever, without a state."""
    ended(client, client.schedule_new_orchestration(add, input={"key": "deleted", "amount": 5}))
    client.signal_entity(counter("deleted"), "delete")

    eventually(lambda: client.get_entity(counter("deleted")) is None)
    assert _ids(client, "deleted") == []
    assert _ids(client, "deleted", include_transient=True) == [counter("deleted")]
    assert client.clean_entity_storage().empty_entities_removed >= 1
    assert _ids(client, "deleted", include_transient=True) == []


def _ids(client, prefix, **query):
    found = client.get_all_entities(EntityQuery(instance_id_starts_with=f"@counter@{prefix}", **query))
    return [entity.id for entity in found]


def test_entities_are_told_page_by_page(client):
    for key in "cabde":
        ended(client, client.schedule_new_orchestration(add, input={"key": f"page-{key}", "amount": 1}))

    assert _ids(client, "page-", page_size=2) == [counter(f"page-{key}") for key in "abcde"]


def test_entities_can_be_asked_for_by_the_time_of_their_last_change(client):
    ended(client, client.schedule_new_orchestration(add, input={"key": "timed-old", "amount": 1}))
    between = datetime.now(UTC)
    ended(client, client.schedule_new_orchestration(add, input={"key": "timed-new", "amount": 1}))

    assert _ids(client, "timed", last_modified_from=between) == [counter("timed-new")]
    assert _ids(client, "timed", last_modified_to=between) == [counter("timed-old")]


def test_a_delayed_signal_comes_when_it_is_due(client):
    due = datetime.now(UTC) + _LATER
    client.signal_entity(counter("delayed"), "add", 1, signal_time=due)
    client.schedule_new_orchestration(signal_later, input="delayed")

    eventually(lambda: value(client, "delayed"))
    assert datetime.now(UTC) >= due
    eventually(lambda: value(client, "delayed") == 2)


def test_an_entity_signals_another_and_starts_an_orchestration(client):
    client.signal_entity(counter("first"), "add", 3)
    client.signal_entity(counter("first"), "pass_on", "second")
    client.signal_entity(counter("first"), "start", "seven")

    eventually(lambda: value(client, "second") == 3)
    assert ended(client, "started-by-entity").get_output(int) == 7


def test_a_lock_holds_off_all_but_its_owner(client):
    """Stock: operations from outside run in the midst of a critical section."""
    order = {"from": "locked-a", "to": "locked-b", "amount": 10}
    owner = client.schedule_new_orchestration(move, input=order)
    eventually(lambda: value(client, "locked-a") == -10)
    rival = client.schedule_new_orchestration(move, input=order)
    client.signal_entity(counter("locked-a"), "add", 100)
    client.raise_orchestration_event(rival, "go on")

    assert client.get_entity(counter("locked-a")).backlog_queue_size == 1
    assert value(client, "locked-a") == -10
    client.raise_orchestration_event(owner, "go on")

    assert ended(client, owner).get_output(int) == 10
    assert ended(client, rival).get_output(int) == 20
    eventually(lambda: value(client, "locked-a") == 80)


def test_an_orchestration_that_is_terminated_frees_its_locks(client):
    order = {"from": "freed-a", "to": "freed-b", "amount": 1}
    owner = client.schedule_new_orchestration(move, input=order)
    eventually(lambda: value(client, "freed-a") == -1)
    waiting = client.schedule_new_orchestration(move, input=order)
    client.wait_for_orchestration_start(waiting, timeout=10)

    client.terminate_orchestration(waiting)
    client.terminate_orchestration(owner)
    ended(client, waiting)
    ended(client, owner)
    client.signal_entity(counter("freed-a"), "add", 5)

    eventually(lambda: value(client, "freed-a") == 4)
