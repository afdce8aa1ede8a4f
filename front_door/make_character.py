"""Has a deployment make a character: it does so at once, so nothing is queued."""

import asyncio
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from clients.creations import InputFile
from domain.caller import Caller
from domain.catalog import Deployment, Model
from domain.character import Character
from domain.clip import Clip, read_clip
from domain.errors import Busy, InvalidRequest, OutcomeUnknown, PerhapsDone, UpstreamError, UpstreamRejected
from domain.video_request import VideoRequest, read_text
from front_door.services import FrontDoorServices
from intake.fields import SentFile

NAME_LIMIT: Final = 80
_ANSWER_LIMIT_S: Final = 60.0
_RETRY_AFTER_S: Final = 5


async def make_character(fields: Mapping[str, Any], *, caller: Caller, services: FrontDoorServices) -> Character:
    """Send the video to a deployment that makes characters, and note whose the character is.

    Args:
        fields: `name`, `video`, and `model` to say who shall do it.
        caller: Whose it will be.
        services: Clients and clock.

    Raises:
        InvalidRequest: Nobody can make it, or its name is not allowed.
        NotAllowed: The caller may not ask for it.
        Busy: Nobody can just now, or nobody can tell whether its name is allowed.
        PerhapsDone: Whoever was asked has not answered.
    """
    caller.allowance.check_operation("character")
    name, (clip, file) = _name(fields), _file(fields)
    deployments = _able(fields, caller, services)
    if guardrails := services.intake.guardrails:
        model = services.catalog.model_of(deployments[0].name) or ""
        await guardrails.check_request(caller, _as_request(model, name, clip), clip)
    for deployment in deployments:
        try:
            async with asyncio.timeout(_ANSWER_LIMIT_S):
                character_id, created_at = await services.api.create_character(deployment, name, file)
        except UpstreamRejected as error:
            raise InvalidRequest(error.message, param="video", code=error.code or "upstream_rejected") from error
        except (OutcomeUnknown, TimeoutError) as error:
            message = "The deployment did not answer in time: the character may have been made, and nobody can tell."
            raise PerhapsDone(message) from error
        except UpstreamError:  # it certainly made none
            continue
        character = Character(
            character_id=character_id,
            tenant=caller.tenant,
            name=name,
            created_at=created_at or services.clock(),
            deployment=deployment.name,
        )
        await services.characters.insert(character)
        return character
    raise _busy()


def _as_request(model: str, name: str, clip: Clip) -> VideoRequest:
    """A character as guardrails see it: its name is the prompt."""
    return VideoRequest(model, name, clip.seconds, clip.size, None, None, may_fall_back=False, operation="character")


def _able(fields: Mapping[str, Any], caller: Caller, services: FrontDoorServices) -> list[Deployment]:
    """The living deployments that make characters, of the named model or of any that the caller may ask for."""
    named, catalog, allowed = read_text(fields, "model"), services.catalog, caller.allowance.models
    if named:
        caller.allowance.check_model(named)
    makers = {name: _makers(model, services.clock().date()) for name, model in catalog.models.items()}
    any_model = [name for name in catalog.models if allowed is None or name in allowed]
    asked = {named: catalog.model(named)} if named else any_model
    able = [deployment for name in asked for deployment in makers[name]]
    if not able:
        names = ", ".join(name for name, some in makers.items() if some) or "none"
        message = f"No deployment of {' or '.join(asked)} makes characters. Models that do: {names}."
        raise InvalidRequest(message, param="model", code="operation_not_offered")
    return able


def _makers(model: Model, today: date) -> list[Deployment]:
    return [deployment for deployment in model.living(today) if "character" in deployment.operations]


def _name(fields: Mapping[str, Any]) -> str:
    name = (read_text(fields, "name") or "").strip()
    if not name or len(name) > NAME_LIMIT:
        raise InvalidRequest(f"Give the character a name of at most {NAME_LIMIT} characters.", param="name")
    return name


def _file(fields: Mapping[str, Any]) -> tuple[Clip, InputFile]:
    match fields.get("video"):
        case SentFile() as sent:
            clip = read_clip(sent.content)
            return clip, InputFile(clip.file_name, sent.content, clip.content_type)
        case _:
            raise InvalidRequest("Send the video as an MP4 file.", param="video")


def _busy() -> Busy:
    return Busy("No deployment could make the character just now.", retry_after_s=_RETRY_AFTER_S)
