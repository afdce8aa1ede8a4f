"""A video as somebody asks for it, and the file that comes along."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from domain.caller import Caller
from domain.catalog import Operation
from domain.character import read_cast, read_character_ids
from domain.clip import Clip, read_clip
from domain.derivation import PARAM, read_wish, remake_of, remake_of_file
from domain.errors import InvalidRequest
from domain.reference_image import ReferenceImage
from domain.stored_content import StoredContent
from domain.video import VideoRef
from domain.video_request import VideoRequest, read_video_request
from intake.fields import SentFile
from intake.input_reference import read_input_reference
from intake.services import Intake
from intake.uploaded_clip import read_uploaded_clip


class Draft(NamedTuple):
    """What can be kept.

    Attributes:
        file: What has to be stored with it.
    """

    asked: VideoRequest
    file: ReferenceImage | Clip | None = None

    def fields_with(self, stored: StoredContent | None) -> Mapping[str, object]:
        """The fields of the record, once the file is stored."""
        fields: Mapping[str, object] = self.asked._asdict()
        if stored and self.asked.source:
            return {**fields, "source": self.asked.source.model_copy(update={"content": stored})}
        return {**fields, "input_reference": stored}


async def read_draft(
    fields: Mapping[str, Any], operation: Operation, *, caller: Caller, may_fall_back: bool, intake: Intake
) -> Draft:
    """Refuse everything that can be refused; nothing is kept yet.

    Args:
        fields: As sent.
        operation: What is asked for.
        caller: Who asks.
        may_fall_back: Whether a fallback model may render it.
        intake: Clients and clock.

    Raises:
        InvalidRequest: It can never work.
        ModelRetired: It could have, once.
        NotAllowed: The caller may not ask for it.
        NotFound: The tenant has no such video or file.
    """
    if operation == "create":
        cast = read_cast(fields, await intake.characters.find(caller.tenant, read_character_ids(fields)))
        today = intake.clock().date()
        asked = read_video_request(fields, intake.catalog, may_fall_back=may_fall_back, today=today, cast=cast)
        caller.allowance.check(asked)
        return Draft(asked, await read_input_reference(fields, size=asked.size, tenant=caller.tenant, intake=intake))
    draft = await _read_remake(fields, operation, caller=caller, may_fall_back=may_fall_back, intake=intake)
    caller.allowance.check(draft.asked)
    return draft


async def _read_remake(
    fields: Mapping[str, Any], operation: Operation, *, caller: Caller, may_fall_back: bool, intake: Intake
) -> Draft:
    wish = read_wish(fields, operation, may_fall_back=may_fall_back)
    match fields.get(PARAM):
        case {"id": str() as video_id}:
            parent = await intake.videos.get_visible(VideoRef(tenant=caller.tenant, video_id=video_id))
            return Draft(remake_of(parent, wish, intake.catalog, intake.clock()))
        case {"file_id": str() as file_id} if operation != "remix":
            clip = await read_uploaded_clip(file_id, tenant=caller.tenant, intake=intake)
            return Draft(remake_of_file(clip, wish, intake.catalog, intake.clock().date()), clip)
        case SentFile() as sent if operation != "remix":
            clip = read_clip(sent.content)
            return Draft(remake_of_file(clip, wish, intake.catalog, intake.clock().date()), clip)
        case _:
            message = "Send the video as {'id': VIDEO_ID}, as {'file_id': FILE_ID}, or as an MP4 file."
            raise InvalidRequest(message, param=PARAM)
