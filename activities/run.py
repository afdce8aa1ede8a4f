"""Runs an activity's body: JSON in, JSON out, and what happened to the video announced."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from activities.services import Services
from clients.telemetry.logs import bound
from clients.telemetry.spans import span
from domain.failures import VideoFailed
from domain.video import VideoRef
from domain.workflow import StepRequest, StepResult

_log = logging.getLogger(__name__)

type Activity = Callable[[StepRequest, Services], Awaitable[StepResult]]


async def run_activity(body: Activity, request: dict[str, Any], services: Services) -> dict[str, Any]:
    """Run one step.

    Args:
        body: The activity.
        request: A `StepRequest`.
        services: What it works with.

    Returns:
        A `StepResult`; a video that failed is one, too.
    """
    step = StepRequest.model_validate(request)
    whose = {"video": step.video.video_id, "tenant": step.video.tenant, "deployment": step.deployment}
    attributes = {f"reelay.{name}": value for name, value in whose.items()}
    with bound(**whose), span(step.step, attributes, parent=step.traceparent) as opened:
        try:
            result = await body(step, services)
        except VideoFailed as error:
            result = StepResult.failed(error.failure)
            opened.set_attribute("error.type", error.failure.code)
        await _announce(step.video, services)
    return result.model_dump(mode="json", exclude_defaults=True)


async def _announce(video: VideoRef, services: Services) -> None:
    try:
        await services.announcer.announce_latest(video)
    except Exception:  # noqa: BLE001 - the step is done whoever heard of it, and the record knows what is left to tell
        _log.exception("%s: what happened is left for the sweeper to announce", video.video_id)
