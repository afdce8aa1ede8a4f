"""What the activities of batches work with, and how they are run."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from clients.batch_table import BatchTable
from clients.files import Files
from domain.batch_workflow import BatchRequest, BatchResult
from domain.video import Video
from intake.services import Intake


@dataclass(frozen=True)
class BatchServices:
    """Everything they may need; made once, by the composition root.

    Attributes:
        batches: The records.
        files: Inputs, outputs and errors.
        intake: Accepts videos.
        show: What GET /videos/{id} answers for a video.
    """

    batches: BatchTable
    files: Files
    intake: Intake
    show: Callable[[Video], Mapping[str, Any]]


type BatchActivity = Callable[[BatchRequest, BatchServices], Awaitable[BatchResult]]


async def run_batch_activity(body: BatchActivity, request: object, services: BatchServices) -> dict[str, Any]:
    """Run one step: JSON in, JSON out.

    Args:
        body: The activity.
        request: A `BatchRequest` as JSON has it.
        services: What it works with.

    Returns:
        A `BatchResult`.
    """
    result = await body(BatchRequest.model_validate(request), services)
    return result.model_dump(mode="json", exclude_defaults=True)
