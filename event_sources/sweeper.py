"""Repairs what was left half done, and tidies up what has ended. Safe to run at any moment, any number of times.

Every video has an alarm; it rings for the sweeper, which then does what the record asks for:

    not ended             its orchestration runs, or is started (over)    look again later
    ended                 nothing, until its history has been kept long enough
    ended and refused     its content is removed, here and at its deployment
    ended and old         a late cost is settled, its history purged     never look again
    no record             nothing, until it is sure that none will come
    ended and deleted     its content, history and record are removed     never look again

What happened to a video and was not yet announced is announced, and an ended video waits for that; but the files of a
deleted one do not.
"""

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from activities.announce import Announcer
from activities.late_renders import LateRenders
from activities.leftovers import Leftovers
from clients.orchestrations import Orchestrations
from clients.telemetry.logs import bound
from clients.video_table import VideoTable
from domain.errors import NotFound
from domain.video import Video, VideoRef
from domain.video_id import created_at
from domain.workflow import News
from event_sources.removal import Removal

_log = logging.getLogger(__name__)

RECORD_IS_LATE = timedelta(days=1)
"""A record that is not there by then was never written."""


@dataclass(frozen=True)
class Sweeper:
    """Looks after the videos whose alarm has rung.

    Attributes:
        videos: The records.
        orchestrations: The durable client.
        removal: Takes away what was deleted.
        announcer: Tells what happened to a video.
        leftovers: Removes what was refused.
        late_renders: Settles what was rendered after its video had failed.
        look_again_after: How soon a video that has not ended is looked at again.
        history_retention: How long an ended video's orchestration history is kept.
        limit_s: When a run ends, finished or not, in seconds.
    """

    videos: VideoTable
    orchestrations: Orchestrations
    removal: Removal
    announcer: Announcer
    leftovers: Leftovers
    late_renders: LateRenders
    look_again_after: timedelta
    history_retention: timedelta
    limit_s: float

    async def sweep(self, now: datetime) -> int:
        """Look after every video whose alarm has rung; one that cannot be helped now does not stop the others.

        Returns:
            How many there was time for.
        """
        count = 0
        try:
            async with asyncio.timeout(self.limit_s):
                async for ref in self.videos.due(now):
                    await self._help(ref, now)
                    count += 1
        except TimeoutError:
            _log.warning("the sweep is not done after %g s and goes on the next time", self.limit_s)
        return count

    async def _help(self, ref: VideoRef, now: datetime) -> None:
        with bound(video=ref.video_id, tenant=ref.tenant):
            try:
                await self._look_after(ref, now)
            except Exception:  # noqa: BLE001 - whatever is wrong with one video, the others need looking after
                _log.exception("%s could not be looked after; its alarm goes on ringing", ref.video_id)

    async def _look_after(self, ref: VideoRef, now: datetime) -> None:
        try:
            video = await self.videos.get(ref)
        except NotFound:
            await self._forget_when_old(ref, now)
            return
        if not video.has_ended:
            await self.orchestrations.ensure_running(video)
            if video.cancel_requested_at:
                await self.orchestrations.wake(ref, News(cancelled=True))
            await self.announcer.announce(video)
            await self.videos.set_alarm(ref, now + self.look_again_after)
        elif video.deleted_at:
            await self._remove(video, now)
        elif await self._is_done_with(video, now):
            await self._purge_when_old(video, now)
        else:
            await self.videos.set_alarm(ref, now + self.look_again_after)

    async def _is_done_with(self, video: Video, now: datetime) -> bool:
        """Whether all is told of it, and nothing refused is left; neither waits for the other."""
        is_told = await self.announcer.announce(video)
        return await self.leftovers.are_gone(video, now) and is_told

    async def _remove(self, video: Video, now: datetime) -> None:
        """Its files wait for nobody; its record waits until nothing is left to do."""
        await self.removal.remove_files(video)
        if await self._is_done_with(video, now) and await self.late_renders.settle(video, now):
            await self.removal.remove_record(video)
        else:
            await self.videos.set_alarm(video.ref, now + self.look_again_after)

    async def _forget_when_old(self, ref: VideoRef, now: datetime) -> None:
        """The alarm is set before the record, which may still be on its way."""
        if now - created_at(ref.video_id) > RECORD_IS_LATE:
            await self.videos.remove(ref)
        else:
            await self.videos.set_alarm(ref, now + self.look_again_after)

    async def _purge_when_old(self, video: Video, now: datetime) -> None:
        purge_at = (video.ended_at or now) + self.history_retention
        if now < purge_at:
            await self.videos.set_alarm(video.ref, purge_at)
            return
        if not await self.late_renders.settle(video, now):
            await self.videos.set_alarm(video.ref, now + self.look_again_after)
            return
        await self.orchestrations.purge(video.ref)
        await self.videos.clear_alarm(video.ref)
        if (await self.videos.get(video.ref)).deleted_at:  # deleted meanwhile: its alarm was not the one to clear
            await self.videos.set_alarm(video.ref, now)
