"""Ends a video: completed or failed, and tidied up at the deployment."""

import logging

from activities.leftovers import Leftovers
from activities.services import Services
from domain.catalog import BILLED_BY_DEFAULT
from domain.errors import UpstreamError
from domain.submission import PATIENCE, retry_delay_s
from domain.video import Video
from domain.workflow import StepRequest, StepResult

_log = logging.getLogger(__name__)


async def end_video(request: StepRequest, services: Services) -> StepResult:
    """Write the end into the record, then remove what must not stay; both change nothing the second time.

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
    try:
        await Leftovers(services.catalog, services.videos, services.contents, services.api).remove(video, now)
    except UpstreamError as error:
        if (attempt := request.attempts_at(error)) < PATIENCE:
            return StepResult.retry(retry_delay_s(error, attempt=attempt), error)
        _log.warning("%s: its job stays at %s: %s", video.video_id, video.deployment, error.message)
    return StepResult.done()
