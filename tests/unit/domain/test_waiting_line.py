"""Whose turn it is."""

from collections import Counter

import pytest

from domain import waiting_line
from domain.video import VideoRef
from domain.waiting_line import Waiting, WaitingLine
from tests.unit.domain.pool_world import a_demand
from tests.unit.examples import NOW, an_id


@pytest.fixture
def line() -> WaitingLine:
    return WaitingLine()


def waiting(tenant: str, number: int, *, weight: float = 1.0) -> Waiting:
    return Waiting(video=VideoRef(tenant=tenant, video_id=an_id(number)), demand=a_demand(weight=weight), since=NOW)


def fill(line: WaitingLine, tenant: str, count: int, *, start: int = 0, weight: float = 1.0) -> list[Waiting]:
    joined = [waiting(tenant, start + number, weight=weight) for number in range(count)]
    for one in joined:
        line.join(one)
    return joined


def serve(line: WaitingLine, count: int = 1) -> list[str]:
    """Whose videos were served."""
    served = list[str]()
    for _ in range(count):
        first = next(line.in_turn())
        line.serve(first)
        served.append(first.video.tenant)
    return served


def test_within_a_tenant_the_oldest_is_first_whenever_it_joined(line: WaitingLine):
    for number in (2, 0, 1):
        line.join(waiting("ann", number))
    assert [one.video.video_id for one in line.in_turn()] == [an_id(0), an_id(1), an_id(2)]


def test_a_place_is_kept_not_taken_twice(line: WaitingLine):
    line.join(waiting("ann", 0))
    line.join(waiting("ann", 0, weight=2))
    assert [one.demand.weight for one in line.in_turn()] == [1.0]


@pytest.mark.parametrize("served_before", range(5))
def test_a_lone_tenant_is_next_however_long_the_backlog(line: WaitingLine, served_before: int):
    fill(line, "ann", 10)
    serve(line, served_before)
    line.join(waiting("bob", 99))
    assert "bob" in serve(line, 1 if served_before else 2)


def test_of_lone_tenants_the_first_to_come_is_next(line: WaitingLine):
    fill(line, "ann", 10)
    serve(line, 5)
    fill(line, "bob", 1, start=50)
    fill(line, "cid", 1, start=60)
    assert serve(line, 2) == ["bob", "cid"]


def test_tenants_take_turns(line: WaitingLine):
    for tenant in ("ann", "bob", "cid"):
        fill(line, tenant, 3)
    assert serve(line, 9) == ["ann", "bob", "cid"] * 3


def test_weights_are_shares(line: WaitingLine):
    fill(line, "ann", 40, weight=3)
    fill(line, "bob", 40)
    assert Counter(serve(line, 40)) == {"ann": 30, "bob": 10}


def test_nobody_gains_by_leaving_and_joining_again(line: WaitingLine):
    fill(line, "ann", 40)
    served = list[str]()
    for number in range(40):
        line.join(waiting("bob", 100 + number))
        served += serve(line)
    assert Counter(served) == {"ann": 20, "bob": 20}


def test_who_could_not_be_served_for_long_has_saved_nothing_up(line: WaitingLine):
    stuck = fill(line, "bob", 20)
    fill(line, "ann", 20, start=50)
    for _ in range(10):
        line.serve(next(one for one in line.in_turn() if one.video.tenant == "ann"))
    assert stuck[0] == next(line.in_turn())
    assert Counter(serve(line, 9)) == {"bob": 5, "ann": 4}


def test_who_could_not_be_served_for_long_comes_before_who_joins_now(line: WaitingLine):
    fill(line, "bob", 3)
    serve(line)
    for one in fill(line, "ann", 9, start=50):
        line.serve(one)
    fill(line, "cid", 1, start=90)
    assert serve(line, 2) == ["bob", "cid"]


def test_only_who_is_behind_is_remembered(line: WaitingLine):
    fill(line, "ann", 2)
    fill(line, "bob", 1)
    assert serve(line, 3) == ["ann", "bob", "ann"]
    assert set(line.queues) == {"ann"}
    fill(line, "cid", 1)
    fill(line, "ann", 1)
    assert serve(line, 2) == ["cid", "ann"]


def test_leaving_without_a_place_is_harmless(line: WaitingLine):
    fill(line, "ann", 1)
    line.leave(waiting("bob", 9).video)
    line.leave(waiting("ann", 9).video)
    assert len(line) == 1


def test_a_line_that_is_too_long_loses_the_youngest_of_the_longest_part(
    line: WaitingLine, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(waiting_line, "PLACES", 5)
    backlog = fill(line, "ann", 5)
    fill(line, "bob", 1, start=50)
    line.shorten()
    assert len(line) == 5
    assert backlog[4].video not in line
    assert waiting("bob", 50).video in line


def test_where_all_parts_are_equally_long_the_youngest_video_goes(line: WaitingLine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(waiting_line, "PLACES", 2)
    for number, tenant in enumerate(("ann", "cid", "bob")):
        line.join(waiting(tenant, number))
    line.shorten()
    assert [one.video.tenant for one in line.in_turn()] == ["ann", "cid"]
