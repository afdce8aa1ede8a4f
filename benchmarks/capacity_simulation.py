"""Five hundred videos over four deployments, in a world of events: the pool is the real one, all else is modelled.

Every message takes its time, so calls overtake each other; ends are noticed late; one deployment bears less than it is
configured for, and one takes no jobs for a while.
"""

import heapq
import itertools
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Final

from pydantic import HttpUrl

from benchmarks.capacity_run import MINUTE_S, CapacityRun, Job, Limits, Outage
from domain.auth import NoAuth
from domain.capacity import Fleet, Pool
from domain.catalog import Deployment
from domain.slot import RENDERED, TOOK, Demand, Outcome, Verdict
from domain.video import VideoRef
from domain.video_id import new_video_id

LIMITS: Final = {"west": Limits(2, 2), "north": Limits(2, 2), "south": Limits(3, 4), "east": Limits(5, 6)}
CONFIGURED: Final = {"west": 2, "north": 2, "south": 3, "east": 6}
"""East is believed to bear one job more than it does."""
BACKLOG, OTHERS, OTHERS_AT_S, LONE_AT_S = 400, 99, 600.0, 1500.0
OUTAGE: Final = Outage("south", begun_at=1000.0, ended_at=1400.0)
RENDER_S: Final = (60.0, 180.0)
RENDER_MEDIAN_S, RENDER_SPREAD = 105.0, 0.3
MESSAGE_S: Final = (0.05, 0.3)
POLL_LAG_S: Final = (0.0, 2.0)
DEMAND: Final = Demand(model="sora-2", size="1280x720", seconds=4)
EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Upstream:
    """A deployment's own mind."""

    limits: Limits
    jobs: list[Job] = field(default_factory=list[Job])
    taken: deque[float] = field(default_factory=deque[float])
    most_running: int = 0

    def refusal(self, now: float) -> Verdict | None:
        """Why it takes no job now, if so."""
        while self.taken and self.taken[0] <= now - MINUTE_S:
            self.taken.popleft()
        if len(self.taken) >= self.limits.per_minute:
            return Verdict(outcome=Outcome.TOO_FAST, error="429", retry_after_s=self.taken[0] + MINUTE_S - now)
        self.taken.append(now)
        running = [job.ended_at for job in self.jobs if job.ended_at > now]
        if len(running) >= self.limits.cap:
            return Verdict(outcome=Outcome.FULL, error="Too many running tasks", retry_after_s=min(running) - now)
        self.most_running = max(self.most_running, len(running) + 1)
        return None


@dataclass
class Video:
    """Where a video's workflow is.

    Attributes:
        waits: The number of its present wait; 0 if it is not waiting.
        has_news: Whether it was called while it was not.
    """

    ref: VideoRef
    waits: int = 0
    has_news: bool = False


class Simulation:
    """One run.

    Args:
        seed: Of all that is left to chance.
    """

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - no secret
        self.now = 0.0
        self.pool = Pool()
        self.fleet = Fleet([_deployment(name, cap) for name, cap in CONFIGURED.items()], timedelta(days=1))
        self.upstreams = {name: Upstream(limits) for name, limits in LIMITS.items()}
        self.videos = dict[str, Video]()
        self.counts = Counter[str]()
        self.lone: Video | None = None
        self.lone_wait_s = 0.0
        self._events = list[tuple[float, int, Callable[[], None]]]()
        self._numbers = itertools.count(1)

    def run(self) -> CapacityRun:
        """Let everything happen."""
        for _ in range(BACKLOG):
            self._at(0.0, lambda: self._ask(self._new("ann")))
        for _ in range(OTHERS):
            self._at(OTHERS_AT_S, lambda: self._ask(self._new("cid")))
        self._at(LONE_AT_S, self._begin_alone)
        while self._events:
            self.now, _, happen = heapq.heappop(self._events)
            happen()
        return CapacityRun(
            limits=LIMITS,
            jobs=[job for upstream in self.upstreams.values() for job in upstream.jobs],
            begun_at=0.0,
            most_running={name: upstream.most_running for name, upstream in self.upstreams.items()},
            creates=self.counts["creates"],
            refused=self.counts["refused"],
            lone_wait_s=self.lone_wait_s,
            outage=OUTAGE,
        )

    def _new(self, tenant: str) -> Video:
        created_at = EPOCH + timedelta(seconds=self.now)
        ref = VideoRef(tenant=tenant, video_id=new_video_id(created_at, len(self.videos).to_bytes(10)))
        self.videos[ref.video_id] = Video(ref)
        return self.videos[ref.video_id]

    def _begin_alone(self) -> None:
        self.lone = self._new("bob")
        self._ask(self.lone)

    def _ask(self, video: Video) -> None:
        """Call the pool; the call carries the time at which it was made."""
        called_at = self._pool_time()
        video.waits, video.has_news = 0, False
        self._soon(lambda: self._answer(video, called_at))

    def _answer(self, video: Video, called_at: datetime) -> None:
        result = self.pool.acquire(video.ref, DEMAND, self.fleet, called_at)
        self.counts["asked"] += 1

        def hear() -> None:
            self._wake(result.wake)
            if result.deployment:
                self._soon(lambda: self._submit(video, result.deployment or "", probing=result.probing))
            else:
                self._wait(video, result.delay_s)

        self._soon(hear)

    def _wait(self, video: Video, delay_s: float) -> None:
        if video.has_news:
            self._ask(video)
            return
        video.waits = number = next(self._numbers)
        self._at(self.now + delay_s, lambda: self._ask(video) if video.waits == number else None)

    def _wake(self, video_ids: Sequence[str]) -> None:
        for video_id in video_ids:
            self._soon(lambda video=self.videos[video_id]: self._call(video))

    def _call(self, video: Video) -> None:
        if video.waits:
            self._ask(video)
        else:
            video.has_news = True

    def _submit(self, video: Video, deployment: str, *, probing: bool) -> None:
        upstream = self.upstreams[deployment]
        self.counts["creates"] += 1
        fails = OUTAGE.deployment == deployment and OUTAGE.begun_at <= self.now < OUTAGE.ended_at
        refusal = Verdict(outcome=Outcome.FAILED, error="503") if fails else upstream.refusal(self.now)
        if refusal:
            self.counts["refused"] += refusal.outcome is not Outcome.FAILED
            self._soon(lambda: self._release(video, self._pool_time(), refusal))
            return
        if video is self.lone:
            self.lone_wait_s = self.now - LONE_AT_S
        low, high = RENDER_S
        render_s = min(max(self.random.lognormvariate(0, RENDER_SPREAD) * RENDER_MEDIAN_S, low), high)
        upstream.jobs.append(Job(deployment, self.now, self.now + render_s))
        if probing:
            self._soon(lambda: self._confirm(video, self._pool_time()))
        seen_at = self.now + render_s + self.random.uniform(*POLL_LAG_S)
        called_at = EPOCH + timedelta(seconds=seen_at)
        self._at(seen_at, lambda: self._soon(lambda: self._release(video, called_at, RENDERED)))

    def _confirm(self, video: Video, called_at: datetime) -> None:
        woken = self.pool.report(video.ref, TOOK, self.fleet, called_at)
        self._soon(lambda: self._wake(woken))

    def _release(self, video: Video, called_at: datetime, verdict: Verdict) -> None:
        woken = self.pool.release(video.ref, self.fleet, called_at, verdict=verdict)

        def hear() -> None:
            self._wake(woken)
            if verdict is not RENDERED:
                self._ask(video)

        self._soon(hear)

    def _pool_time(self) -> datetime:
        return EPOCH + timedelta(seconds=self.now)

    def _soon(self, happen: Callable[[], None]) -> None:
        self._at(self.now + self.random.uniform(*MESSAGE_S), happen)

    def _at(self, time: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._events, (time, next(self._numbers), happen))


def _deployment(name: str, cap: int) -> Deployment:
    return Deployment(
        name=name,
        endpoint=HttpUrl(f"https://{name}.example/openai/v1/"),
        upstream_model="sora-2",
        auth=NoAuth(kind="none"),
        max_concurrent=cap,
        requests_per_minute=LIMITS[name].per_minute,
        usd_per_second={"*": Decimal(0)},
        sizes=("1280x720",),
        expected_render_s=RENDER_MEDIAN_S,
    )
