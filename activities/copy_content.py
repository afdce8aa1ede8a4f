"""Copies a finished video, its thumbnail and its spritesheet into our own storage, and so completes the video."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta

from activities.examine_content import examine_content
from activities.services import Services
from clients.blob_store import BLOCK_BYTES
from clients.videos_api import ContentStream
from domain.catalog import Deployment
from domain.errors import ContentInvalid, UpstreamError, UpstreamNotFound
from domain.failures import FailureCode, VideoFailed
from domain.guardrails import Stage
from domain.media import MEDIA, SIGNATURE_BYTES, content_blob, has_signature
from domain.submission import PATIENCE, retry_delay_s
from domain.video import StoredContent, Variant, Video, VideoState
from domain.workflow import StepRequest, StepResult

ATTEMPTS_AT_INVALID = 6
"""A stream that is cut off or is no video is asked for so often."""
ATTEMPTS_AT_EXTRAS = 4
"""A video is not kept waiting longer for its thumbnail or spritesheet."""
EXTRAS = (Variant.THUMBNAIL, Variant.SPRITESHEET)


async def copy_content(request: StepRequest, services: Services) -> StepResult:
    """Bring the content home; a rerun does not copy the video again, and writes the same bytes to the same blobs.

    Args:
        request: Whose content.
        services: Clients and clock.

    Raises:
        VideoFailed: The video will never be completed.
    """
    async with services.copies:  # for all of it: a thumbnail must not queue behind other videos' copies
        video = await services.videos.get(request.video)
        if video.state is not VideoState.COPYING:
            return StepResult.done()
        video.raise_if_cancelled()
        deployment = services.deployment_of(video)
        try:
            await _copy_video(video, deployment, services)
        except UpstreamError as error:
            return _after_error(error, video, deployment, request.attempts_at(error), services)
        extras = await _copy_extras(video, deployment, request, services)
    if isinstance(extras, StepResult):
        return extras
    return await _complete(video, deployment, extras, request, services)


async def _copy_video(video: Video, deployment: Deployment, services: Services) -> None:
    if Variant.VIDEO not in (video.contents or {}):
        stored = await _copy(video, deployment, Variant.VIDEO, services)
        await services.videos.amend(video.ref, lambda kept: kept.copied({Variant.VIDEO: stored}))


async def _copy_extras(
    video: Video, deployment: Deployment, request: StepRequest, services: Services
) -> Mapping[Variant, StoredContent] | StepResult:
    """Copy what is small: some servers have no extras, and none is worth failing for."""
    extras = dict[Variant, StoredContent]()
    for variant in EXTRAS:
        if variant in (video.contents or {}):
            continue
        try:
            extras[variant] = await _copy(video, deployment, variant, services)
        except UpstreamNotFound:
            continue
        except UpstreamError as error:
            if (attempt := request.attempts_at(error)) < ATTEMPTS_AT_EXTRAS:
                return StepResult.retry(retry_delay_s(error, attempt=attempt), error)
    return extras


async def _complete(
    video: Video,
    deployment: Deployment,
    extras: Mapping[Variant, StoredContent],
    request: StepRequest,
    services: Services,
) -> StepResult:
    """Complete the video, once it is known that it may be shown."""
    if services.guardrails and services.guardrails.looks_at(Stage.VIDEO):
        video = await services.videos.amend(video.ref, lambda kept: kept.copied(extras))
        if again := await examine_content(video, request, services.guardrails):
            return again
    now = services.clock()
    await services.videos.amend(video.ref, lambda kept: kept.copied(extras).completed(now))
    return StepResult.done() if deployment.delete_after_copy else StepResult.end()


async def _copy(video: Video, deployment: Deployment, variant: Variant, services: Services) -> StoredContent:
    source = services.api.content(deployment, video.upstream_id or "", variant, chunk_bytes=BLOCK_BYTES)
    async with source as stream:
        return await services.contents.put_stream(
            content_blob(video.ref, variant), _verified(variant, stream), MEDIA[variant].content_type
        )


async def _verified(variant: Variant, stream: ContentStream) -> AsyncIterator[bytes]:
    """Pass the bytes on, and raise at the end unless they are the whole file.

    Raises:
        ContentInvalid: The stream ended early, or is no such file.
    """
    received = 0
    async for chunk in stream.chunks:
        if received == 0 and not has_signature(variant, chunk[:SIGNATURE_BYTES]):
            raise ContentInvalid(f"The {variant} does not begin as one.")
        received += len(chunk)
        yield chunk
    if received == 0 or received != (stream.size_bytes or received):
        raise ContentInvalid(f"The {variant} broke off after {received} of {stream.size_bytes or 'some'} bytes.")


def _after_error(
    error: UpstreamError, video: Video, deployment: Deployment, attempt: int, services: Services
) -> StepResult:
    if isinstance(error, UpstreamNotFound) and attempt >= PATIENCE:
        raise VideoFailed(FailureCode.CONTENT_EXPIRED, error.message) from error
    if isinstance(error, ContentInvalid) and attempt + 1 >= ATTEMPTS_AT_INVALID:
        raise VideoFailed(FailureCode.CONTENT_INVALID, error.message) from error
    expires_at = (video.rendered_at or video.created_at) + timedelta(seconds=deployment.content_lifetime_s)
    if services.clock() >= expires_at:
        raise VideoFailed(FailureCode.CONTENT_EXPIRED, error.message) from error
    return StepResult.retry(retry_delay_s(error, attempt=attempt), error)
