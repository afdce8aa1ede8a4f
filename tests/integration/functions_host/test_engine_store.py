"""The store's promise: what is loaded is what was last saved, whatever came before and whatever failed meanwhile."""

import sqlite3
import tempfile
from pathlib import Path

import pytest
from durabletask.internal import orchestrator_service_pb2 as pb
from google.protobuf.wrappers_pb2 import StringValue
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from local.functions_host.engine.store import EntityRecord, InstanceRecord, Store

_IDS = st.sampled_from(["a", "b"])
_COUNTS = st.integers(min_value=0, max_value=3)


class TaskHubOnDisk(RuleBasedStateMachine):
    """Instances and entities that change as the engine changes them."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.store = Store(Path(self.folder.name) / "engine.sqlite")
        self.instances: dict[str, InstanceRecord] = {}
        self.entities: dict[str, EntityRecord] = {}
        self.changed: set[str] = set()
        self.count = 0

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    @rule(key=_IDS, arrived=_COUNTS)
    def an_execution_begins(self, key: str, arrived: int) -> None:
        kept = self.instances[key].inbox[-1:] if key in self.instances else []
        state = pb.OrchestrationState(instanceId=key, executionId=StringValue(value=str(self.next_number())))
        self.instances[key] = InstanceRecord(state, [], [*self.new_events(arrived), *kept])
        self.changed.add(key)

    @rule(key=_IDS, arrived=_COUNTS)
    def events_arrive(self, key: str, arrived: int) -> None:
        if key in self.instances:
            self.instances[key].inbox.extend(self.new_events(arrived))
            self.changed.add(key)

    @rule(key=_IDS, seen=_COUNTS, done=_COUNTS)
    def a_turn_ends(self, key: str, seen: int, done: int) -> None:
        if key in self.instances:
            record = self.instances[key]
            record.history.extend([*record.inbox[:seen], *self.new_events(done)])
            del record.inbox[:seen]
            self.changed.add(key)

    @rule(key=_IDS)
    def an_instance_is_purged(self, key: str) -> None:
        self.instances.pop(key, None)
        self.changed.add(key)

    @rule(key=_IDS, left=_COUNTS, arrived=_COUNTS)
    def a_batch_ends(self, key: str, left: int, arrived: int) -> None:
        entity_id = f"@counter@{key}"
        inbox = self.entities[entity_id].inbox[::2][:left] if entity_id in self.entities else []
        metadata = pb.EntityMetadata(instanceId=entity_id, backlogQueueSize=self.next_number())
        self.entities[entity_id] = EntityRecord(metadata, [*inbox, *self.new_events(arrived)])
        self.changed.add(entity_id)

    @rule(key=_IDS)
    def an_entity_is_removed(self, key: str) -> None:
        self.entities.pop(f"@counter@{key}", None)
        self.changed.add(f"@counter@{key}")

    @rule()
    def changes_are_saved(self) -> None:
        self.save()

    @precondition(lambda self: self.instances or self.entities)
    @rule(table=st.sampled_from(["inbox", "history", "entities"]))
    def a_save_fails_halfway(self, table: str) -> None:
        def deny(action: int, target: str | None, *_: str | None) -> int:
            return sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_INSERT and target == table else sqlite3.SQLITE_OK

        self.store._db.set_authorizer(deny)
        try:
            self.save()
        except sqlite3.Error:
            return
        finally:
            self.store._db.set_authorizer(None)

    @rule()
    def the_engine_restarts(self) -> None:
        self.save()
        self.store.close()
        self.store = Store(Path(self.folder.name) / "engine.sqlite")
        instances, entities = self.store.load()
        assert {record.state.instanceId: record for record in instances} == self.instances
        assert {record.metadata.instanceId: record for record in entities} == self.entities
        self.instances = {record.state.instanceId: record for record in instances}
        self.entities = {record.metadata.instanceId: record for record in entities}

    def save(self) -> None:
        entities = {key for key in self.changed if key.startswith("@")}
        self.store.save(
            {key: self.instances.get(key) for key in self.changed - entities},
            {key: self.entities.get(key) for key in entities},
        )
        self.changed.clear()

    def new_events(self, count: int) -> list[pb.HistoryEvent]:
        return [pb.HistoryEvent(eventId=self.next_number()) for _ in range(count)]

    def next_number(self) -> int:
        self.count += 1
        return self.count


TaskHubOnDisk.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestTaskHubOnDisk = TaskHubOnDisk.TestCase


def test_a_store_of_another_format_is_refused(tmp_path: Path):
    path = tmp_path / "engine.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()

    with pytest.raises(sqlite3.OperationalError, match="format 99"):
        Store(path)
