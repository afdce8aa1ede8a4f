"""Tells Event Grid that a request was refused, for whoever asked by an event is not there to be answered."""

import hashlib
from dataclasses import dataclass

from azure.core.messaging import CloudEvent

from activities.announce import SOURCE
from clients.blob_store import BlobStore
from clients.event_grid import EventGrid
from domain.errors import ReelayError
from event_sources.grid_event import GridEvent

REQUEST_REJECTED = "Reelay.RequestRejected"


class NotPublished(Exception):
    """The topic did not take an event: with another delivery of what caused it, there is another try."""


@dataclass(frozen=True)
class Rejections:
    """Publishes them.

    Attributes:
        blobs: Where the reason is written down.
        event_grid: The topic; None if there is none.
    """

    blobs: BlobStore
    event_grid: EventGrid | None

    async def publish(self, cause: GridEvent, error: ReelayError, blob: str, *, of: str) -> None:
        """Tell of one.

        Args:
            cause: The event that asked.
            error: Why in vain.
            blob: Where that is written down.
            of: What was refused: of the same there is one event, however often it is told.

        Raises:
            NotPublished: The topic did not take it.
        """
        if self.event_grid is None:
            return
        rejection = CloudEvent(
            id=f"evt_{hashlib.sha256(f'{of} {blob}'.encode()).hexdigest()[:32]}_rejected",
            type=REQUEST_REJECTED,
            source=SOURCE,
            subject=blob,
            time=cause.time,
            data={
                **error.envelope(),
                "blob_url": self.blobs.url(blob),
                "cause": {"id": cause.id, "source": cause.source},
            },
        )
        if not await self.event_grid.publish([rejection]):
            raise NotPublished(f"The refusal of {blob} was not published.")
