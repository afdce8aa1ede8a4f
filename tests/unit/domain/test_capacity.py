"""Who gets which slot, and what those hear who get none."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from domain import waiting_line
from domain.capacity import GUARD_S, LEASE_MARGIN, Fleet, fallback_for
from domain.condition import Condition
from domain.failures import FailureCode
from domain.slot import Outcome
from domain.waiting_line import Fallback
from domain.workflow import StepResult
from tests.unit.domain.pool_world import COOLDOWN_S, DAY, PoolWorld, a_broken_world, a_demand, a_world
from tests.unit.examples import NOW, a_catalog, a_deployment, a_model_catalog

PORTRAIT, LANDSCAPE = "720x1280", "1280x720"
TODAY = NOW.date()


def shares(world: PoolWorld) -> Counter[str]:
    return Counter(world.slots.values())


# --- asking


def test_who_asks_first_gets_the_slot_and_keeps_it_however_often_it_asks():
    world = a_world()
    video = world.new()
    assert world.ask(video) == StepResult.granted("a", probing=False, wake=())
    assert world.running() == {"a": 1}


def test_who_comes_second_waits_with_a_guard_until_he_is_called():
    world = a_world()
    first, second = world.many(2)
    assert world.timers == {second: NOW + timedelta(seconds=GUARD_S)}
    world.end(first)
    assert world.called == {second}
    world.answer_calls()
    assert world.slots == {second: "a"}


def test_giving_back_what_one_has_not_is_harmless():
    world = a_world()
    first, second = world.many(2)
    world.end(second)
    world.end(second)
    assert (world.slots, len(world.pool.line)) == ({first: "a"}, 0)


@pytest.mark.parametrize(
    ("unable", "able", "demand"),
    [
        ({"sizes": [PORTRAIT]}, {}, {"size": LANDSCAPE}),
        ({"seconds": [8]}, {}, {"seconds": 4}),
        ({"input_reference": False}, {}, {"has_image": True}),
        ({}, {"operations": ["create", "remix"]}, {"operation": "remix"}),
    ],
)
def test_only_who_is_able_is_given_the_job(unable: dict[str, Any], able: dict[str, Any], demand: dict[str, Any]):
    world = a_world(unable, able)
    first, second = world.many(2, **demand)
    assert world.slots == {first: "b"}
    assert second in world.pool.line


def test_what_nobody_can_render_fails_at_once():
    world = a_world()
    video = world.new(size="1024x1792")
    assert world.failures[video].code == FailureCode.DEPLOYMENT_NOT_FOUND
    assert len(world.pool.line) == 0


def test_a_remix_waits_for_the_deployment_of_its_parent():
    world = a_world({}, {})
    world.end(world.new(pinned_to="b"))
    first, second = world.new(pinned_to="b"), world.new(pinned_to="b")
    assert world.slots == {first: "b"}
    assert second in world.pool.line


def test_who_cannot_use_a_free_slot_does_not_keep_others_from_it():
    world = a_world({"sizes": [PORTRAIT]}, {"sizes": [LANDSCAPE]})
    world.many(2, size=PORTRAIT)
    assert world.ask(world.new(size=LANDSCAPE)).deployment == "b"


# --- choosing


def test_a_lower_priority_is_used_only_when_the_higher_has_no_room():
    world = a_world({"priority": 2}, {"max_concurrent": 2})
    assert list(map(world.slots.get, world.many(3))) == ["b", "b", "a"]


def test_weights_share_out_smoothly_within_a_level():
    world = a_world({"weight": 5, "max_concurrent": 10}, {"max_concurrent": 10}, {"max_concurrent": 10})
    assert "".join(world.slots[video] for video in world.many(7)) == "aabacaa"


# --- limits


def test_a_pace_is_kept_and_somebody_comes_back_in_time():
    world = a_world({"max_concurrent": 9, "requests_per_minute": 2})
    first, second, third, fourth = world.many(4)
    assert set(world.slots) == {first, second}
    assert world.timers[third] - NOW == timedelta(seconds=61.5)
    assert world.timers[fourth] - NOW == timedelta(seconds=GUARD_S)
    world.pass_time(61.5)
    world.answer_calls()
    assert set(world.slots) == {first, second, third, fourth}


def test_who_rings_and_leaves_is_replaced():
    world = a_world({"max_concurrent": 9, "requests_per_minute": 1})
    _, second, third = world.many(3)
    world.end(second)
    assert world.called == {third}
    world.answer_calls()
    assert world.timers[third] - NOW == timedelta(seconds=61.5)


def test_who_should_have_rung_and_did_not_is_replaced_by_whoever_asks_next():
    world = a_world({"max_concurrent": 9, "requests_per_minute": 1})
    _, lost, second = world.many(3)
    del world.timers[lost]
    world.pass_time(61)
    world.ask(second)
    world.pass_time(1)
    world.ask(second)
    assert world.called == {lost}
    assert world.pool.ringer
    assert world.pool.ringer.video == second


def test_too_many_running_lowers_what_a_deployment_is_given():
    world = a_world({"max_concurrent": 3})
    *_, third = world.many(3)
    world.refuse(third, Outcome.FULL, retry_after_s=30)
    world.answer_calls()
    assert shares(world) == {"a": 2}
    world.end(next(iter(world.slots)))
    world.answer_calls()
    assert shares(world) == {"a": 2}


def test_too_fast_is_a_rest_of_exactly_retry_after():
    world = a_world({"max_concurrent": 3})
    video = world.new()
    world.refuse(video, Outcome.TOO_FAST, retry_after_s=7.5)
    world.answer_calls()
    assert world.timers == {video: NOW + timedelta(seconds=7.5)}
    world.pass_time(7.5)
    world.answer_calls()
    assert world.slots == {video: "a"}


def test_a_slot_that_nobody_gives_back_is_free_when_the_render_has_timed_out():
    world = a_world({"render_timeout_s": 100})
    _, second = world.many(2)
    world.pass_time((timedelta(seconds=100) + LEASE_MARGIN).total_seconds() - 1)
    world.answer_calls()
    assert second not in world.slots
    world.pass_time(1)
    world.ask(second)
    assert world.slots[second] == "a"


# --- the line


def test_a_lone_tenant_is_next():
    world = a_world()
    first, *_ = world.many(20, "ann")
    world.pass_time(5)
    lone = world.new("bob")
    world.end(first)
    assert world.called == {lone}


def test_who_finds_the_line_full_is_told_when_it_has_moved_on(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(waiting_line, "PLACES", 2)
    world = a_world({"max_concurrent": 4, "expected_render_s": 6})
    late = world.many(7)[-1]
    assert late not in world.pool.line
    assert world.timers[late] == NOW + timedelta(seconds=6 * 256 / 2 / 4)


def test_a_full_line_does_not_keep_others_from_what_is_free(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(waiting_line, "PLACES", 2)
    world = a_world({"sizes": [PORTRAIT]}, {"sizes": [LANDSCAPE]})
    world.many(3, size=PORTRAIT)
    assert world.ask(world.new(size=LANDSCAPE)).deployment == "b"


def test_who_waited_too_long_hears_what_the_deployment_said():
    world = a_world(max_queued=timedelta(minutes=10))
    video = world.new()
    world.refuse(video, Outcome.TOO_FAST, retry_after_s=3600)
    world.answer_calls()
    for _ in range(2):
        world.pass_time_until(world.timers[video])
        world.answer_calls()
    assert world.now == NOW + timedelta(minutes=10)
    assert world.failures[video].code == FailureCode.NO_CAPACITY
    assert "It is too_fast." in world.failures[video].message
    assert len(world.pool.line) == 0


def test_who_was_to_ring_and_waited_too_long_is_replaced():
    world = a_world({"max_concurrent": 2, "requests_per_minute": 1}, max_queued=timedelta(seconds=40))
    world.many(2)
    world.pass_time(35)
    late = world.new()
    world.pass_time(5)
    world.answer_calls()
    assert world.timers[late] - NOW == timedelta(seconds=61.5)


# --- slots that are given back, or taken back


@pytest.mark.parametrize("known", [Condition(faults=2), Condition(concurrency=2, renders_left=1)])
def test_a_slot_that_is_given_back_without_a_verdict_teaches_nothing(known: Condition):
    world = a_world({"max_concurrent": 3})
    world.pool.conditions["a"] = known.model_copy()
    video = world.new()
    before = world.condition(world.deployments[0])
    world.end(video, verdict=None)
    assert (world.condition(world.deployments[0]), world.running()) == (before, {})


@pytest.mark.parametrize("outcome", [Outcome.FULL, Outcome.TOO_FAST])
def test_who_wishes_for_a_pause_of_no_time_is_not_asked_without_one(outcome: Outcome):
    world = a_world()
    video = world.new()
    world.refuse(video, outcome, retry_after_s=0)
    world.answer_calls()
    assert world.timers == {video: NOW + timedelta(seconds=COOLDOWN_S)}


def test_a_slot_that_is_taken_back_goes_to_the_next():
    world = a_world()
    lost, waiting = world.many(2)
    world.reclaim(world.lose(lost))
    assert world.called == {waiting}
    world.answer_calls()
    assert (world.slots, world.running()) == ({waiting: "a"}, {"a": 1})


def test_a_slot_that_was_given_anew_is_not_taken_back():
    world = a_world()
    video = world.new()
    lease = world.lose(video)
    world.end(video)
    world.pass_time(1)
    world.ask(video)
    world.reclaim(lease)
    assert world.pool.leases[video.video_id].granted_at == world.now


def test_taking_back_what_was_given_back_is_harmless():
    world = a_world()
    video = world.new()
    lease = world.lose(video)
    world.end(video)
    known = world.pool.model_copy(deep=True)
    world.reclaim(lease)
    assert world.pool == known


def test_a_probe_that_is_taken_back_makes_room_for_another():
    world = a_broken_world()
    world.pass_time(COOLDOWN_S)
    lost, waiting = world.many(2)
    world.reclaim(world.lose(lost))
    world.answer_calls()
    assert world.probing == {waiting}


# --- restarts and new configurations


def test_who_comes_back_with_a_job_takes_a_slot_whether_there_is_one_or_not():
    world = a_world()
    world.new()
    back = world.new(running_on="a")
    assert world.ask(back) == StepResult.granted("a", probing=False, wake=())
    assert world.running() == {"a": 2}


def test_who_comes_back_twice_has_one_slot_and_no_place_in_the_line():
    world = a_world()
    _, waiting = world.many(2)
    world.demands[waiting] = a_demand(running_on="a")
    world.ask(waiting)
    granted = world.pool.leases[waiting.video_id]
    world.pass_time(5)
    world.ask(waiting)
    assert world.pool.leases[waiting.video_id] == granted
    assert len(world.pool.line) == 0


def test_a_job_that_runs_already_proves_nothing_of_a_broken_deployment():
    world = a_broken_world()
    world.pass_time(COOLDOWN_S)
    world.new(running_on="a")
    assert not world.probing


def test_who_comes_back_with_a_job_elsewhere_changes_slots():
    world = a_world({}, {})
    video = world.new(pinned_to="a")
    waiting = world.new(pinned_to="a")
    world.demands[video] = a_demand(running_on="b")
    assert world.ask(video) == StepResult.granted("b", probing=False, wake=(waiting.video_id,))
    assert world.running() == {"a": 1, "b": 1}


def test_who_has_a_slot_on_a_deployment_that_was_renamed_gets_another():
    world = a_world()
    video, waiting = world.many(2)
    world.deployments = [a_deployment(name="renamed", max_concurrent=1)]
    world.slots.clear()
    assert world.ask(video).deployment == "renamed"
    world.end(video)
    assert world.called == {waiting}
    assert set(world.pool.conditions) == {"renamed"}


def test_a_retired_deployment_gets_no_new_jobs():
    world = a_world({"retires_on": TODAY}, {})
    assert set(map(world.slots.get, world.many(2))) == {"a", "b"}
    world = a_world({"retires_on": TODAY - DAY}, {})
    assert list(map(world.slots.get, world.many(2))) == ["b", None]


def test_who_waits_when_the_last_one_retires_hears_so():
    world = a_world({"retires_on": TODAY}, max_queued=3 * DAY)
    _, waiting = world.many(2)
    world.pass_time(DAY.total_seconds())
    world.ask(waiting)
    assert world.failures[waiting].code == FailureCode.DEPLOYMENT_NOT_FOUND


# --- fallback_for

CHAIN = a_model_catalog(
    fallbacks={"first": ("second", "third")},
    first=[a_deployment(name="a")],
    second=[a_deployment(name="b", sizes=[PORTRAIT])],
    third=[a_deployment(name="c")],
)


@pytest.mark.parametrize(
    ("after", "size", "following"),
    [
        ("first", PORTRAIT, "second"),
        ("first", LANDSCAPE, "third"),
        ("second", PORTRAIT, "third"),
        ("third", PORTRAIT, "first"),
        ("unheard-of", PORTRAIT, "first"),
    ],
)
def test_models_are_asked_in_order_and_after_the_last_the_first_again(after: str, size: str, following: str):
    demand = a_demand(model="first", size=size)
    fallback = fallback_for(demand, CHAIN, after=after, today=TODAY)
    assert fallback == Fallback(model=following, starts_again=following == "first")


@pytest.mark.parametrize("change", [{"may_fall_back": False}, {"model": "second"}, {"model": "lost"}])
def test_who_may_not_or_cannot_falls_back_to_nothing(change: dict[str, Any]):
    demand = a_demand(**{"model": "first", "size": PORTRAIT} | change)
    assert fallback_for(demand, CHAIN, after=demand.model, today=TODAY) is None


def test_what_is_pinned_falls_back_to_nothing():
    demand = a_demand(model="first", pinned_to="a")
    assert fallback_for(demand, CHAIN, after="first", today=TODAY) is None


def test_a_fleet_of_a_model_that_was_lost_has_nobody():
    assert Fleet.of(a_catalog(), "lost", DAY) == Fleet((), DAY)
    assert [each.name for each in Fleet.of(a_catalog(), "sora-2", DAY).deployments] == ["east"]
