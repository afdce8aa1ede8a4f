"""Accepts a video: after this it will be completed or failed, whatever process dies."""

import logging
from collections.abc import Mapping
from typing import Any, NamedTuple

from azure.core.exceptions import HttpResponseError, ServiceRequestError
from grpc.aio import AioRpcError

from clients.guardrails.chain import Guardrails
from clients.idempotency import AlreadyAccepted, Idempotency
from clients.telemetry.spans import traceparent
from clients.transactions import WriteLost
from domain.caller import Caller
from domain.catalog import Operation
from domain.clip import Clip
from domain.errors import Busy, ContentPolicyViolation, GuardrailUnavailable, LimitReached, RateLimited
from domain.file import File
from domain.pricing import highest_price_usd
from domain.reference_image import ReferenceImage
from domain.video import BatchLine, StoredContent, Video, VideoRef
from domain.video_id import new_video_id
from intake.draft import Draft, read_draft
from intake.promise import check_promise, read_promise
from intake.services import Intake

_log = logging.getLogger(__name__)
_ID_RANDOM_BYTES = 10


class Terms(NamedTuple):
    """On what terms a video is asked for.

    Attributes:
        idempotency_key: With the same key and the same request, the same video.
        may_fall_back: Whether a fallback model may render it.
        batch: The line of a batch that asks for it.
    """

    idempotency_key: str | None = None
    may_fall_back: bool = True
    batch: BatchLine | None = None


async def accept_video(
    fields: Mapping[str, Any], *, caller: Caller, terms: Terms, intake: Intake, operation: Operation = "create"
) -> Video:
    """Check a request, keep it, and start its orchestration.

    Once the record is kept, the caller gets it: an orchestration that could not be started now is started by the
    sweeper.

    Args:
        fields: As sent.
        caller: Who asks.
        terms: On what terms.
        intake: Clients and clock.
        operation: What is asked for.

    Raises:
        GuardrailUnavailable: Nobody can tell just now whether it is allowed.
        InvalidRequest: It can never work.
        LimitReached: The caller's limits leave no room for it.
        ModelRetired: It could have, once.
        NotAllowed: The caller may not ask for it.
        RequestConflict: The key came with other fields before.
    """
    video = await keep_video(fields, caller=caller, terms=terms, intake=intake, operation=operation)
    if not video.has_ended:
        await start_video(video, intake)
        intake.announce_soon(video.ref)
    return video


async def keep_video(
    fields: Mapping[str, Any], *, caller: Caller, terms: Terms, intake: Intake, operation: Operation = "create"
) -> Video:
    """Check a request and keep it; whoever asks starts its orchestration, or else the sweeper does.

    Everything that can be refused is refused before anything is kept.

    Args:
        fields: As sent.
        caller: Who asks.
        terms: On what terms.
        intake: Clients and clock.
        operation: What is asked for.

    Returns:
        The video, or the one that was kept under the same key before.

    Raises:
        GuardrailUnavailable: Nobody can tell just now whether it is allowed.
        InvalidRequest: It can never work.
        LimitReached: The caller's limits leave no room for it.
        ModelRetired: It could have, once.
        NotAllowed: The caller may not ask for it.
        RequestConflict: The key came with other fields before.
    """
    promise = _promise(fields, operation, terms)
    try:
        intake.videos.check_rate(caller)
    except RateLimited:
        if not await _was_accepted(promise, caller, intake):
            raise
    draft = await read_draft(fields, operation, caller=caller, may_fall_back=terms.may_fall_back, intake=intake)
    if intake.guardrails:
        await _pass(intake.guardrails, draft, caller, promise, intake)
    now = intake.clock()
    ref = VideoRef(tenant=caller.tenant, video_id=new_video_id(now, intake.randomness(_ID_RANDOM_BYTES)))
    stored = await _store(ref, draft.file, intake) if draft.file else None
    own = {
        "created_at": now,
        "batch": terms.batch,
        "weight": caller.weight,
        "key_id": caller.key_id,
        "reserved_usd": highest_price_usd(draft.asked, intake.catalog, now.date()),
        "traceparent": traceparent(),
    }
    video = Video.model_validate({**ref.model_dump(), **draft.fields_with(stored), **own})
    try:
        alarm_at = now + intake.sweep_grace
        await intake.videos.insert(video, alarm_at=alarm_at, idempotency=promise, caller=caller)
    except (AlreadyAccepted, Busy, HttpResponseError, LimitReached, ServiceRequestError, WriteLost) as error:
        if stored:
            await intake.inputs.delete(stored.blob)
        if not isinstance(error, AlreadyAccepted):
            raise
        check_promise(promise, error)
        return await intake.videos.get(VideoRef(tenant=caller.tenant, video_id=error.made_id))
    return video


async def _pass(
    guardrails: Guardrails, draft: Draft, caller: Caller, promise: Idempotency | None, intake: Intake
) -> None:
    """Refuse what must not be asked for."""
    try:
        await guardrails.check_request(caller, draft.asked, draft.file)
    except (ContentPolicyViolation, GuardrailUnavailable):
        if not await _was_accepted(promise, caller, intake):
            raise


async def _was_accepted(promise: Idempotency | None, caller: Caller, intake: Intake) -> bool:
    """Whether this was accepted before, so that it must not be refused now: its caller may have missed the answer."""
    return promise is not None and await intake.videos.made_by(caller.tenant, promise.key) is not None


def _promise(fields: Mapping[str, Any], operation: Operation, terms: Terms) -> Idempotency | None:
    """Who forbids a fallback asks for something else: the earlier video may fall back, and must not be the answer."""
    asked = {**fields, "x-reelay-fallback": "allow" if terms.may_fall_back else "none", "x-reelay-operation": operation}
    return read_promise(terms.idempotency_key, asked)


async def _store(ref: VideoRef, file: ReferenceImage | Clip, intake: Intake) -> StoredContent:
    """Leave a file where the orchestration finds it: its history holds references, never bytes."""
    blob = f"{ref.tenant}/{ref.video_id}/{file.file_name}"
    if isinstance(file.content, File):
        return await intake.inputs.put_stream(blob, intake.files.blobs.blocks(file.content), file.content_type)
    return await intake.inputs.put(blob, file.content, file.content_type)


async def start_video(video: Video, intake: Intake) -> None:
    """Start a video's orchestration, unless it is alive; the sweeper does if this cannot."""
    try:
        await intake.orchestrations.ensure_running(video)
    except (AioRpcError, TimeoutError) as error:
        _log.warning("%s will be started by the sweeper: %r", video.video_id, error)
