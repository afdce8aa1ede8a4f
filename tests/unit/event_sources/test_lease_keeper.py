"""Slots whose videos are over are taken back, and videos that were not told of theirs are woken."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from azure.core.exceptions import HttpResponseError

from domain.capacity import Fleet, Lease, Pool
from domain.failures import Failure
from domain.slot import Demand
from domain.video import Video
from event_sources.lease_keeper import GRACE, LeaseKeeper
from tests.unit.examples import NOW, PRICE, a_deployment, a_model_catalog, a_video, an_id
from tests.unit.fakes import FakeCapacityPools, FakeOrchestrations, FakeVideoTable

MAX_QUEUED = timedelta(hours=1)
LATER = NOW + GRACE + timedelta(seconds=1)
QUEUED = a_video()
SUBMITTING = QUEUED.submitting("east", NOW, usd_per_second=PRICE)
RENDERING = SUBMITTING.in_progress("job-1", NOW)
COPYING = RENDERING.copying(NOW, rendered_s=4)
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
        pool.acquire(video.ref, Demand.of(video), Fleet.of(self.catalog, model, MAX_QUEUED), at)

    async def reconcile(self, now: datetime = LATER) -> None:
        keeper = LeaseKeeper(
            catalog=self.catalog,
            videos=self.videos.as_table(),
            pools=self.pools.as_pools(),
            orchestrations=self.orchestrations.as_orchestrations(),
            max_queued=MAX_QUEUED,
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


async def test_whoever_is_next_for_a_slot_that_is_taken_back_is_woken(world: World):
    waiting = world.videos.add(a_video(video_id=an_id(1)))
    world.lend(QUEUED)
    world.lend(waiting)
    await world.reconcile()
    assert world.orchestrations.woken == [waiting.video_id]


async def test_a_video_that_was_not_told_of_its_slot_is_woken(world: World):
    world.lend(world.videos.add(QUEUED))
    await world.reconcile()
    assert (world.pools.reclaimed, world.orchestrations.woken) == ({}, [QUEUED.video_id])


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
