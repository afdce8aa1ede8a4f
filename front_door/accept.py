"""Accepts a video: after this it will be completed or failed, whatever process dies."""

import logging
from collections.abc import Mapping
from typing import Any, Literal

from grpc.aio import AioRpcError
from pydantic import BaseModel

from clients.video_table import AlreadyAccepted, Idempotency
from domain.errors import InvalidRequest, RequestConflict
from domain.reference_image import ReferenceImage
from domain.video import StoredContent, Video, VideoRef
from domain.video_id import new_video_id
from domain.video_request import read_video_request
from front_door.input_reference import read_input_reference
from front_door.request_fields import fingerprint
from front_door.services import FrontDoorServices

_log = logging.getLogger(__name__)
_ID_RANDOM_BYTES = 10
_IDEMPOTENCY_KEY_LIMIT = 255


class Terms(BaseModel):
    """On what terms a video is asked for: the headers of POST /videos.

    Attributes:
        idempotency_key: With the same key and the same request, the same video.
        x_reelay_fallback: Whether a fallback model may render it.
    """

    idempotency_key: str | None = None
    x_reelay_fallback: Literal["allow", "none"] = "allow"

    @property
    def may_fall_back(self) -> bool:
        """Whether a fallback model may render it."""
        return self.x_reelay_fallback == "allow"


async def accept_video(fields: Mapping[str, Any], *, tenant: str, terms: Terms, services: FrontDoorServices) -> Video:
    """Check a request, keep it, and start its orchestration.

    Everything that can be refused is refused before anything is kept. Once the record is kept, the caller gets it:
    an orchestration that could not be started now is started by the sweeper.

    Args:
        fields: The fields of POST /videos.
        tenant: Who asks.
        terms: On what terms.
        services: Clients and clock.

    Raises:
        InvalidRequest: It can never work.
        ModelRetired: It could have, once.
        RequestConflict: The key came with other fields before.
    """
    if terms.idempotency_key and len(terms.idempotency_key) > _IDEMPOTENCY_KEY_LIMIT:
        message = f"The Idempotency-Key is longer than {_IDEMPOTENCY_KEY_LIMIT} characters."
        raise InvalidRequest(message, param="Idempotency-Key")
    today = services.clock().date()
    asked = read_video_request(fields, services.catalog, may_fall_back=terms.may_fall_back, today=today)
    image = await read_input_reference(fields, size=asked.size, remote_files=services.remote_files)
    now = services.clock()
    ref = VideoRef(tenant=tenant, video_id=new_video_id(now, services.randomness(_ID_RANDOM_BYTES)))
    stored = await _store_input(ref, image, services) if image else None
    video = Video(**ref.model_dump(), **asked._asdict(), created_at=now, input_reference=stored)
    promise = _promise(fields, terms)
    try:
        await services.videos.insert(video, alarm_at=now + services.sweep_grace, idempotency=promise)
    except AlreadyAccepted as earlier:
        if stored:
            await services.inputs.delete(stored.blob)
        if promise and earlier.body_sha256 != promise.body_sha256:
            raise RequestConflict(
                "This Idempotency-Key came with another request before. Use a new key for a new request.",
                param="Idempotency-Key",
            ) from None
        return await services.videos.get(VideoRef(tenant=tenant, video_id=earlier.video_id))
    await _start(video, services)
    return video


def _promise(fields: Mapping[str, Any], terms: Terms) -> Idempotency | None:
    """Who forbids a fallback asks for something else: the earlier video may fall back, and must not be the answer."""
    asked = {**fields, "x-reelay-fallback": terms.x_reelay_fallback}
    return Idempotency(terms.idempotency_key, fingerprint(asked)) if terms.idempotency_key else None


async def _store_input(ref: VideoRef, image: ReferenceImage, services: FrontDoorServices) -> StoredContent:
    """Leave the image where the orchestration finds it: its history holds references, never bytes."""
    blob = f"{ref.tenant}/{ref.video_id}/{image.file_name}"
    return await services.inputs.put(blob, image.content, image.content_type)


async def _start(video: Video, services: FrontDoorServices) -> None:
    try:
        await services.orchestrations.ensure_running(video)
    except (AioRpcError, TimeoutError) as error:
        _log.warning("%s will be started by the sweeper: %r", video.video_id, error)
