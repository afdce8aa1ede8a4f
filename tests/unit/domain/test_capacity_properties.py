"""What holds of a capacity pool whatever happens to it, and in whatever order."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain import waiting_line
from domain.capacity import GUARD_S, LONGEST_ABSENCE_S
from domain.catalog import Deployment
from domain.failures import FailureCode
from domain.slot import RENDERED, TOOK, UNANSWERED, Outcome, Verdict
from domain.video import VideoRef
from tests.unit.domain.pool_world import PoolWorld
from tests.unit.examples import a_deployment

PLACES = 5
SIZES = "720x1280", "1280x720"
TENANTS = {"ann": 1.0, "bob": 1.0, "cid": 2.5}
REFUSALS = Outcome.FULL, Outcome.TOO_FAST, Outcome.REFUSED, Outcome.FAILED
LAG_S = 1.0
"""How far apart the clocks of those who ask may be."""

deployments = st.fixed_dictionaries(
    {
        "sizes": st.sampled_from([SIZES, SIZES[:1], SIZES[1:]]),
        "max_concurrent": st.integers(1, 4),
        "requests_per_minute": st.none() | st.integers(1, 5),
        "priority": st.integers(1, 2),
        "weight": st.integers(1, 3),
        "cooldown_s": st.sampled_from([0.5, 10, 45]),
    }
)


class PoolMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(waiting_line, "PLACES", PLACES)
        self.starts = defaultdict[str, list[datetime]](list)
        self.seen = set[VideoRef]()
        self.resumed = set[VideoRef]()

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.drain()
        self.patch.undo()

    @initialize(fleet=st.lists(deployments, min_size=1, max_size=4))
    def open(self, fleet: list[dict[str, Any]]) -> None:
        self.world = PoolWorld([a_deployment(name=f"d{number}", **fields) for number, fields in enumerate(fleet)])

    @rule(tenant=st.sampled_from(sorted(TENANTS)), size=st.sampled_from(SIZES), fallback=st.sampled_from([None, "pro"]))
    def arrive(self, tenant: str, size: str, fallback: str | None) -> None:
        self.world.new(tenant, size=size, weight=TENANTS[tenant], fallback=fallback)
        self.look_at_new_leases()

    @rule(tenant=st.sampled_from(sorted(TENANTS)), data=st.data())
    def come_back_with_a_job(self, tenant: str, data: st.DataObject) -> None:
        deployment = data.draw(st.sampled_from(self.world.deployments)).name
        video = self.world.new(tenant, running_on=deployment)
        assert self.world.slots[video] == deployment
        self.resumed.add(video)
        self.look_at_new_leases()

    @precondition(lambda self: self.world.called)
    @rule(data=st.data())
    def answer_a_call(self, data: st.DataObject) -> None:
        self.world.ask(self.draw(data, self.world.called))
        self.look_at_new_leases()

    @precondition(lambda self: self.world.timers)
    @rule(data=st.data())
    def ask_out_of_turn(self, data: st.DataObject) -> None:
        self.world.ask(self.draw(data, set(self.world.timers)))
        self.look_at_new_leases()

    @precondition(lambda self: self.world.slots)
    @rule(data=st.data())
    def render(self, data: st.DataObject) -> None:
        video = self.draw(data, set(self.world.slots))
        if video in self.world.probing:
            self.world.report(video)
        self.end(video, RENDERED)

    @precondition(lambda self: self.world.slots)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        self.end(self.draw(data, set(self.world.slots)), None)

    @precondition(lambda self: self.world.slots)
    @rule(
        data=st.data(),
        outcome=st.sampled_from(REFUSALS),
        retry_after_s=st.none() | st.sampled_from([0, 0.2, 7, 90, 9000]),
    )
    def be_refused(self, data: st.DataObject, outcome: Outcome, retry_after_s: float | None) -> None:
        video = self.draw(data, set(self.world.slots))
        self.forget(video)
        self.world.refuse(video, outcome, retry_after_s=retry_after_s, code=FailureCode.UNAUTHORIZED)
        self.look_at_new_leases()

    @precondition(lambda self: self.world.slots)
    @rule(data=st.data(), verdict=st.sampled_from([TOOK, UNANSWERED]))
    def report(self, data: st.DataObject, verdict: Verdict) -> None:
        self.world.report(self.draw(data, set(self.world.slots)), verdict)
        self.look_at_new_leases()

    @precondition(lambda self: self.world.slots)
    @rule(data=st.data())
    def change_over_to_a_job(self, data: st.DataObject) -> None:
        video = self.draw(data, set(self.world.slots))
        deployment = data.draw(st.sampled_from(self.world.deployments)).name
        self.world.demands[video] = self.world.demands[video].model_copy(update={"running_on": deployment})
        self.world.probing.discard(video)
        assert self.world.ask(video).deployment == deployment
        self.resumed.add(video)
        self.look_at_new_leases()

    @precondition(lambda self: self.world.slots)
    @rule(data=st.data(), is_known=st.booleans())
    def be_taken_back(self, data: st.DataObject, *, is_known: bool) -> None:
        video = self.draw(data, set(self.world.slots))
        lease = self.world.pool.leases.get(video.video_id)
        if lease and is_known:
            self.world.lose(video)
            self.forget(video)
            self.world.reclaim(lease)
            assert video.video_id not in self.world.pool.leases
        elif lease:
            self.world.reclaim(lease.model_copy(update={"granted_at": lease.granted_at - timedelta(seconds=1)}))
            assert self.world.pool.leases[video.video_id] == lease
        self.look_at_new_leases()

    @precondition(lambda self: self.world.timers)
    @rule(data=st.data())
    def be_cancelled(self, data: st.DataObject) -> None:
        self.end(self.draw(data, set(self.world.timers)), None)

    @rule(seconds=st.sampled_from([0.001, 0.5, 5, 20, 61.5, 400]))
    def pass_time(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    @rule(lag_s=st.sampled_from([0.0, 0.3, LAG_S]))
    def ask_with_another_clock(self, lag_s: float) -> None:
        self.world.lag_s = lag_s

    @invariant()
    def the_line_is_bounded(self) -> None:
        assert len(self.world.pool.line) <= PLACES
        assert set(self.world.pool.line.queues) <= set(TENANTS)
        for condition in self.world.pool.conditions.values():
            assert len(condition.starts) <= 5
            assert abs(condition.turn) <= 20

    @invariant()
    def what_is_free_is_handed_out_or_somebody_comes_back_for_it(self) -> None:
        pool, now = self.world.pool, self.world.told_now
        openings = [at for at in map(self.opening_for_somebody, self.world.deployments) if at]
        if not openings:
            return
        assert pool.ringer
        assert pool.ringer.at <= max(min(openings), now + timedelta(seconds=LAG_S))
        assert pool.ringer.video in pool.line
        waits = self.world.timers.get(pool.ringer.video)
        assert pool.ringer.video in self.world.called or (waits and waits <= pool.ringer.at)

    @invariant()
    def everybody_knows(self) -> None:
        world = self.world
        for lease in world.pool.leases.values():
            assert lease.video in world.slots or lease.video in world.called
        for video, at in world.timers.items():
            assert video in world.called or at <= world.now + timedelta(seconds=max(GUARD_S, LONGEST_ABSENCE_S))
        for waiting in world.pool.line.in_turn():
            all_rest = all(self.rests(each) for each in world.deployments if waiting.demand.size in each.sizes)
            assert not (all_rest and waiting.fallback) or waiting.video in world.called

    @invariant()
    def an_open_circuit_is_probed_once(self) -> None:
        for name in self.world.pool.conditions:
            probes = [lease for lease in self.world.pool.leases.values() if lease.deployment == name and lease.probing]
            assert len(probes) <= 1

    def look_at_new_leases(self) -> None:
        """Within the limit, at the pace, the oldest first."""
        world = self.world
        new = [lease for lease in world.pool.leases.values() if lease.video not in self.seen | self.resumed]
        for lease in new:
            self.seen.add(lease.video)
            deployment = world.fleet.named(lease.deployment)
            assert deployment
            assert world.running()[deployment.name] <= world.condition(deployment).limit(deployment)
            self.starts[deployment.name].append(world.now)
            for waiting in world.pool.line.in_turn():
                is_older = waiting.video.video_id < lease.video.video_id
                same = (waiting.video.tenant, waiting.demand) == (lease.video.tenant, world.demands[lease.video])
                assert not (is_older and same)
        for deployment in world.deployments:
            if rate := deployment.requests_per_minute:
                starts = self.starts[deployment.name]
                for first, beyond in zip(starts, starts[rate:], strict=False):
                    assert beyond - first >= timedelta(seconds=60)

    def opening_for_somebody(self, deployment: Deployment) -> datetime | None:
        """When time lets it take a job of somebody who waits; None if it has no room, or nobody does."""
        pool, condition = self.world.pool, self.world.condition(deployment)
        running = [lease for lease in pool.leases.values() if lease.deployment == deployment.name]
        has_room = len(running) < condition.limit(deployment)
        is_probed = condition.is_open and any(lease.probing for lease in running)
        is_wanted = any(waiting.demand.size in deployment.sizes for waiting in pool.line.in_turn())
        return condition.opens_at(deployment, self.world.told_now) if has_room and is_wanted and not is_probed else None

    def rests(self, deployment: Deployment) -> bool:
        """Whether its circuit is open and will be for longer than clocks differ."""
        condition, later = self.world.condition(deployment), self.world.told_now + timedelta(seconds=LAG_S)
        return condition.is_open and condition.opens_at(deployment, later) > later

    def draw(self, data: st.DataObject, videos: set[VideoRef]) -> VideoRef:
        return data.draw(st.sampled_from(sorted(videos, key=lambda video: video.video_id)))

    def end(self, video: VideoRef, verdict: Verdict | None) -> None:
        self.forget(video)
        self.world.end(video, verdict=verdict)
        self.look_at_new_leases()

    def forget(self, video: VideoRef) -> None:
        self.seen.discard(video)
        self.resumed.discard(video)

    def drain(self) -> None:
        """Once the deployments work again, everybody who stayed gets a slot, and nobody asks without end."""
        world = self.world
        world.asked.clear()
        for _ in range(200 * (1 + len(world.demands))):
            assert max(world.asked.values(), default=0) <= 2 + len(world.demands)
            if world.called:
                world.ask(min(world.called, key=lambda video: video.video_id))
                self.look_at_new_leases()
            elif world.slots:
                self.render_one()
            elif world.timers:
                world.pass_time_until(min(world.timers.values()))
            else:
                break
        assert not world.timers
        assert not world.pool.leases
        assert len(world.pool.line) == 0
        for video, failure in world.failures.items():
            is_locked_out = failure.code == FailureCode.UNAUTHORIZED and video not in world.fallbacks
            assert is_locked_out or not any(world.demands[video].size in each.sizes for each in world.deployments)

    def render_one(self) -> None:
        video = min(self.world.slots, key=lambda video: video.video_id)
        if video in self.world.probing:
            self.world.report(video)
        self.end(video, RENDERED)


TestPool = PoolMachine.TestCase
TestPool.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
