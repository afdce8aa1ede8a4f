"""A pool as it was stored once goes on with today's code.

Fields may be added, with defaults; a field that is renamed or taken away is lost with all that was known, or keeps the
pool from ever being read again.
"""

import json
from pathlib import Path

import pytest

from domain.capacity import Fleet, Pool
from domain.condition import Condition
from domain.slot import RENDERED, TOOK
from domain.video import VideoRef
from tests.unit.domain.pool_world import DAY
from tests.unit.examples import NOW, a_deployment, an_id

STORED = json.loads((Path(__file__).parent / "pool_state.json").read_text())
FLEET = Fleet(
    [
        a_deployment(name="a", max_concurrent=3, requests_per_minute=2, operations=["create", "remix"]),
        a_deployment(name="b", max_concurrent=2),
    ],
    DAY,
)
RENDERING, PROBING = VideoRef(tenant="ann", video_id=an_id(0)), VideoRef(tenant="bob", video_id=an_id(1))
WAITING = VideoRef(tenant="bob", video_id=an_id(3))


@pytest.fixture
def pool() -> Pool:
    return Pool.model_validate(STORED)


def test_all_that_was_known_is_still_known(pool: Pool):
    assert pool.model_dump(mode="json", exclude_defaults=True) == STORED


def test_nothing_that_is_kept_is_missing_in_what_was_stored():
    conditions = STORED["conditions"].values()
    assert {field for condition in conditions for field in condition} == set(Condition.model_fields)


def test_who_rendered_gives_his_slot_to_whose_turn_it_is(pool: Pool):
    assert pool.release(RENDERING, FLEET, NOW, verdict=RENDERED) == [WAITING.video_id]
    assert pool.leases[WAITING.video_id].deployment == "a"


def test_a_probe_that_was_taken_lets_the_next_one_in(pool: Pool):
    assert pool.report(PROBING, TOOK, FLEET, NOW) == [WAITING.video_id]
    assert pool.leases[WAITING.video_id].deployment == "b"


def test_who_waits_and_asks_again_keeps_his_place(pool: Pool):
    place = pool.line.place_of(WAITING)
    assert place
    assert pool.acquire(WAITING, place.demand, FLEET, NOW, fallback=place.fallback).again
    assert pool.line.place_of(WAITING) == place
