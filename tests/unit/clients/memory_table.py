"""`TableClient` in memory, as far as the webhooks use it."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, cast

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.data.tables.aio import TableClient


class MemoryTable:
    """Rows by their two keys."""

    def __init__(self) -> None:
        self.rows = dict[tuple[str, str], dict[str, Any]]()

    def as_client(self) -> TableClient:
        return cast("TableClient", self)

    def keys(self, partition: str) -> list[str]:
        return sorted(row for found, row in self.rows if found == partition)

    async def upsert_entity(self, row: Mapping[str, Any]) -> None:
        self.rows[_key(row)] = dict(row)

    async def create_entity(self, row: Mapping[str, Any]) -> None:
        if _key(row) in self.rows:
            raise ResourceExistsError
        self.rows[_key(row)] = dict(row)

    async def delete_entity(self, partition: str, row: str) -> None:
        self.rows.pop((partition, row), None)

    async def get_entity(self, partition: str, row: str) -> Mapping[str, Any]:
        if (partition, row) not in self.rows:
            raise ResourceNotFoundError
        return self.rows[partition, row]

    async def query_entities(
        self, _query: str, *, parameters: Mapping[str, str], **_paging: object
    ) -> AsyncIterator[Mapping[str, Any]]:
        """A range of a partition."""
        start, end = parameters.get("start", ""), parameters.get("end", "~")
        for row in self.keys(parameters["partition"]):
            if start <= row < end:
                yield self.rows[parameters["partition"], row]


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["PartitionKey"], row["RowKey"]
