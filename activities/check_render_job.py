"""Asks a deployment how a render job is doing."""

from datetime import datetime

from activities.services import Services, render_kind
from domain.catalog import Deployment
from domain.errors import UpstreamError, UpstreamNotFound
from domain.failures import FailureCode, VideoFailed
from domain.render_job import RenderJob, RenderStatus
from domain.submission import PATIENCE, retry_delay_s
from domain.video import Video, VideoState
from domain.workflow import StepRequest, StepResult


async def check_render_job(request: StepRequest, services: Services) -> StepResult:
    """Read the job's status into the record; reading it twice is harmless.

    A render time is learnt by whoever finds the job done: never if that process dies at once, twice if two run at a
    time. Among others, neither is noticed.

    Args:
        request: Whose job.
        services: Clients and clock.

    Raises:
        VideoFailed: The video will never be completed.
    """
    video = await services.videos.get(request.video)
    if video.state is not VideoState.IN_PROGRESS:
        return StepResult.done()
    video.raise_if_cancelled()
    deployment = services.deployment_of(video)
    try:
        job = await services.api.retrieve(deployment, video.upstream_id or "")
    except UpstreamError as error:
        if isinstance(error, UpstreamNotFound) and request.attempts_at(error) >= PATIENCE:
            raise VideoFailed(FailureCode.RENDER_LOST, error.message) from error
        _raise_if_timed_out(video, deployment, services.clock())
        return StepResult.retry(retry_delay_s(error, attempt=request.attempts_at(error)), error)
    return await _follow(job, video, deployment, services)


async def _follow(job: RenderJob, video: Video, deployment: Deployment, services: Services) -> StepResult:
    now = services.clock()
    match job.status:
        case RenderStatus.FAILED:
            raise VideoFailed(job.failure_code, job.failure_message)
        case RenderStatus.SUCCEEDED:
            rendered_s = video.rendered_s(job.seconds)
            await services.videos.amend(video.ref, lambda kept: kept.copying(now, rendered_s=rendered_s))
            await services.render_times.record(render_kind(video, deployment), job.render_time_s(video, now))
            return StepResult.done()
        case RenderStatus.RUNNING:
            _raise_if_timed_out(video, deployment, now)
            await services.videos.amend(video.ref, lambda kept: kept.progressed(job.progress, now))
            elapsed_s = _elapsed_s(video, now)
            delay_s = await services.next_check_s(video, deployment, elapsed_s=elapsed_s, progress=job.progress)
            return StepResult.retry(delay_s)


def _raise_if_timed_out(video: Video, deployment: Deployment, now: datetime) -> None:
    if _elapsed_s(video, now) >= deployment.render_timeout_s:
        limit = f"{deployment.render_timeout_s:g} s"
        raise VideoFailed(FailureCode.RENDER_TIMEOUT, f"The job did not end within {limit}.")


def _elapsed_s(video: Video, now: datetime) -> float:
    return (now - (video.in_progress_since or now)).total_seconds()
