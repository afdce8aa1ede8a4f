"""What those who listen hear of a batch."""

from domain.batch import Batch, BatchStatus
from domain.webhook import WebhookEvent, WebhookType

_TYPES = {BatchStatus.COMPLETED: WebhookType.BATCH_COMPLETED, BatchStatus.FAILED: WebhookType.BATCH_FAILED}


def batch_event(batch: Batch) -> WebhookEvent | None:
    """The end of a batch; None if it has none, or one that nobody can ask to hear of."""
    kind, at = _TYPES.get(batch.status), batch.ended_at
    if kind is None or at is None:
        return None
    return WebhookEvent(id=f"evt_{batch.batch_id}_{batch.status}", type=kind, at=at, resource_id=batch.batch_id)
