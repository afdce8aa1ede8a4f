"""Cancels and deletes videos, at any point of their life."""

import logging

from grpc.aio import AioRpcError

from domain.media import content_blob
from domain.video import Variant, Video, VideoRef
from domain.workflow import News
from front_door.services import FrontDoorServices

_log = logging.getLogger(__name__)


async def cancel_video(ref: VideoRef, services: FrontDoorServices) -> Video:
    """Let a video end as soon as possible; its orchestration sees to the deployment's job.

    Returns:
        The record; it ends a moment later.
    """
    now = services.clock()
    video = await services.videos.amend(ref, lambda kept: kept.cancelling(now))
    await _wake(video, services)
    return video


async def delete_video(ref: VideoRef, services: FrontDoorServices) -> None:
    """Hide a video at once and remove its content; the sweeper removes the record when the orchestration has ended."""
    now = services.clock()
    video = await services.videos.amend(ref, lambda kept: kept.deleted(now), alarm_at=now + services.sweep_grace)
    for variant in Variant:
        await services.contents.delete(content_blob(ref, variant))
    await _wake(video, services)


async def _wake(video: Video, services: FrontDoorServices) -> None:
    if video.has_ended:
        return
    try:
        await services.orchestrations.wake(video.ref, News(cancelled=True))
    except (AioRpcError, TimeoutError) as error:
        _log.warning("%s will notice at its next step: %r", video.video_id, error)
