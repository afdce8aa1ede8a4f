"""What those who listen hear of a batch."""

from domain.batch import Batch
from domain.webhook import WebhookEvent, WebhookType


def batch_event(batch: Batch) -> WebhookEvent | None:
    """The end of a batch; None while it has none."""
    if batch.ended_at is None:
        return None
    return WebhookEvent(
        id=f"evt_{batch.batch_id}_{batch.status}",
        type=WebhookType(f"batch.{batch.status}"),
        at=batch.ended_at,
        resource_id=batch.batch_id,
    )
