"""The characters of a request: whose they are, and who has them."""

import asyncio
from collections.abc import Mapping
from typing import Any

from clients.character_table import CharacterTable
from domain.character import PARAM, Cast, Character, read_character_ids
from domain.errors import InvalidRequest, NotFound


async def read_cast(fields: Mapping[str, Any], *, tenant: str, characters: CharacterTable) -> Cast | None:
    """The characters that a video shall show, if there are any.

    Args:
        fields: The request's.
        tenant: Who asks.
        characters: The records.

    Raises:
        InvalidRequest: The tenant has no such character, or no deployment has them all.
    """
    ids = read_character_ids(fields)
    return Cast.of(await asyncio.gather(*(_find(tenant, character_id, characters) for character_id in ids)))


async def _find(tenant: str, character_id: str, characters: CharacterTable) -> Character:
    try:
        return await characters.get(tenant, character_id)
    except NotFound as error:
        message = f"{error.message} Make it with POST /videos/characters."
        raise InvalidRequest(message, param=PARAM, code=error.code) from None
