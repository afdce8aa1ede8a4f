"""What all that is kept in the table has in common: ranges of rows, and the tenants."""

from collections.abc import AsyncIterator
from typing import Any

from azure.data.tables.aio import TableClient

_TENANTS = "tenants"


async def rows_between(
    table: TableClient,
    partition: str,
    span: tuple[str, str],
    *,
    limit: int | None = None,
    also: str = "",
    **values: Any,
) -> AsyncIterator[Any]:
    """Rows in the order of their keys.

    Args:
        table: Where.
        partition: The partition.
        span: The first key, and the first one that is no longer meant.
        limit: At most so many rows.
        also: A further condition, in OData, with names after `@`.
        values: What these names stand for.
    """
    query = "PartitionKey eq @partition and RowKey ge @start and RowKey lt @end"
    if also:
        query += f" and {also}"
    parameters = {"partition": partition, "start": span[0], "end": span[1], **values}
    count = 0
    async for row in table.query_entities(query, parameters=parameters, results_per_page=limit):
        yield row
        count += 1
        if count == limit:
            return


def just_after(key: str) -> str:
    """The start of a range that excludes a key: keys have one length, so nothing sorts in between."""
    return f"{key}~"


def tenant_partition(tenant: str) -> str:
    """The partition of everything a tenant owns."""
    return f"tenant-{tenant}"


class Tenants:
    """Who owns anything: the partitions there are.

    Args:
        table: Where they are kept.
    """

    def __init__(self, table: TableClient) -> None:
        self._table = table
        self._known = set[str]()

    async def remember(self, tenant: str) -> None:
        """Note that a tenant's partition exists."""
        if tenant not in self._known:
            await self._table.upsert_entity({"PartitionKey": _TENANTS, "RowKey": tenant})
            self._known.add(tenant)

    async def all(self) -> AsyncIterator[str]:
        """Every tenant that was ever remembered."""
        async for row in rows_between(self._table, _TENANTS, ("", "~")):
            yield row["RowKey"]
