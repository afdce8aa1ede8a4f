"""Characters in Table Storage, one row each in the partition of their tenant."""

import asyncio
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables.aio import TableClient

from clients.table_rows import tenant_partition
from domain.character import Character
from domain.errors import NotFound


class CharacterTable:
    """Keeps whose character is where.

    Args:
        table: The table; its credential needs data access.
    """

    def __init__(self, table: TableClient) -> None:
        self._table = table

    async def insert(self, character: Character) -> None:
        """Keep a record, over whatever was there."""
        key = {"PartitionKey": tenant_partition(character.tenant), "RowKey": _row(character.character_id)}
        await self._table.upsert_entity({**key, **character.model_dump(mode="json")})

    async def get(self, tenant: str, character_id: str) -> Character:
        """The record.

        Raises:
            NotFound: The tenant has no such character.
        """
        if found := await self._find(tenant, character_id):
            return found
        raise missing(character_id)

    async def find(self, tenant: str, character_ids: Iterable[str]) -> Mapping[str, Character]:
        """Those of these characters that the tenant has, by id.

        Args:
            tenant: Whose.
            character_ids: As a caller sent them.
        """
        wanted = set(character_ids)
        found = await asyncio.gather(*(self._find(tenant, each) for each in wanted))
        return {each: character for each, character in zip(wanted, found, strict=True) if character}

    async def close(self) -> None:
        """Close the connections."""
        await self._table.close()

    async def _find(self, tenant: str, character_id: str) -> Character | None:
        try:
            row: Any = await self._table.get_entity(tenant_partition(tenant), _row(character_id))
        except ResourceNotFoundError:
            return None
        return Character.model_validate(row)


def missing(character_id: str) -> NotFound:
    """What a tenant is told that has no such character."""
    return NotFound(f"There is no character '{character_id[:80]}'.", param="character_id", code="character_not_found")


def _row(character_id: str) -> str:
    return f"h{hashlib.sha256(character_id.encode()).hexdigest()}"
