"""Creates the render job at a deployment. This is what costs money."""

import asyncio
from datetime import datetime, timedelta

from activities.services import Services
from clients.videos_api import InputFile
from domain.catalog import Deployment
from domain.errors import NotFound, OutcomeUnknown, UpstreamError, UpstreamNotFound, UpstreamRejected
from domain.failures import FailureCode, VideoFailed
from domain.polling import next_check_s
from domain.submission import (
    ANSWER_LIMIT_S,
    LOOK_AGAIN_S,
    SETTLE_S,
    UNANSWERED_LIMIT,
    delay_after_refusal_s,
    retry_delay_s,
)
from domain.video import Video, VideoState
from domain.workflow import StepRequest, StepResult


async def submit_render_job(request: StepRequest, services: Services) -> StepResult:
    """Create the render job; twice is harmless, for the intent is written first and looked after before another POST.

    Args:
        request: Whose job.
        services: Clients and clock.

    Raises:
        VideoFailed: The video will never be completed.
    """
    video = await services.videos.get(request.video)
    if video.state is VideoState.QUEUED:
        video.raise_if_cancelled()
        return await _create(video, request, services)
    if video.state is VideoState.SUBMITTING:
        return await _adopt(video, request, services)
    return StepResult.done()


async def _create(video: Video, request: StepRequest, services: Services) -> StepResult:
    """Write the intent down, then ask for the job, once."""
    deployment = services.deployment_for(video)
    try:
        input_file = await _input_file(video, services)
    except NotFound as error:
        raise VideoFailed(FailureCode.INPUT_MISSING, error.message) from error
    now = services.clock()
    price = deployment.price_per_second(video.size)
    video = await services.videos.amend(
        video.ref, lambda kept: kept.submitting(deployment.name, now, usd_per_second=price)
    )
    if video.submitting_since != now:  # another run of this activity was quicker
        return StepResult.retry(SETTLE_S)
    try:
        async with asyncio.timeout(ANSWER_LIMIT_S):
            job = await services.api.create(deployment, video, input_file)
    except (OutcomeUnknown, TimeoutError):
        unanswered_since = services.clock()
        await services.videos.amend(video.ref, lambda kept: kept.left_unanswered(unanswered_since))
        return StepResult.retry(LOOK_AGAIN_S)
    except UpstreamError as error:
        await services.videos.amend(video.ref, Video.refused)
        queued_s = (now - video.created_at).total_seconds()
        delay_s = delay_after_refusal_s(
            error, attempt=request.attempts_at(error), queued_s=queued_s, max_queued_s=services.max_queued_s
        )
        return StepResult.retry(delay_s, error)
    return await _take(video, deployment, job.upstream_id, services) or StepResult.retry(LOOK_AGAIN_S)


async def _adopt(video: Video, request: StepRequest, services: Services) -> StepResult:
    """An intent without an outcome: the job may exist, so look for it before asking again."""
    deployment = services.deployment_of(video)
    try:
        jobs = await services.api.recent(deployment)
    except UpstreamError as error:
        _raise_if_never_listed(error, video, services)
        return StepResult.retry(retry_delay_s(error, attempt=request.attempts_at(error)), error)
    for job in reversed(jobs):  # the oldest first: a newer one may be all that is left for a video that asked later
        if job.could_be_of(video) and (taken := await _take(video, deployment, job.upstream_id, services)):
            return taken
    if any(job.hides_whose_it_is(video) for job in jobs):
        message = "The creation was not answered, and the jobs listed do not tell whose they are."
        raise VideoFailed(FailureCode.OUTCOME_UNKNOWN, message)
    left_s = (_settled_at(video) - services.clock()).total_seconds()
    if left_s > 0:
        return StepResult.retry(min(left_s, SETTLE_S / 3))
    _raise_if_hopeless(video, services)
    await services.videos.amend(video.ref, Video.refused)
    return StepResult.retry(0)


def _settled_at(video: Video) -> datetime:
    """When a job that exists has shown up; after a crash nobody knows when its creation went unanswered."""
    asked_at = (video.submitting_since or video.created_at) + timedelta(seconds=ANSWER_LIMIT_S)
    return (video.unanswered_since or asked_at) + timedelta(seconds=SETTLE_S)


def _raise_if_hopeless(video: Video, services: Services) -> None:
    if video.unanswered >= UNANSWERED_LIMIT:
        message = f"The deployment left {video.unanswered} creations unanswered."
        raise VideoFailed(FailureCode.OUTCOME_UNKNOWN, message)
    if (services.clock() - video.created_at).total_seconds() >= services.max_queued_s:
        raise VideoFailed(FailureCode.NO_CAPACITY, "No creation was answered within the time a video may wait.")


def _raise_if_never_listed(error: UpstreamError, video: Video, services: Services) -> None:
    queued_s = (services.clock() - video.created_at).total_seconds()
    if isinstance(error, UpstreamNotFound | UpstreamRejected) or queued_s >= services.max_queued_s:
        message = f"The creation was not answered, and the jobs cannot be listed: {error.message}"
        raise VideoFailed(FailureCode.OUTCOME_UNKNOWN, message) from error


async def _take(video: Video, deployment: Deployment, upstream_id: str, services: Services) -> StepResult | None:
    """Make a job the video's own; None if another video has it."""
    if not await services.videos.claim(deployment.name, upstream_id, video.video_id):
        return None
    now = services.clock()
    await services.videos.amend(video.ref, lambda kept: kept.in_progress(upstream_id, now))
    return StepResult.done(delay_s=next_check_s(elapsed_s=0, expected_s=deployment.expected_render_s))


async def _input_file(video: Video, services: Services) -> InputFile | None:
    if video.input_reference is None:
        return None
    content = await services.inputs.read(video.input_reference.blob)
    name = video.input_reference.blob.rpartition("/")[2]
    return InputFile(name, content, video.input_reference.content_type)
