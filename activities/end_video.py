"""Ends a video: completed or failed, and tidied up at the deployment."""

import logging

from activities.late_renders import LateRenders
from activities.services import Services
from domain.catalog import BILLED_BY_DEFAULT
from domain.errors import UpstreamError
from domain.failures import FailureCode
from domain.media import content_blob
from domain.submission import PATIENCE, retry_delay_s
from domain.video import Variant, Video, VideoState
from domain.workflow import StepRequest, StepResult

_log = logging.getLogger(__name__)


async def end_video(request: StepRequest, services: Services) -> StepResult:
    """Write the end into the record, then delete a job that nobody needs; both change nothing the second time.

    Args:
        request: Whose end, and the failure if it is one.
        services: Clients and clock.
    """
    now, failure = services.clock(), request.failure

    def end(kept: Video) -> Video:
        if kept.has_ended:
            return kept
        deployment = services.catalog.deployment(kept.deployment or "")
        bills = deployment.bills if deployment else BILLED_BY_DEFAULT
        return kept.failed(failure, now, bills=bills) if failure else kept.completed(now)

    video = await services.videos.amend(request.video, end)
    if _content_is_refused(video):
        await _remove_content(video, services)
    deployment = services.catalog.deployment(video.deployment or "")
    if deployment is None or video.upstream_id is None or not _job_is_waste(video, deployment.delete_after_copy):
        return StepResult.done()
    await LateRenders(services.catalog, services.videos, services.api).settle(video, now)
    try:
        await services.api.delete(deployment, video.upstream_id)
    except UpstreamError as error:
        if (attempt := request.attempts_at(error)) < PATIENCE:
            return StepResult.retry(retry_delay_s(error, attempt=attempt), error)
        _log.warning("%s: its job stays at %s: %s", video.video_id, deployment.name, error.message)
    return StepResult.done()


def _content_is_refused(video: Video) -> bool:
    refusals = {FailureCode.CONTENT_POLICY_VIOLATION, FailureCode.GUARDRAIL_UNAVAILABLE}
    return video.failure is not None and video.failure.code in refusals


async def _remove_content(video: Video, services: Services) -> None:
    """Keep nothing of what must not be shown."""
    for variant in Variant:
        await services.contents.delete(content_blob(video.ref, variant))
    now = services.clock()
    await services.videos.amend(video.ref, lambda kept: kept.content_removed(now))


def _job_is_waste(video: Video, delete_after_copy: bool) -> bool:  # noqa: FBT001 - read at one call
    """Whether the deployment may forget the job: its content is ours, or nobody waits for it any more."""
    if video.state is VideoState.COMPLETED:
        return delete_after_copy
    unwanted = {FailureCode.RENDER_TIMEOUT, FailureCode.CONTENT_POLICY_VIOLATION}
    return bool(video.failure and video.failure.code in unwanted) or video.cancel_requested_at is not None
