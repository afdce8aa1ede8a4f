"""Removes what is older than retention allows: oldest first, in slices, and safe to be killed at any moment.

A run ends when nothing is left or its time is over; the next one goes on. Each tenant's videos are gone through in the
order of their creation, once for each kind of thing, from where nothing was left to do the last time:

    record     the video with all it has; what it cost is kept, and settled before
    content    the files of the video; the record then says when they were removed
    request    what the video was asked with

A file goes when it expires, or when it is older than what videos are asked with may become; those of a batch wait for
its end.
"""

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from activities.late_renders import LateRenders
from clients.batch_table import BatchTable
from clients.files import Files
from clients.purge_progress import PurgeProgress
from clients.video_table import Aged, VideoTable
from domain.errors import NotFound
from domain.retention import Retention, RetentionRules
from event_sources.removal import Removal

_log = logging.getLogger(__name__)

SLICE = 50
"""So many are read at once, and worked on at the same time."""


class Kind(StrEnum):
    """What is removed of videos, in this order: a record takes the rest along."""

    RECORD = "record"
    CONTENT = "content"
    REQUEST = "request"


@dataclass(frozen=True)
class Purge:
    """Goes through all tenants, a slice of each in turn.

    Attributes:
        retention: What is kept how long.
        videos: The records.
        files: What tenants uploaded.
        batches: Whose files stay until they have ended.
        progress: Where to go on.
        removal: Takes the parts of videos away.
        late_renders: Settles what was rendered after its video had failed.
        limit_s: When a run ends, finished or not, in seconds.
    """

    retention: RetentionRules
    videos: VideoTable
    files: Files
    batches: BatchTable
    progress: PurgeProgress
    removal: Removal
    late_renders: LateRenders
    limit_s: float
    _turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))

    async def run(self, now: datetime) -> bool:
        """Purge until all is done or the time is over; what cannot be removed now does not stop the rest.

        Returns:
            Whether there was time for all.
        """
        try:
            async with asyncio.timeout(self.limit_s), asyncio.TaskGroup() as tasks:
                in_use = await self._in_use()
                async for tenant in self.videos.tenants():
                    tasks.create_task(self._purge_tenant(tenant, in_use, now))
        except TimeoutError:
            _log.warning("the purge is not done after %g s and goes on the next time", self.limit_s)
            return False
        return True

    async def _in_use(self) -> frozenset[str]:
        """The files of batches that have not ended."""
        found = set[str]()
        async for ref, _ in self.batches.open():
            with suppress(NotFound):
                batch = await self.batches.get(ref)
                if not batch.has_ended:
                    found |= {batch.input_file_id, batch.output_file_id, batch.error_file_id}
        return frozenset(found)

    async def _purge_tenant(self, tenant: str, in_use: frozenset[str], now: datetime) -> None:
        keep = self.retention.of(tenant)
        try:
            await self._purge_files(tenant, keep.request, in_use, now)
            for kind, age in _ages(keep).items():
                if age is not None:
                    await self._purge_videos(tenant, kind, now - age, now)
        except Exception:  # noqa: BLE001 - whatever is wrong with one tenant, the others' time has come, too
            _log.exception("what is old of %s could not be purged", tenant)

    async def _purge_files(self, tenant: str, age: timedelta | None, in_use: frozenset[str], now: datetime) -> None:
        made_before, old = (now - age if age else None), [""]
        while old:
            async with self._turn:
                old = await self.files.records.outdated(
                    tenant, after=old[-1], now=now, made_before=made_before, limit=SLICE
                )
                due = [file_id for file_id in old if file_id not in in_use]
                await asyncio.gather(*(_succeeds(file_id, self.files.remove(tenant, file_id)) for file_id in due))

    async def _purge_videos(self, tenant: str, kind: Kind, ended_before: datetime, now: datetime) -> None:
        """Go through a tenant's videos, and note up to where there is none left to look at again."""
        after, all_done = await self.progress.of(tenant, kind), True
        while True:
            async with self._turn:
                places = await self.videos.oldest(tenant, after=after, made_before=ended_before, limit=SLICE)
                if not places:
                    return
                done = await asyncio.gather(*(self._purge_video(place, kind, ended_before, now) for place in places))
                first_left = done.index(False) if False in done else len(done)
                if all_done and first_left:
                    await self.progress.note(tenant, kind, places[first_left - 1].ref.video_id)
                all_done = all_done and first_left == len(done)
            after = places[-1].ref.video_id

    async def _purge_video(self, place: Aged, kind: Kind, ended_before: datetime, now: datetime) -> bool:
        """Remove what is due of one video.

        Returns:
            Whether nothing of that kind will be left to remove; deleted ones are the sweeper's.
        """
        video = place.video
        if video and (video.deleted_at or video.ended_at is None or video.ended_at > ended_before):
            return False
        return await _succeeds(place.ref.video_id, self._remove(place, kind, now))

    async def _remove(self, place: Aged, kind: Kind, now: datetime) -> bool:
        """Remove it, unless something has to be settled before; whether that is done."""
        match kind, place.video:
            case Kind.RECORD, None:  # the rest of a removal that broke off, or of a record that was never written
                await self.videos.remove(place.ref)
            case _, None:
                pass
            case Kind.RECORD, video:
                if not await self.late_renders.settle(video, now):
                    return False
                await self.removal.remove(video)
            case Kind.CONTENT, video if video.contents and not video.content_removed_at:
                await self.removal.remove_content(video)
                await self.videos.amend(place.ref, lambda kept: kept.content_removed(now))
            case Kind.REQUEST, video:
                await self.removal.remove_request(video)
            case _:
                pass
        return True


def _ages(keep: Retention) -> Mapping[Kind, timedelta | None]:
    return {Kind.RECORD: keep.record, Kind.CONTENT: keep.content, Kind.REQUEST: keep.request}


async def _succeeds(what: str, removal: Awaitable[bool | None]) -> bool:
    try:
        return await removal is not False
    except Exception:  # noqa: BLE001 - whatever is wrong with one, the others are due, too
        _log.exception("%s could not be purged and is left for the next time", what)
        return False
