"""A character: somebody seen in a video that a tenant uploaded, to be shown in other videos."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast

from pydantic import BaseModel, ConfigDict

from domain.errors import InvalidRequest

PARAM: Final = "characters"
CAST_LIMIT: Final = 8
"""A deployment may allow fewer."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class Character(_Value):
    """What is known of a character; the deployment keeps the rest.

    Attributes:
        character_id: The deployment's own id for it.
        deployment: Who has it.
    """

    character_id: str
    tenant: str
    name: str
    created_at: datetime
    deployment: str


class Cast(_Value):
    """The characters that a video shows.

    Attributes:
        deployment: Who has them, all of them.
        character_ids: Its own ids for them.
    """

    deployment: str
    character_ids: tuple[str, ...]

    @classmethod
    def of(cls, characters: Sequence[Character]) -> "Cast | None":
        """These together; None if there are none.

        Raises:
            InvalidRequest: Nobody has them all.
        """
        homes = {character.deployment for character in characters}
        if len(homes) > 1:
            each = ", ".join(f"'{character.name}' at {character.deployment}" for character in characters)
            message = f"The characters were made at different deployments, and none has them all: {each}."
            raise InvalidRequest(message, param=PARAM)
        ids = tuple(character.character_id for character in characters)
        return next((cls(deployment=home, character_ids=ids) for home in homes), None)


def read_cast(fields: Mapping[str, Any], known: Mapping[str, Character]) -> Cast | None:
    """The characters that a video shall show, if there are any.

    Args:
        fields: The request's.
        known: The tenant's characters that it may name, by id.

    Raises:
        InvalidRequest: The tenant has no such character, or no deployment has them all.
    """
    ids = read_character_ids(fields)
    for each in ids:
        if each not in known:
            message = f"There is no character '{each[:80]}'. Make it with POST /videos/characters."
            raise InvalidRequest(message, param=PARAM, code="character_not_found")
    return Cast.of([known[each] for each in ids])


def read_character_ids(fields: Mapping[str, Any]) -> Sequence[str]:
    """The ids of the characters that a request names.

    Raises:
        InvalidRequest: It names them otherwise than as [{"id": ID}], or too many.
    """
    sent: object = fields.get(PARAM) or []
    named = cast("list[object]", sent) if isinstance(sent, list) else [None]
    ids = [character_id for each in named if (character_id := _id(each))]
    if len(ids) < len(named) or len(ids) > CAST_LIMIT:
        message = f"The characters must be a list of at most {CAST_LIMIT}, each {{'id': ID}}."
        raise InvalidRequest(message, param=PARAM)
    return ids


def _id(named: object) -> str | None:
    match named:
        case {"id": str() as character_id}:
            return character_id
        case _:
            return None
