"""Characters of the videos API: a name for somebody seen in an uploaded video."""

import re
import secrets
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.azure_fakes.access import Access
from local.azure_fakes.errors import invalid_request, missing_parameter, user_error
from local.azure_fakes.fields import Fields, read_fields
from local.azure_fakes.lookup import deployment_of
from local.azure_fakes.service import Call
from local.azure_fakes.uploaded_videos import probe_upload
from local.azure_fakes.world import World

_NAMED: Final = re.compile(r"characters\[\d+\]\[id\]")


def check_characters(fields: Fields, world: World) -> None:
    """Check the characters that a form names.

    Raises:
        AzureError: 400, there is no such character.
    """
    for name, value in fields.items():
        if _NAMED.fullmatch(name) and value not in world.characters:
            raise invalid_request(f"Invalid '{name}': there is no character '{value}'.")


class Characters:
    """Creates and retrieves characters."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def create(self, call: Call) -> Response:
        """POST /videos/characters."""
        await self._check_access(call.request)
        fields = await read_fields(call.request)
        for name in ("name", "video"):
            if name not in fields:
                raise missing_parameter(name)
        await probe_upload(fields["video"])
        created_at = int(self._world.clock.now())
        character_id = f"char_{secrets.token_hex(16)}"
        self._world.characters[character_id] = {"id": character_id, "created_at": created_at, "name": fields["name"]}
        return JSONResponse(self._world.characters[character_id])

    async def retrieve(self, call: Call) -> Response:
        """GET /videos/characters/{character_id}."""
        await self._check_access(call.request)
        character_id = call.request.path_params["character_id"]
        if character_id not in self._world.characters:
            raise user_error(404, f"Character with id '{character_id}' not found.")
        return JSONResponse(self._world.characters[character_id])

    async def _check_access(self, request: Request) -> None:
        access = Access(self._world, request)
        deployment = await deployment_of(self._world, request)
        if deployment is None:
            access.require_any()
        else:
            access.require(deployment)
