"""Announces what happened to a video: to Event Grid, and to the webhook endpoints of its tenant."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from azure.core.messaging import CloudEvent

from clients.blob_store import BlobStore
from clients.event_grid import EventGrid
from clients.video_table import VideoTable
from clients.webhooks import Webhooks
from domain.events import VideoEvent, pending_events
from domain.video import Variant, Video, VideoRef

SOURCE = "/reelay"
PATIENCE_S = 3.0
"""Within this a video whose turn comes at once is submitted, and that step tells of both."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Announcer:
    """Tells what the records say and was not yet told.

    Attributes:
        videos: The records.
        contents: Finished videos.
        event_grid: The topic; None if there is none.
        webhooks: The endpoints of the tenants.
        patience_s: How long a new video is left to its first step.
    """

    videos: VideoTable
    contents: BlobStore
    event_grid: EventGrid | None
    webhooks: Webhooks
    patience_s: float = PATIENCE_S
    _soon: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]], init=False)

    def announce_soon(self, ref: VideoRef) -> None:
        """Tell of a new video that has to wait, beside whatever else is done; if this process ends, the sweeper does.

        Only Event Grid hears of what has not ended.
        """
        if self.event_grid:
            task = asyncio.create_task(self._announce_unless_told(ref))
            self._soon.add(task)
            task.add_done_callback(self._soon.discard)

    async def announce_latest(self, ref: VideoRef) -> None:
        """The same for the record as this process last saw it; nothing is read or written where nobody listens."""
        if self.event_grid or await self.webhooks.endpoints.of(ref.tenant):
            await self.announce(self.videos.last_seen(ref) or await self.videos.get(ref))

    async def announce(self, video: Video) -> bool:
        """Tell everybody who listens, then note it in the record; telling twice is harmless, for the ids are the same.

        Args:
            video: As it was read.

        Returns:
            Whether there is nothing left to tell.
        """
        events = pending_events(video)
        hooks = [hook for event in events if (hook := event.webhook())]
        if not events or not (self.event_grid or await self.webhooks.are_wanted(video.tenant, hooks)):
            return True
        deliveries = await self.webhooks.queue(video.tenant, hooks)
        is_published, _ = await asyncio.gather(self._publish(events), self.webhooks.attempt(deliveries))
        if is_published:
            sequence = events[-1].sequence
            await self.videos.amend(video.ref, lambda kept: kept.announced_up_to(sequence))
        return is_published

    async def _announce_unless_told(self, ref: VideoRef) -> None:
        await asyncio.sleep(self.patience_s)
        seen = self.videos.last_seen(ref)
        if seen and seen.announced:
            return
        try:
            await self.announce(await self.videos.get(ref))
        except Exception:  # noqa: BLE001 - the record knows what is left to tell
            _log.exception("%s: that it waits is left for the sweeper to announce", ref.video_id)

    async def _publish(self, events: Sequence[VideoEvent]) -> bool:
        return not self.event_grid or await self.event_grid.publish([self._cloud_event(event) for event in events])

    def _cloud_event(self, event: VideoEvent) -> CloudEvent[Any]:
        stored = (event.video.contents or {}).get(Variant.VIDEO)
        return CloudEvent(
            id=event.id,
            type=event.type,
            source=SOURCE,
            subject=f"tenants/{event.video.tenant}/videos/{event.video.video_id}",
            time=event.at,
            data=event.data(self.contents.url(stored.blob) if stored else None),
        )
