"""The videos that wait for a slot: fair across tenants, the oldest first within one, and never more than so many.

Tenants take turns by start-time fair queueing: every slot moves its tenant back by 1 / weight, and the tenant that is
furthest ahead is next. Who joins, or is served when nobody could for long, starts level with who was served last, so
nobody saves turns up; who leaves stays as far back as he was, so nobody gains by it.
"""

from bisect import insort
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict

from domain.slot import Demand
from domain.video import VideoRef

PLACES: Final = 256
"""Together; beyond, the youngest of a tenant with the longest line has to come back later."""


class Fallback(BaseModel):
    """Another model that may render it.

    Attributes:
        starts_again: Whether the chain of fallbacks begins anew with it.
    """

    model_config = ConfigDict(frozen=True)
    model: str
    starts_again: bool = False


class Waiting(BaseModel):
    """One video in the line.

    Attributes:
        since: When it joined.
        fallback: The model to turn to when nobody here can take it; None if there is none, or it may not.
    """

    model_config = ConfigDict(frozen=True)
    video: VideoRef
    demand: Demand
    since: datetime
    fallback: Fallback | None = None

    def is_of(self, video: VideoRef) -> bool:
        """Whether it is this one's; ids are unique, and compared far sooner than models are."""
        return self.video.video_id == video.video_id


class _Queue(BaseModel):
    """One tenant's part of the line, the oldest first.

    Attributes:
        turn: How much it was served, by weight; the lowest is next.
    """

    turn: float
    videos: list[Waiting] = []


class WaitingLine(BaseModel):
    """All tenants' parts.

    Attributes:
        turn: That of the tenant served last.
        queues: By tenant; an empty one is kept for as long as its tenant is behind.
    """

    turn: float = 0.0
    queues: dict[str, _Queue] = {}

    def __len__(self) -> int:
        return sum(len(queue.videos) for queue in self.queues.values())

    def __contains__(self, video: VideoRef) -> bool:
        return self.place_of(video) is not None

    def place_of(self, video: VideoRef) -> Waiting | None:
        """Where it waits, if it does."""
        queue = self.queues.get(video.tenant)
        return next((waiting for waiting in queue.videos if waiting.is_of(video)), None) if queue else None

    def in_turn(self) -> Iterator[Waiting]:
        """Who is served first if he can be, then who is next."""
        for queue in sorted(self.queues.values(), key=lambda queue: queue.turn):
            yield from queue.videos

    def join(self, waiting: Waiting) -> None:
        """Take a place, or keep it; `shorten` may take it away."""
        if waiting.video in self:
            return
        queue = self.queues.setdefault(waiting.video.tenant, _Queue(turn=self.turn))
        insort(queue.videos, waiting, key=lambda waiting: waiting.video.video_id)  # ids sort by creation

    def shorten(self) -> None:
        """Keep no more than there are places."""
        while len(self) > PLACES:
            longest = max(len(queue.videos) for queue in self.queues.values())
            youngest = (queue.videos[-1].video for queue in self.queues.values() if len(queue.videos) == longest)
            self.leave(max(youngest, key=lambda video: video.video_id))

    def leave(self, video: VideoRef) -> None:
        """Give the place up; harmless without one."""
        if queue := self.queues.get(video.tenant):
            queue.videos = [waiting for waiting in queue.videos if not waiting.is_of(video)]
        self.queues = {tenant: queue for tenant, queue in self.queues.items() if queue.videos or queue.turn > self.turn}

    def serve(self, waiting: Waiting) -> None:
        """Give one its slot: it leaves, and its tenant moves back."""
        queue = self.queues[waiting.video.tenant]
        self.turn = max(self.turn, queue.turn)
        queue.turn = self.turn + 1 / waiting.demand.weight
        self.leave(waiting.video)
