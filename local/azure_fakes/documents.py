"""The little that survives a restart: JSON documents in one SQLite file."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Documents:
    """JSON documents by kind and id, in insertion order.

    Args:
        file: Where to keep them; `None` keeps them in memory only.
    """

    def __init__(self, file: Path | None) -> None:
        self._connection = sqlite3.connect(file or ":memory:", autocommit=True)
        # Without fsync a write survives the process though not the machine: all a fake needs, and far faster.
        self._connection.executescript(
            """
            PRAGMA journal_mode = WAL;
            PRAGMA synchronous = OFF;
            CREATE TABLE IF NOT EXISTS documents (kind TEXT, id TEXT, body TEXT, PRIMARY KEY (kind, id));
            """
        )

    def put(self, kind: str, key: str, body: object) -> None:
        """Insert or replace a document."""
        self._connection.execute(
            "INSERT INTO documents VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
            (kind, key, json.dumps(body)),
        )

    def all(self, kind: str) -> Iterator[Any]:
        """Yield every document of a kind, oldest first."""
        rows = self._connection.execute("SELECT body FROM documents WHERE kind = ? ORDER BY rowid", (kind,))
        return (json.loads(body) for (body,) in rows)

    def get(self, kind: str, key: str) -> Any:
        """Return one document, or `None`."""
        row = self._connection.execute("SELECT body FROM documents WHERE (kind, id) = (?, ?)", (kind, key)).fetchone()
        return row and json.loads(row[0])

    def clear(self, kind: str) -> None:
        """Forget every document of a kind."""
        self._connection.execute("DELETE FROM documents WHERE kind = ?", (kind,))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
