"""Creates the render job at a deployment. This is what costs money."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from activities.input_file import open_input_file
from activities.services import Services
from domain.catalog import Deployment
from domain.claim import Claim
from domain.errors import OutcomeUnknown, UpstreamError, UpstreamNotFound
from domain.failures import FailureCode, VideoFailed
from domain.render_job import earliest_creation
from domain.submission import (
    LIST_LIMIT_S,
    LOOK_AGAIN_S,
    SETTLE_S,
    UNANSWERED_LIMIT,
    after_refusal,
    answer_limit_s,
    never_lists,
    outcome_unknown,
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
    deployment = services.deployment(request.deployment)
    input_file = await open_input_file(video, services)
    now, answer_due = services.clock(), asyncio.get_running_loop().time() + answer_limit_s(video)
    price = deployment.price_per_second(video.size)
    video = await services.videos.amend(
        video.ref, lambda kept: kept.submitting(deployment.name, now, usd_per_second=price)
    )
    if video.submitting_since != now:  # another run of this activity was quicker
        return StepResult.retry(SETTLE_S)
    try:
        async with asyncio.timeout_at(answer_due):
            job = await services.api.create(deployment, video, input_file)
    except (OutcomeUnknown, TimeoutError):
        unanswered_since = services.clock()
        await _amend_intent(video, lambda kept: kept.left_unanswered(unanswered_since), services)
        return StepResult.unanswered(LOOK_AGAIN_S)
    except UpstreamError as error:
        if isinstance(error, UpstreamNotFound) and video.source and video.source.upstream_id:
            return await _send_source_along(video, error, services)
        if isinstance(error, UpstreamNotFound) and video.cast:  # the others of this deployment need not suffer for it
            raise VideoFailed(FailureCode.REJECTED, error.message) from error
        await _amend_intent(video, Video.refused, services)
        return after_refusal(error)
    claim = await services.videos.claim(str(deployment.endpoint), job.upstream_id, Claim(video.video_id))
    if claim.video_id != video.video_id:  # a video that knew no better has adopted it
        return StepResult.retry(LOOK_AGAIN_S)
    return await _take(video, deployment, job.upstream_id, request, services)


async def _send_source_along(video: Video, error: UpstreamError, services: Services) -> StepResult:
    """The deployment has dropped what the video is made from: our copy will do, but not for a remix."""
    if video.operation == "remix":
        raise VideoFailed(FailureCode.SOURCE_EXPIRED, error.message) from error
    await _amend_intent(video, Video.refused_for_its_source, services)
    return StepResult.retry(LOOK_AGAIN_S)


async def _adopt(video: Video, request: StepRequest, services: Services) -> StepResult:
    """An intent without an outcome: the job may exist, so look for it before asking again."""
    deployment = services.deployment_of(video)
    try:
        jobs = await services.api.created_since(deployment, earliest_creation(video))
    except UpstreamError as error:
        if never_lists(error, attempt=request.attempts_at(error)) or _age_s(video, services) >= LIST_LIMIT_S:
            return await _ask_blindly(video, deployment, f"the jobs cannot be listed: {error.message}", services)
        return StepResult.retry(retry_delay_s(error, attempt=request.attempts_at(error)), error)
    mine, rivals = Claim(video.video_id, _settled_at(video)), list[Claim]()
    for job in jobs:  # the oldest first: a newer one may be all that is left for a video that asked later
        if job.could_be_of(video):
            claim = await services.videos.claim(str(deployment.endpoint), job.upstream_id, mine)
            if claim.video_id == video.video_id:
                return await _take(video, deployment, job.upstream_id, request, services)
            rivals.append(claim)
    if any(job.hides_whose_it_is(video) for job in jobs):
        return await _ask_blindly(video, deployment, "the jobs listed do not tell whose they are.", services)
    return await _ask_again(video, services, rivals)


async def _ask_blindly(video: Video, deployment: Deployment, why: str, services: Services) -> StepResult:
    """Nobody can tell whether the job exists; the configuration says whether that is worth the price of another."""
    if deployment.on_unknown == "fail":
        return outcome_unknown(why)
    return await _ask_again(video, services)


async def _ask_again(video: Video, services: Services, rivals: Sequence[Claim] = ()) -> StepResult:
    """Give the intent up, but not before a job that exists would have shown up: its own, or a rival's in exchange."""
    settled_at = max([_settled_at(video), *(rival.settled_at for rival in rivals if rival.settled_at)])
    left_s = (settled_at - services.clock()).total_seconds()
    if left_s > 0:
        return StepResult.retry(min(left_s, SETTLE_S / 3))
    if video.unanswered + 1 >= UNANSWERED_LIMIT:
        return outcome_unknown(f"no job showed up; it was asked {UNANSWERED_LIMIT} times.")
    await _amend_intent(video, Video.asked_in_vain, services)
    return StepResult.give_back()


def _age_s(video: Video, services: Services) -> float:
    """How old the intent is."""
    return (services.clock() - (video.submitting_since or video.created_at)).total_seconds()


def _settled_at(video: Video) -> datetime:
    """When a job that exists has shown up; after a crash nobody knows when its creation went unanswered."""
    asked_at = (video.submitting_since or video.created_at) + timedelta(seconds=answer_limit_s(video))
    return (video.unanswered_since or asked_at) + timedelta(seconds=SETTLE_S)


async def _amend_intent(video: Video, change: Callable[[Video], Video], services: Services) -> None:
    """Change the record, unless another run of this activity has come further meanwhile."""
    intent = (video.state, video.submitting_since)
    await services.videos.amend(
        video.ref, lambda kept: change(kept) if (kept.state, kept.submitting_since) == intent else kept
    )


async def _take(
    video: Video, deployment: Deployment, upstream_id: str, request: StepRequest, services: Services
) -> StepResult:
    """Write down which job is the video's own; if another run has found it one already, this is for others to find."""
    now = services.clock()
    video = await services.videos.amend(video.ref, lambda kept: kept.in_progress(upstream_id, now))
    if video.upstream_id != upstream_id:
        await services.videos.release(str(deployment.endpoint), upstream_id)
    if request.probing:  # the pool wants to know at once
        return StepResult.done()
    return StepResult.done(delay_s=await services.next_check_s(video, deployment))
