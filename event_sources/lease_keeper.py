"""Compares the slots that videos hold with the videos' records, so that no slot is lost for longer than a minute.

Every pool is read, and for each lease the record of its video:

    its video has ended, is gone, or renders elsewhere     the slot is taken back and handed on
    its video still waits for it                           its orchestration was not told, and is woken
    else                                                   all is well
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from clients.capacity_pools import CapacityPools
from clients.orchestrations import Orchestrations
from clients.video_table import VideoTable
from domain.capacity import Fleet, Lease
from domain.catalog import Catalog
from domain.errors import NotFound
from domain.video import Video, VideoState

_log = logging.getLogger(__name__)

GRACE = timedelta(seconds=10)
"""A slot that was just given, or whose video has just ended, is being seen to by its orchestration."""


@dataclass(frozen=True)
class LeaseKeeper:
    """Looks after the capacity pools; at any moment, any number of times.

    Attributes:
        catalog: Which pools there are.
        videos: The records.
        pools: The pools.
        orchestrations: Whom to wake.
        max_queued: How long a video may wait for a slot.
    """

    catalog: Catalog
    videos: VideoTable
    pools: CapacityPools
    orchestrations: Orchestrations
    max_queued: timedelta

    async def reconcile(self, now: datetime) -> None:
        """Look after every pool; one that cannot be helped now does not stop the others."""
        for model in self.catalog.models:
            try:
                await self._reconcile(model, now)
            except Exception:  # noqa: BLE001 - whatever is wrong with one pool, the others need looking after
                _log.exception("the capacity pool of %s could not be looked after", model)

    async def _reconcile(self, model: str, now: datetime) -> None:
        pool = await self.pools.state(model)
        leases = [lease for lease in pool.leases.values() if now - lease.granted_at > GRACE]
        records = [(lease, await self._record(lease)) for lease in leases]
        lost = [lease.video for lease, video in records if _is_lost(lease, video, now)]
        waiting = [video.video_id for _, video in records if video and video.state is VideoState.QUEUED]
        if lost:
            _log.warning("%s: %d slots are taken back from videos that are over", model, len(lost))
            await self.pools.reclaim(model, lost, now)
            # The pool hands them on by itself, but cannot wake anybody; what it will do is a function of its state.
            waiting += pool.release(lost, Fleet.of(self.catalog, model, self.max_queued), now)
        for video_id in waiting:
            await self.orchestrations.wake(video_id)

    async def _record(self, lease: Lease) -> Video | None:
        try:
            return await self.videos.get(lease.video)
        except NotFound:
            return None


def _is_lost(lease: Lease, video: Video | None, now: datetime) -> bool:
    if video is None:
        return True
    if video.state in {VideoState.SUBMITTING, VideoState.IN_PROGRESS}:
        return video.deployment != lease.deployment
    over_since = video.rendered_at or video.ended_at
    return over_since is not None and now - over_since > GRACE
