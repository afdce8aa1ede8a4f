"""Slots whose videos are over are taken back, and videos that were not told of theirs are woken."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from azure.core.exceptions import HttpResponseError

from clients.telemetry.logs import JsonFormatter
from domain.capacity import Fleet, Lease, Pool
from domain.errors import UpstreamUnauthorized
from domain.failures import Failure
from domain.slot import Demand, Verdict
from domain.video import Video
from domain.workflow import News
from event_sources.lease_keeper import GRACE, LeaseKeeper
from tests.unit.examples import NOW, PRICE, a_deployment, a_model_catalog, a_video, an_id
from tests.unit.fakes import FakeCapacityPools, FakeOrchestrations, FakeVideoTable

MAX_QUEUED = timedelta(hours=1)
LATER = NOW + GRACE + timedelta(seconds=1)
QUEUED = a_video()
SUBMITTING = QUEUED.submitting("east", NOW, usd_per_second=PRICE)
RENDERING = SUBMITTING.in_progress("job-1", NOW)
COPYING = RENDERING.copying(NOW, rendered_s=4)
DENIED = Verdict.on(UpstreamUnauthorized("HTTP 401"))
FAILED = QUEUED.failed(Failure(code="cancelled", message="No."), NOW)


@dataclass
class World:
    """Two models with one slot each, and whoever looks after them."""

    videos: FakeVideoTable = field(default_factory=FakeVideoTable)
    orchestrations: FakeOrchestrations = field(default_factory=FakeOrchestrations)
    pools: FakeCapacityPools = field(default_factory=FakeCapacityPools)

    def __post_init__(self) -> None:
        self.catalog = a_model_catalog(
            first=[a_deployment(max_concurrent=1)], second=[a_deployment(name="west", max_concurrent=1)]
        )

    def lend(self, video: Video, *, model: str = "first", at: datetime = NOW) -> None:
        """Give a video a slot, or a place in the line."""
        pool = self.pools.pools.setdefault(model, Pool())
        self.pools.fleets[model] = self.fleet(model)
        pool.acquire(video.ref, Demand.of(video), self.fleet(model), at)

    def fleet(self, model: str) -> Fleet:
        return Fleet.of(self.catalog, model, MAX_QUEUED)

    async def reconcile(self, now: datetime = LATER) -> None:
        keeper = LeaseKeeper(
            catalog=self.catalog,
            videos=self.videos.as_table(),
            pools=self.pools.as_pools(),
            orchestrations=self.orchestrations.as_orchestrations(),
        )
        await keeper.reconcile(now)


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("video", [SUBMITTING, RENDERING], ids=lambda video: video.state)
async def test_a_slot_whose_video_renders_is_left_alone(world: World, video: Video):
    world.lend(world.videos.add(video))
    await world.reconcile()
    assert (world.pools.reclaimed, world.orchestrations.woken) == ({}, [])


@pytest.mark.parametrize("video", [COPYING, FAILED], ids=lambda video: video.state)
async def test_a_slot_whose_video_needs_none_any_more_is_taken_back(world: World, video: Video):
    world.lend(QUEUED)
    world.videos.add(video)
    await world.reconcile()
    assert world.pools.reclaimed == {"first": [video.ref]}
    assert world.orchestrations.woken == []


async def test_a_slot_whose_video_is_gone_is_taken_back(world: World):
    world.lend(QUEUED)
    await world.reconcile()
    assert world.pools.reclaimed == {"first": [QUEUED.ref]}


async def test_a_slot_whose_video_renders_elsewhere_is_taken_back(world: World):
    world.lend(QUEUED)
    world.videos.add(QUEUED.submitting("another", NOW, usd_per_second=PRICE))
    await world.reconcile()
    assert world.pools.reclaimed == {"first": [QUEUED.ref]}


async def test_whoever_is_next_for_a_slot_that_is_taken_back_is_told_the_next_time(world: World):
    waiting = world.videos.add(a_video(video_id=an_id(1)))
    world.lend(QUEUED)
    world.lend(waiting)
    await world.reconcile()
    await world.reconcile(LATER + GRACE + timedelta(seconds=1))
    assert world.orchestrations.woken == [(waiting.ref, News(pool="first"))]


async def test_a_video_that_was_not_told_of_its_slot_is_started_and_told_where_it_is(world: World):
    world.lend(world.videos.add(QUEUED), model="second")
    await world.reconcile()
    assert world.pools.reclaimed == {}
    assert world.orchestrations.started == [QUEUED.ref]
    assert world.orchestrations.woken == [(QUEUED.ref, News(pool="second"))]


async def test_a_video_that_cannot_be_told_does_not_keep_another_one_from_being_told(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(caplog.handler, "formatter", JsonFormatter())
    other = a_video(video_id=an_id(1))
    world.lend(world.videos.add(QUEUED))
    world.lend(world.videos.add(other), model="second")
    world.orchestrations.broken[QUEUED.ref] = TimeoutError()
    world.lend(world.videos.add(a_video(video_id=an_id(2))))
    await world.reconcile()
    assert [ref for ref, _ in world.orchestrations.woken] == [other.ref]
    assert {json.loads(line)["video"] for line in caplog.text.splitlines()} == {QUEUED.video_id}


async def test_a_ringer_that_has_not_come_is_called(world: World):
    waiting = a_video(video_id=an_id(1))
    world.lend(QUEUED)
    world.pools.pools["first"].release(QUEUED.ref, world.fleet("first"), NOW, verdict=DENIED)
    world.lend(waiting)
    rings_at = NOW + timedelta(seconds=a_deployment().cooldown_s)
    await world.reconcile(rings_at + GRACE)
    assert world.orchestrations.woken == []
    await world.reconcile(rings_at + GRACE + timedelta(seconds=1))
    assert world.orchestrations.woken == [(waiting.ref, News(pool="first"))]


async def test_a_slot_that_a_video_got_meanwhile_is_not_taken_back(world: World):
    """The record is read after the pool: it may tell of a newer lease."""
    world.lend(QUEUED)
    seen = world.pools.pools["first"].model_copy(deep=True)
    world.pools.pools["first"].release(QUEUED.ref, world.fleet("first"), NOW)
    world.lend(QUEUED, at=NOW + timedelta(seconds=5))
    world.pools.pools["first"].reclaim(seen.leases.values(), world.fleet("first"), LATER)
    assert QUEUED.video_id in world.pools.pools["first"].leases


@pytest.mark.parametrize("video", [QUEUED, COPYING, FAILED], ids=lambda video: video.state)
async def test_what_has_just_happened_is_left_to_the_orchestration(world: World, video: Video):
    world.lend(QUEUED, at=NOW)
    world.videos.add(video)
    await world.reconcile(NOW + GRACE)
    assert (world.pools.reclaimed, world.orchestrations.woken) == ({}, [])


async def test_a_video_that_has_just_ended_gives_its_old_slot_back_by_itself(world: World):
    world.lend(QUEUED, at=NOW - timedelta(minutes=5))
    world.videos.add(FAILED)
    await world.reconcile(NOW + GRACE)
    assert world.pools.reclaimed == {}


async def test_a_pool_that_cannot_be_read_does_not_stop_the_others(world: World, caplog: pytest.LogCaptureFixture):
    world.lend(QUEUED, model="second")
    world.pools.broken["first"] = HttpResponseError("no engine")
    await world.reconcile()
    assert world.pools.reclaimed == {"second": [QUEUED.ref]}
    assert "first" in caplog.text


async def test_reconciling_twice_is_reconciling_once(world: World):
    world.lend(QUEUED)
    await world.reconcile()
    state: dict[str, Lease] = world.pools.pools["first"].leases
    world.pools.reclaimed.clear()
    await world.reconcile()
    assert (state, world.pools.reclaimed) == ({}, {})
