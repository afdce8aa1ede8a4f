"""The task hub on disk: one SQLite file that survives SIGKILL at any moment."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from durabletask.internal import orchestrator_service_pb2 as pb

_FORMAT = 1
_SCHEMA = """
CREATE TABLE instances (id TEXT PRIMARY KEY, state BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE entities (id TEXT PRIMARY KEY, metadata BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE history (
    instance TEXT NOT NULL, position INTEGER NOT NULL, event BLOB NOT NULL, PRIMARY KEY (instance, position)
) WITHOUT ROWID;
CREATE TABLE inbox (
    owner TEXT NOT NULL, position INTEGER NOT NULL, event BLOB NOT NULL, PRIMARY KEY (owner, position)
) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class InstanceRecord:
    """What is kept of an orchestration instance.

    Args:
        state: Its state with all payloads.
        history: Its history, which only ever grows within one execution id.
        inbox: The events that have arrived and are not yet history.
    """

    state: pb.OrchestrationState
    history: list[pb.HistoryEvent]
    inbox: list[pb.HistoryEvent]


@dataclass(frozen=True)
class EntityRecord:
    """What is kept of an entity.

    Args:
        metadata: Its metadata with its state.
        inbox: The operations that it has not completed.
    """

    metadata: pb.EntityMetadata
    inbox: list[pb.HistoryEvent]


@dataclass
class _Saved:
    """How much of one owner is on disk, so that a save writes only what is new.

    The inbox is kept by identity, as its events never change; holding on to them keeps the identities unique.
    """

    execution_id: str = ""
    history_length: int = 0
    inbox: dict[int, tuple[int, pb.HistoryEvent]] = field(default_factory=dict[int, tuple[int, pb.HistoryEvent]])
    next_position: int = 0


class Store:
    """The records of a task hub in an SQLite file.

    A commit reaches the operating system before it returns, so a killed process loses nothing; only a power cut may
    cost the last commits, never the integrity of the file.

    Args:
        path: The file; created if there is none. No other process may use it meanwhile.

    Raises:
        sqlite3.Error: Another process has the file open, or it is of an unknown format.
    """

    def __init__(self, path: Path) -> None:
        self._saved: dict[str, _Saved] = {}
        self._db = sqlite3.connect(path, isolation_level=None, timeout=0)
        try:
            self._prepare()
        except sqlite3.Error:
            self._db.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def save(self, instances: Mapping[str, InstanceRecord | None], entities: Mapping[str, EntityRecord | None]) -> None:
        """Write records in one transaction; None removes what is kept under the id.

        Raises:
            sqlite3.Error: Nothing was written, such as on a full disk.
        """
        try:
            with self._db:  # commits, or rolls back
                self._db.execute("BEGIN")
                for instance_id, instance in instances.items():
                    self._save_instance(instance_id, instance)
                for entity_id, entity in entities.items():
                    self._save_entity(entity_id, entity)
        except sqlite3.Error:
            self._distrust([*instances, *entities])
            raise

    def load(self) -> tuple[list[InstanceRecord], list[EntityRecord]]:
        """Read everything back."""
        histories = self._events("SELECT instance, position, event FROM history ORDER BY instance, position")
        inboxes = self._events("SELECT owner, position, event FROM inbox ORDER BY owner, position")
        instances: list[InstanceRecord] = []
        for instance_id, blob in self._db.execute("SELECT id, state FROM instances"):
            state = pb.OrchestrationState.FromString(blob)
            history = [event for _, event in histories[instance_id]]
            self._saved[instance_id] = _as_saved(inboxes[instance_id], state.executionId.value, len(history))
            instances.append(InstanceRecord(state, history, [event for _, event in inboxes[instance_id]]))
        entities: list[EntityRecord] = []
        for entity_id, blob in self._db.execute("SELECT id, metadata FROM entities"):
            self._saved[entity_id] = _as_saved(inboxes[entity_id])
            metadata = pb.EntityMetadata.FromString(blob)
            entities.append(EntityRecord(metadata, [event for _, event in inboxes[entity_id]]))
        return instances, entities

    def _prepare(self) -> None:
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        (found,) = self._db.execute("PRAGMA user_version").fetchone()
        if found == 0:
            self._db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_FORMAT}; COMMIT")
        elif found != _FORMAT:
            raise sqlite3.OperationalError(f"the task hub is of format {found}; this engine writes format {_FORMAT}")

    def _save_instance(self, instance_id: str, record: InstanceRecord | None) -> None:
        if record is None:
            self._remove("instances", instance_id)
            return
        saved = self._saved_of(instance_id, record.state.executionId.value)
        self._db.execute(
            "INSERT OR REPLACE INTO instances (id, state) VALUES (?, ?)",
            (instance_id, record.state.SerializeToString()),
        )
        self._append_history(instance_id, saved, record.history)
        self._save_inbox(instance_id, saved, record.inbox)

    def _save_entity(self, entity_id: str, record: EntityRecord | None) -> None:
        if record is None:
            self._remove("entities", entity_id)
            return
        self._db.execute(
            "INSERT OR REPLACE INTO entities (id, metadata) VALUES (?, ?)",
            (entity_id, record.metadata.SerializeToString()),
        )
        self._save_inbox(entity_id, self._saved_of(entity_id), record.inbox)

    def _append_history(self, instance_id: str, saved: _Saved, history: list[pb.HistoryEvent]) -> None:
        rows = [
            (instance_id, position, history[position].SerializeToString())
            for position in range(saved.history_length, len(history))
        ]
        self._db.executemany("INSERT INTO history (instance, position, event) VALUES (?, ?, ?)", rows)
        saved.history_length = len(history)

    def _save_inbox(self, owner: str, saved: _Saved, inbox: list[pb.HistoryEvent]) -> None:
        present = {id(event) for event in inbox}
        gone = [identity for identity in saved.inbox if identity not in present]
        rows = [(owner, saved.inbox.pop(identity)[0]) for identity in gone]
        self._db.executemany("DELETE FROM inbox WHERE owner = ? AND position = ?", rows)
        for event in inbox:
            if id(event) not in saved.inbox:
                saved.inbox[id(event)] = (saved.next_position, event)
                row = (owner, saved.next_position, event.SerializeToString())
                self._db.execute("INSERT INTO inbox (owner, position, event) VALUES (?, ?, ?)", row)
                saved.next_position += 1

    def _remove(self, table: str, owner: str) -> None:
        self._db.execute(f"DELETE FROM {table} WHERE id = ?", (owner,))  # noqa: S608 - one of two literals
        self._remove_events(owner)
        self._saved.pop(owner, None)

    def _remove_events(self, owner: str) -> None:
        self._db.execute("DELETE FROM history WHERE instance = ?", (owner,))
        self._db.execute("DELETE FROM inbox WHERE owner = ?", (owner,))

    def _saved_of(self, owner: str, execution_id: str = "") -> _Saved:
        """What is on disk of an owner's present execution; of an earlier one, nothing may stay."""
        saved = self._saved.get(owner)
        if saved is None or saved.execution_id != execution_id:
            self._remove_events(owner)
            saved = self._saved[owner] = _Saved(execution_id)
        return saved

    def _distrust(self, owners: Iterable[str]) -> None:
        """Write everything of these owners next time: what was noted as saved was rolled back."""
        for owner in owners:
            self._saved.pop(owner, None)

    def _events(self, query: str) -> defaultdict[str, list[tuple[int, pb.HistoryEvent]]]:
        found: defaultdict[str, list[tuple[int, pb.HistoryEvent]]] = defaultdict(list)
        for owner, position, blob in self._db.execute(query):
            found[owner].append((position, pb.HistoryEvent.FromString(blob)))
        return found


def _as_saved(inbox: list[tuple[int, pb.HistoryEvent]], execution_id: str = "", history_length: int = 0) -> _Saved:
    return _Saved(
        execution_id,
        history_length,
        inbox={id(event): (position, event) for position, event in inbox},
        next_position=inbox[-1][0] + 1 if inbox else 0,
    )
