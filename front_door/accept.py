"""Accepts a video: after this it will be completed or failed, whatever process dies."""

import logging
from collections.abc import Mapping
from typing import Any

from grpc.aio import AioRpcError

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


async def accept_video(
    fields: Mapping[str, Any], *, tenant: str, idempotency_key: str | None, services: FrontDoorServices
) -> Video:
    """Check a request, keep it, and start its orchestration.

    Everything that can be refused is refused before anything is kept. Once the record is kept, the caller gets it:
    an orchestration that could not be started now is started by the sweeper.

    Args:
        fields: The fields of POST /videos.
        tenant: Who asks.
        idempotency_key: With the same key and the same fields, the same video.
        services: Clients and clock.

    Raises:
        InvalidRequest: It can never work.
        RequestConflict: The key came with other fields before.
    """
    if idempotency_key and len(idempotency_key) > _IDEMPOTENCY_KEY_LIMIT:
        message = f"The Idempotency-Key is longer than {_IDEMPOTENCY_KEY_LIMIT} characters."
        raise InvalidRequest(message, param="Idempotency-Key")
    asked = read_video_request(fields, services.catalog)
    image = await read_input_reference(fields, size=asked.size, remote_files=services.remote_files)
    now = services.clock()
    ref = VideoRef(tenant=tenant, video_id=new_video_id(now, services.randomness(_ID_RANDOM_BYTES)))
    stored = await _store_input(ref, image, services) if image else None
    video = Video(**ref.model_dump(), **asked._asdict(), created_at=now, input_reference=stored)
    promise = Idempotency(idempotency_key, fingerprint(fields)) if idempotency_key else None
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
    await _start(ref, services)
    return video


async def _store_input(ref: VideoRef, image: ReferenceImage, services: FrontDoorServices) -> StoredContent:
    """Leave the image where the orchestration finds it: its history holds references, never bytes."""
    blob = f"{ref.tenant}/{ref.video_id}/{image.file_name}"
    return await services.inputs.put(blob, image.content, image.content_type)


async def _start(ref: VideoRef, services: FrontDoorServices) -> None:
    try:
        await services.orchestrations.ensure_running(ref)
    except (AioRpcError, TimeoutError) as error:
        _log.warning("%s will be started by the sweeper: %r", ref.video_id, error)
