"""What operators keep: keys, tenants, and what was done to them, in one partition so that they change together."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient
from pydantic import BaseModel

from clients.table_rows import rows_between
from domain.audit import AUDIT_IDS, AuditEntry

PARTITION = "admin"
_NEWEST = "newest-change"
_ATTEMPTS = 10
_OTHERS_WERE_FIRST = {HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED, HTTPStatus.NOT_FOUND}

type Row = dict[str, Any]
type Change = tuple[str, Row] | tuple[str, Row, Mapping[str, Any]]
"""What is done to a row: `create`, `upsert`, `update` or `delete`."""
type Note[T] = Callable[[T, T], AuditEntry]
"""What the audit is told of a change from one record to another."""
type Redrawn[T] = Callable[[T, T], tuple[Row, Sequence[Change]]]
"""A record's own row after such a change, and what else changes with it."""


class AdminRows:
    """Rows of records.

    Args:
        table: The table of the videos; its credential needs data access.
    """

    def __init__(self, table: TableClient) -> None:
        self._table = table

    async def read[T: BaseModel](self, row_key: str, kind: type[T]) -> T | None:
        """A record, if it is there."""
        row = await self._read(row_key)
        return _record_of(row, kind) if row else None

    async def page[T: BaseModel](
        self, span: tuple[str, str], kind: type[T], *, limit: int, also: Mapping[str, object]
    ) -> list[T]:
        """Records in the order of their keys.

        Args:
            span: The first key, and the first one that is no longer meant.
            kind: Of what.
            limit: At most so many.
            also: Columns that must have these values; None for any.
        """
        wanted = {name: value for name, value in also.items() if value is not None}
        condition = " and ".join(f"{name} eq @{name}" for name in wanted)
        rows = rows_between(self._table, PARTITION, span, limit=limit, also=condition, **wanted)
        return [_record_of(row, kind) async for row in rows]

    async def is_any(self, span: tuple[str, str]) -> bool:
        """Whether there is any row in a range."""
        return [row async for row in rows_between(self._table, PARTITION, span, limit=1)] != []

    async def amend[T: BaseModel](
        self, row_key: str, kind: type[T], change: Callable[[T], T], note: Note[T], redrawn: Redrawn[T]
    ) -> T | None:
        """Change a record as if nobody else did at the same time, and tell the audit, unless nothing changes.

        Returns:
            The record as it now is, if it is there.
        """
        for _ in range(_ATTEMPTS):
            row = await self._read(row_key)
            if row is None:
                return None
            before = _record_of(row, kind)
            after = change(before)
            if after == before:
                return after
            own, others = redrawn(before, after)
            terms = {"etag": row.metadata["etag"], "match_condition": MatchConditions.IfNotModified}
            update = ("update", own, {"mode": UpdateMode.REPLACE, **terms})
            if await self.commit(note(before, after), update, *others):
                return after
        raise RuntimeError(f"{row_key} kept changing while it was being changed")

    async def commit(self, entry: AuditEntry, *changes: Change) -> bool:
        """Change rows and tell the audit of it, all or nothing.

        Returns:
            Whether it was done; if not, somebody else changed one of the rows first.
        """
        newest = {"PartitionKey": PARTITION, "RowKey": _NEWEST, "entry_id": entry.entry_id}
        operations: Any = [("create", audit_row(entry)), ("upsert", newest), *changes]
        try:
            await self._table.submit_transaction(operations)
        except HttpResponseError as error:
            if error.status_code not in _OTHERS_WERE_FIRST:
                raise
            return False
        return True

    async def newest_change(self) -> str | None:
        """What is another whenever anything was changed; None while nothing was."""
        row = await self._read(_NEWEST)
        return row["entry_id"] if row else None

    async def tell(self, entry: AuditEntry) -> None:
        """Tell the audit of what is about to be changed elsewhere."""
        await self._table.create_entity(audit_row(entry))

    async def _read(self, row_key: str) -> Any:
        with suppress(ResourceNotFoundError):
            return await self._table.get_entity(PARTITION, row_key)
        return None


def row_of(row_key: str, record: BaseModel, **columns: object) -> Row:
    """A record's row; the columns are what it is looked for by."""
    return {"PartitionKey": PARTITION, "RowKey": row_key, "record": record.model_dump_json(), **columns}


def _record_of[T: BaseModel](row: Mapping[str, Any], kind: type[T]) -> T:
    """The record in a row, without what a later version of us may have put there before it was taken back."""
    return kind.model_validate_json(row["record"], extra="ignore")


def audit_key(entry_id: str) -> str:
    """The row of an entry: the newest comes first."""
    return f"audit-{AUDIT_IDS.newest_first_key(entry_id)}"


def audit_row(entry: AuditEntry) -> Row:
    """An entry's row."""
    return row_of(audit_key(entry.entry_id), entry, subject=entry.subject, tenant=entry.tenant)
