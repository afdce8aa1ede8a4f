"""Runs an activity's body: JSON in, JSON out."""

from collections.abc import Awaitable, Callable
from typing import Any

from activities.services import Services
from domain.failures import VideoFailed
from domain.workflow import StepRequest, StepResult

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
    try:
        result = await body(StepRequest.model_validate(request), services)
    except VideoFailed as error:
        result = StepResult.failed(error.failure)
    return result.model_dump(mode="json", exclude_defaults=True)
