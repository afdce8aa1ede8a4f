"""How far the purge has come with each tenant: one small row, `purges` / TENANT, an id for each kind of thing."""

from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables.aio import TableClient

_PARTITION = "purges"


class PurgeProgress:
    """Reads and writes these rows.

    Args:
        table: The table; its credential needs data access.
    """

    def __init__(self, table: TableClient) -> None:
        self._table = table

    async def of(self, tenant: str, kind: str) -> str | None:
        """The id up to which nothing is left to purge; None if that is not known."""
        try:
            row: Any = await self._table.get_entity(_PARTITION, tenant, select=[kind])
        except ResourceNotFoundError:
            return None
        return row.get(kind)

    async def note(self, tenant: str, kind: str, video_id: str) -> None:
        """Up to this id, nothing is left to purge."""
        await self._table.upsert_entity({"PartitionKey": _PARTITION, "RowKey": tenant, kind: video_id})

    async def close(self) -> None:
        """Close the connections."""
        await self._table.close()
