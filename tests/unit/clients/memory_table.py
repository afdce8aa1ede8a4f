"""`TableClient` in memory, as far as the webhooks and the operators' records use it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, cast

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.data.tables.aio import TableClient


class Row(dict[str, Any]):
    """A row, and what is told of it: each writing makes another version."""

    versions = 0

    def __init__(self, row: Mapping[str, Any]) -> None:
        super().__init__(row)
        Row.versions += 1
        self.metadata = {"etag": str(Row.versions)}


class MemoryTable:
    """Rows by their two keys.

    Attributes:
        reads: How many rows were asked for one by one.
        error: What is raised instead.
    """

    def __init__(self) -> None:
        self.rows = dict[tuple[str, str], Row]()
        self.reads = 0
        self.error: Exception | None = None

    def as_client(self) -> TableClient:
        return cast("TableClient", self)

    def keys(self, partition: str) -> list[str]:
        return sorted(row for found, row in self.rows if found == partition)

    async def upsert_entity(self, row: Mapping[str, Any]) -> None:
        self.rows[_key(row)] = Row(row)

    async def create_entity(self, row: Mapping[str, Any]) -> None:
        if _key(row) in self.rows:
            raise ResourceExistsError
        self.rows[_key(row)] = Row(row)

    async def submit_transaction(self, operations: Sequence[tuple[Any, ...]]) -> None:
        """All or nothing."""
        rows = dict(self.rows)
        for kind, row, *terms in operations:
            _apply(rows, kind, row, terms[0] if terms else {})
        self.rows = rows

    async def delete_entity(self, partition: str, row: str) -> None:
        self.rows.pop((partition, row), None)

    async def get_entity(self, partition: str, row: str) -> Mapping[str, Any]:
        self.reads += 1
        if self.error:
            raise self.error
        if (partition, row) not in self.rows:
            raise ResourceNotFoundError
        return self.rows[partition, row]

    async def query_entities(
        self, _query: str, *, parameters: Mapping[str, str], **_paging: object
    ) -> AsyncIterator[Mapping[str, Any]]:
        """A range of a partition; the other parameters are columns that must have these values."""
        start, end = parameters.get("start", ""), parameters.get("end", "~")
        columns = {name: value for name, value in parameters.items() if name not in {"partition", "start", "end"}}
        for key in self.keys(parameters["partition"]):
            row = self.rows[parameters["partition"], key]
            if start <= key < end and columns.items() <= row.items():
                yield row


def _apply(rows: dict[tuple[str, str], Row], kind: str, row: Mapping[str, Any], terms: Mapping[str, Any]) -> None:
    key = _key(row)
    if kind == "create" and key in rows:
        raise _refused(HTTPStatus.CONFLICT)
    if kind in {"update", "delete"} and key not in rows:
        raise _refused(HTTPStatus.NOT_FOUND)
    if terms.get("match_condition") is MatchConditions.IfNotModified and rows[key].metadata["etag"] != terms["etag"]:
        raise _refused(HTTPStatus.PRECONDITION_FAILED)
    if kind == "delete":
        del rows[key]
    else:
        rows[key] = Row(row)


def _refused(status: HTTPStatus) -> HttpResponseError:
    error = HttpResponseError(status.phrase)
    error.status_code = status
    return error


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["PartitionKey"], row["RowKey"]
