"""Compares the slots that videos hold with the videos' records, so that no slot is lost for longer than a minute.

Every pool is read, and for each lease the record of its video:

    its video has ended, is gone, or renders elsewhere     the slot is taken back and handed on
    its video still waits for it                           it is told again, and started if it is not alive
    else                                                   all is well
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from grpc.aio import AioRpcError

from clients.capacity_pools import CapacityPools
from clients.orchestrations import Orchestrations
from clients.telemetry.logs import bound
from clients.telemetry.metrics import COOLDOWN, QUEUE_AGE
from clients.video_table import VideoTable
from domain.capacity import Lease, Pool
from domain.catalog import Catalog
from domain.condition import Condition
from domain.errors import NotFound
from domain.video import Video, VideoRef, VideoState
from domain.video_id import created_at
from domain.workflow import News

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
    """

    catalog: Catalog
    videos: VideoTable
    pools: CapacityPools
    orchestrations: Orchestrations

    async def reconcile(self, now: datetime) -> None:
        """Look after every pool; one that cannot be helped now does not stop the others."""
        for model in self.catalog.models:
            try:
                await self._reconcile(model, now)
            except Exception:  # noqa: BLE001 - whatever is wrong with one pool, the others need looking after
                _log.exception("the capacity pool of %s could not be looked after", model)

    async def _reconcile(self, model: str, now: datetime) -> None:
        pool, lost = await self.pools.state(model), list[Lease]()
        self._measure(pool, model, now)
        for lease in pool.leases.values():
            if now - lease.granted_at > GRACE and await self._is_lost(lease, model, now):
                lost.append(lease)
        if lost:
            _log.warning("%s: %d slots are taken back from videos that are over", model, len(lost))
            await self.pools.reclaim(model, lost, now)
        if pool.ringer and now - pool.ringer.at > GRACE:
            await self._tell(pool.ringer.video, model)

    def _measure(self, pool: Pool, model: str, now: datetime) -> None:
        oldest = min((created_at(waiting.video.video_id) for waiting in pool.line.in_turn()), default=now)
        QUEUE_AGE.set((now - oldest).total_seconds(), model=model)
        for deployment in self.catalog.models[model].deployments:
            condition = pool.conditions.get(deployment.name, Condition())
            COOLDOWN.set(float(condition.rests(now)), model=model, deployment=deployment.name)

    async def _is_lost(self, lease: Lease, model: str, now: datetime) -> bool:
        """Whether nobody will give a slot back; a video that does not know of its slot is told."""
        video = await self._record(lease.video)
        if video is None:
            return True
        if video.state is VideoState.QUEUED:
            await self._tell(video.ref, model, start=video)
            return False
        if video.state in {VideoState.SUBMITTING, VideoState.IN_PROGRESS}:
            return video.deployment != lease.deployment
        over_since = video.rendered_at or video.ended_at
        return over_since is not None and now - over_since > GRACE

    async def _tell(self, ref: VideoRef, model: str, *, start: Video | None = None) -> None:
        with bound(video=ref.video_id, tenant=ref.tenant):
            try:
                if start:
                    await self.orchestrations.ensure_running(start)
                await self.orchestrations.wake(ref, News(pool=model))
            except (AioRpcError, TimeoutError) as error:
                _log.warning("%s could not be told of its slot, and will be: %r", ref.video_id, error)

    async def _record(self, ref: VideoRef) -> Video | None:
        try:
            return await self.videos.get(ref)
        except NotFound:
            return None
