"""Batches and single videos in one pool: each batch keeps its window full, and that holds nobody else up."""

from collections.abc import Iterator

import pytest

from domain import waiting_line
from domain.batch_window import window
from domain.video import VideoRef
from tests.unit.domain.pool_world import PoolWorld, a_world
from tests.unit.examples import a_catalog

SLOTS, BATCHES = 2, 2


class Batches:
    """Batches of one tenant that never come to an end, in a pool of few slots.

    Attributes:
        begun: Which batch each of their videos belongs to.
        ended: How many videos of each have ended.
    """

    def __init__(self) -> None:
        self.world: PoolWorld = a_world({"max_concurrent": SLOTS})
        self.width = window(["sora-2"], a_catalog(*self.world.deployments), self.world.now.date())
        self.begun = dict[VideoRef, int]()
        self.ended = [0] * BATCHES
        self._in_flight = [0] * BATCHES
        self._fill()

    def end(self, video: VideoRef) -> None:
        """Let a video end, and all that follows from it."""
        self.world.end(video)
        if (batch := self.begun.get(video)) is not None:
            self.ended[batch] += 1
            self._in_flight[batch] -= 1
        self.world.pass_time(1)
        self._fill()
        self.world.answer_calls()

    def running(self) -> Iterator[VideoRef]:
        """Whose turn it is to end, the longest running first."""
        while True:
            yield next(iter(self.world.slots))

    def _fill(self) -> None:
        for batch in range(BATCHES):
            while self._in_flight[batch] < self.width:
                self.begun[self.world.new("ann")] = batch
                self._in_flight[batch] += 1


@pytest.fixture
def batches() -> Batches:
    return Batches()


def until_it_has_a_slot(video: VideoRef, batches: Batches) -> int:
    """How many others ended before it began."""
    return next(
        count for count, other in enumerate(batches.running()) if video in batches.world.slots or batches.end(other)
    )


@pytest.mark.parametrize("places", [waiting_line.PLACES, 5], ids=["all wait in the line", "the line is full"])
def test_another_tenants_single_video_is_next(monkeypatch: pytest.MonkeyPatch, places: int):
    monkeypatch.setattr(waiting_line, "PLACES", places)
    batches = Batches()
    for _ in range(20):
        batches.end(next(batches.running()))
    for tenant in ("bob", "cid"):
        assert until_it_has_a_slot(batches.world.new(tenant), batches) == 1


def test_the_same_tenants_single_video_waits_for_no_more_than_has_begun_before(batches: Batches):
    for _ in range(20):
        batches.end(next(batches.running()))
    assert until_it_has_a_slot(batches.world.new("ann"), batches) <= BATCHES * batches.width


def test_batches_advance_side_by_side(batches: Batches):
    for _ in range(60):
        batches.end(next(batches.running()))
    assert sum(batches.ended) == 60
    assert max(batches.ended) - min(batches.ended) <= batches.width


def test_all_slots_are_in_use_all_the_time(batches: Batches):
    for _ in range(60):
        batches.end(next(batches.running()))
        assert len(batches.world.slots) == SLOTS
