"""A pool and everybody who talks to it: videos that ask, wait as long as they are told, and come when called."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from domain.capacity import Fleet, Lease, Pool
from domain.catalog import Deployment
from domain.condition import Condition
from domain.failures import Failure
from domain.slot import RENDERED, TOOK, Demand, Outcome, Verdict
from domain.video import VideoRef
from domain.video_id import new_video_id
from domain.waiting_line import Fallback
from domain.workflow import StepResult
from tests.unit.examples import NOW, a_deployment

DAY = timedelta(days=1)
COOLDOWN_S = 10.0


def a_demand(**changes: Any) -> Demand:
    return Demand.model_validate({"model": "sora-2", "size": "1280x720", "seconds": 4} | changes)


def a_refusal(outcome: Outcome, **changes: Any) -> Verdict:
    """What a job shows that was not taken."""
    return Verdict.model_validate({"outcome": outcome, "error": f"It is {outcome}."} | changes)


@dataclass
class PoolWorld:
    """All of it.

    Attributes:
        called: Who was woken, or has something else to ask at once.
        timers: When each video that waits asks again by itself.
        slots: Which deployment each video knows that it may use.
        probing: Those of them whose jobs are probes.
        elsewhere: Who was sent to another model.
        failures: Who was told to give up.
        asked: How often each has asked since time last went by.
        lag_s: How far behind the clocks of those who ask are.
    """

    deployments: Sequence[Deployment] = field(default_factory=lambda: [a_deployment()])
    max_queued: timedelta = DAY
    now: datetime = NOW
    pool: Pool = field(default_factory=Pool)
    demands: dict[VideoRef, Demand] = field(default_factory=dict)
    fallbacks: dict[VideoRef, Fallback] = field(default_factory=dict)
    called: set[VideoRef] = field(default_factory=set)
    timers: dict[VideoRef, datetime] = field(default_factory=dict)
    slots: dict[VideoRef, str] = field(default_factory=dict)
    probing: set[VideoRef] = field(default_factory=set)
    elsewhere: dict[VideoRef, str] = field(default_factory=dict)
    failures: dict[VideoRef, Failure] = field(default_factory=dict)
    asked: Counter[VideoRef] = field(default_factory=Counter)
    lag_s: float = 0.0

    @property
    def fleet(self) -> Fleet:
        return Fleet(self.deployments, self.max_queued)

    @property
    def told_now(self) -> datetime:
        return self.now - timedelta(seconds=self.lag_s)

    def new(
        self, tenant: str = "ann", *, fallback: str | None = None, starts_again: bool = False, **demand: Any
    ) -> VideoRef:
        """Ask for a slot for a new video."""
        number = len(self.demands)
        video = VideoRef(tenant=tenant, video_id=new_video_id(self.now, number.to_bytes(10)))
        self.demands[video] = a_demand(**demand)
        if fallback:
            self.fallbacks[video] = Fallback(model=fallback, starts_again=starts_again)
        self.ask(video)
        return video

    def many(self, count: int, tenant: str = "ann", **demand: Any) -> list[VideoRef]:
        return [self.new(tenant, **demand) for _ in range(count)]

    def ask(self, video: VideoRef) -> StepResult:
        """Ask for a slot, and do as told."""
        self.asked[video] += 1
        self.called.discard(video)
        self.timers.pop(video, None)
        fallback = self.fallbacks.get(video)
        result = self.pool.acquire(video, self.demands[video], self.fleet, self.told_now, fallback=fallback)
        self._wake(result.wake)
        if result.deployment:
            self.slots[video] = result.deployment
            if result.probing:
                self.probing.add(video)
        elif result.failure:
            self.failures[video] = result.failure
        elif result.pool:
            self.elsewhere[video] = result.pool
        else:
            assert result.delay_s > 0, "a loop without a pause"
            self.timers[video] = self.told_now + timedelta(seconds=result.delay_s)
        return result

    def answer_calls(self) -> None:
        """Whoever was called asks again, the oldest first."""
        while self.called:
            self.ask(min(self.called, key=lambda video: video.video_id))

    def report(self, video: VideoRef, verdict: Verdict = TOOK) -> None:
        """Tell what a job has shown whose slot is kept."""
        self._wake(self.pool.report(video, verdict, self.fleet, self.told_now))
        if verdict is TOOK:
            self.probing.discard(video)

    def end(self, *videos: VideoRef, verdict: Verdict | None = RENDERED) -> None:
        """Give slots back; it was the job that ended, unless told otherwise."""
        for video in videos:
            self.slots.pop(video, None)
            self.timers.pop(video, None)
            self.called.discard(video)
            self.probing.discard(video)
            self._wake(self.pool.release(video, self.fleet, self.told_now, verdict=verdict))

    def refuse(self, video: VideoRef, outcome: Outcome, **changes: Any) -> None:
        """Give a slot back whose job was not taken, and have another one to ask for."""
        self.end(video, verdict=a_refusal(outcome, **changes))
        self.demands[video] = self.demands[video].model_copy(update={"running_on": None})
        self.called.add(video)

    def lose(self, video: VideoRef) -> Lease:
        """Let a slot's owner die without a word; the lease is as the lease keeper sees it."""
        self.slots.pop(video)
        self.probing.discard(video)
        return self.pool.leases[video.video_id]

    def reclaim(self, *leases: Lease) -> None:
        """Take slots back; who has got one by it, or should ring, is told as the lease keeper tells."""
        self.pool.reclaim(leases, self.fleet, self.told_now)
        told = [lease.video for lease in self.pool.leases.values() if lease.video in self.timers]
        ringer = [self.pool.ringer.video] if self.pool.ringer else []
        self._wake([video.video_id for video in (*told, *ringer)])

    def pass_time(self, seconds: float) -> None:
        """Let time go by; those whose timers have run off have something to ask."""
        self.now += timedelta(seconds=seconds)
        self.asked.clear()
        self.called.update(video for video, at in self.timers.items() if at <= self.told_now)

    def pass_time_until(self, at: datetime) -> None:
        self.pass_time(max((at - self.told_now).total_seconds(), 0.0))

    def condition(self, deployment: Deployment) -> Condition:
        return self.pool.conditions.get(deployment.name, Condition())

    def running(self) -> Counter[str]:
        """How many leases each deployment has, known to their videos or not."""
        return Counter(lease.deployment for lease in self.pool.leases.values())

    def _wake(self, video_ids: Sequence[str]) -> None:
        self.called.update(video for video in self.demands if video.video_id in video_ids)
        self._keep()

    def _keep(self) -> None:
        """The state goes through JSON between any two operations, and must come back as it was."""
        kept = Pool.model_validate(json.loads(json.dumps(self.pool.model_dump(mode="json", exclude_defaults=True))))
        assert kept == self.pool
        self.pool = kept


def a_world(*deployments: dict[str, Any], **fields: Any) -> PoolWorld:
    """A fleet with one slot each, unless told otherwise; the names are a, b, c, …"""
    usual = {"max_concurrent": 1, "cooldown_s": COOLDOWN_S}
    named = zip("abcd", deployments or ({},), strict=False)
    return PoolWorld([a_deployment(name=name, **usual | changes) for name, changes in named], **fields)


def a_broken_world(*deployments: dict[str, Any]) -> PoolWorld:
    """One in which every circuit has just opened."""
    world = a_world(*deployments)
    for deployment in world.deployments:
        video = world.new(pinned_to=deployment.name)
        world.refuse(video, Outcome.REFUSED)
        world.end(video)
    return world
