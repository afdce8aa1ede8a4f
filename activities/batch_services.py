"""What the activities of batches work with, and how they are run."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from clients.batch_table import BatchTable
from clients.callers import Callers
from clients.files import Files
from clients.telemetry.logs import bound
from domain.batch import Batch, BatchRef
from domain.batch_event import batch_event
from domain.batch_workflow import BatchRequest, BatchResult
from domain.errors import NotFound
from domain.video import Video, VideoRef
from domain.webhook import WebhookEvent
from intake.services import Intake


@dataclass(frozen=True)
class BatchServices:
    """Everything they may need; made once, by the composition root.

    Attributes:
        batches: The records.
        files: Inputs, outputs and errors.
        intake: Accepts videos.
        callers: Knows who asked.
        show: What GET /videos/{id} answers for a video.
        tell: Lets a tenant's webhook endpoints hear of an event; once, however often it is told.
    """

    batches: BatchTable
    files: Files
    intake: Intake
    callers: Callers
    show: Callable[[Video], Mapping[str, Any]]
    tell: Callable[[str, WebhookEvent], Awaitable[None]]

    async def record(self, batch: Batch, video_id: str) -> Video | None:
        """The record of a video of a batch, if there is one; that of one that has ended may be remembered."""
        ref = VideoRef(tenant=batch.tenant, video_id=video_id)
        seen = self.intake.videos.last_seen(ref)
        if seen and seen.has_ended:
            return seen
        try:
            return await self.intake.videos.get(ref)
        except NotFound:
            return None


type BatchActivity = Callable[[BatchRequest, BatchServices], Awaitable[BatchResult]]


async def run_batch_activity(body: BatchActivity, request: object, services: BatchServices) -> dict[str, Any]:
    """Run one step: JSON in, JSON out. After the last one, those who listen are told.

    Args:
        body: The activity.
        request: A `BatchRequest` as JSON has it.
        services: What it works with.

    Returns:
        A `BatchResult`.
    """
    asked = BatchRequest.model_validate(request)
    with bound(batch=asked.batch.batch_id, tenant=asked.batch.tenant):
        result = await body(asked, services)
        if result.following is None:
            await _tell_end(asked.batch, services)
    return result.model_dump(mode="json", exclude_defaults=True)


async def _tell_end(ref: BatchRef, services: BatchServices) -> None:
    batch = await services.batches.get(ref)
    if event := batch_event(batch):
        await services.tell(batch.tenant, event)
