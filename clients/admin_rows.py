"""What operators keep: keys, tenants, and what was done to them, in one partition so that they change together."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient
from pydantic import BaseModel

from clients.table_rows import rows_between
from domain.audit import AUDIT_IDS, AuditEntry

PARTITION = "admin"
_ATTEMPTS = 10
_OTHERS_WERE_FIRST = {HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED, HTTPStatus.NOT_FOUND}

type Operation = tuple[str, Mapping[str, Any]] | tuple[str, Mapping[str, Any], Mapping[str, Any]]


class Kept[T](NamedTuple):
    """A record, and the version of its row."""

    value: T
    etag: str


class AdminRows:
    """Rows of records.

    Args:
        table: The table of the videos; its credential needs data access.
    """

    def __init__(self, table: TableClient) -> None:
        self._table = table

    async def read[T: BaseModel](self, row_key: str, kind: type[T]) -> Kept[T] | None:
        """A record, if it is there."""
        try:
            row: Any = await self._table.get_entity(PARTITION, row_key)
        except ResourceNotFoundError:
            return None
        return Kept(kind.model_validate_json(row["record"]), row.metadata["etag"])

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
        return [kind.model_validate_json(row["record"]) async for row in rows]

    async def is_any(self, span: tuple[str, str]) -> bool:
        """Whether there is any row in a range."""
        return [row async for row in rows_between(self._table, PARTITION, span, limit=1)] != []

    async def commit(self, entry: AuditEntry, *changes: Operation) -> bool:
        """Change rows and tell the audit of it, all or nothing.

        Returns:
            Whether it was done; if not, somebody else changed one of the rows first.
        """
        try:
            await self._table.submit_transaction([("create", audit_row(entry)), *changes])  # pyright: ignore[reportArgumentType]
        except HttpResponseError as error:
            if error.status_code not in _OTHERS_WERE_FIRST:
                raise
            return False
        return True

    async def tell(self, entry: AuditEntry) -> None:
        """Tell the audit of what is about to be changed elsewhere."""
        await self._table.create_entity(audit_row(entry))


def row_of(row_key: str, record: BaseModel, **columns: object) -> dict[str, Any]:
    """A record's row; the columns are what it is looked for by."""
    return {"PartitionKey": PARTITION, "RowKey": row_key, "record": record.model_dump_json(), **columns}


def replaced(row: Mapping[str, Any], etag: str) -> Operation:
    """Replace a row unless somebody else did."""
    terms = {"mode": UpdateMode.REPLACE, "etag": etag, "match_condition": MatchConditions.IfNotModified}
    return ("update", row, terms)


def attempts() -> range:
    """How often a change is tried while others change the same."""
    return range(_ATTEMPTS)


def audit_key(entry_id: str) -> str:
    """The row of an entry: the newest comes first."""
    return f"audit-{AUDIT_IDS.newest_first_key(entry_id)}"


def audit_row(entry: AuditEntry) -> dict[str, Any]:
    """An entry's row."""
    return row_of(audit_key(entry.entry_id), entry, subject=entry.subject, tenant=entry.tenant)
