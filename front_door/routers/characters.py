"""/videos/characters: make one, and read it."""

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel

from domain.character import Character
from front_door.make_character import make_character
from front_door.request_docs import body_docs
from front_door.request_fields import read_fields
from front_door.services import FromCaller, Services, Tenant

router = APIRouter(prefix="/videos/characters", tags=["videos"])

_FIELDS: dict[str, Any] = {
    "name": {"type": "string", "maxLength": 80},
    "video": {"description": "An MP4 file that shows the character."},
    "model": {"type": "string", "description": "Who shall make it."},
}


class CharacterAnswer(BaseModel):
    """OpenAI's character object. The time is in seconds since 1970."""

    id: str
    created_at: int
    name: str


@router.post("", openapi_extra=body_docs(_FIELDS, required=("name", "video")))
async def create(request: Request, caller: FromCaller, services: Services) -> CharacterAnswer:
    """Make a character from a video."""
    fields = await read_fields(request, max_bytes=services.max_body_bytes)
    return _answer(await make_character(fields, caller=caller, services=services))


@router.get("/{character_id}")
async def retrieve(character_id: str, tenant: Tenant, services: Services) -> CharacterAnswer:
    """Read what is known of a character."""
    return _answer(await services.characters.get(tenant, character_id))


def _answer(character: Character) -> CharacterAnswer:
    created_at = int(character.created_at.timestamp())
    return CharacterAnswer(id=character.character_id, created_at=created_at, name=character.name)
