"""What each answer to a creation teaches of a deployment."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.condition import FAULTS_UNTIL_OPEN, LONGEST_REST_S, LONGEST_WISH_S, MINUTE, Condition
from domain.slot import Fault
from tests.unit.domain.pool_world import a_fault
from tests.unit.examples import NOW, a_deployment

COOLDOWN_S = 10.0
DEPLOYMENT = a_deployment(max_concurrent=10, cooldown_s=COOLDOWN_S)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def after(fault: Fault, *, others: int = 9, retry_after_s: float | None = None, **known: Any) -> Condition:
    condition = Condition.model_validate(known)
    condition.learn(a_fault(fault, retry_after_s=retry_after_s), DEPLOYMENT, others, NOW)
    return condition


def rest_s(condition: Condition) -> float:
    return (condition.opens_at(DEPLOYMENT, NOW) - NOW).total_seconds()


@pytest.mark.parametrize(
    ("others", "concurrency", "limit"), [(9, 9, 9), (2, 2, 2), (1, 1, 1), (0, 1, 1), (8, 8, 8), (12, 10, 10)]
)
def test_who_runs_too_many_is_given_as_many_as_it_bore(others: int, concurrency: float, limit: int):
    condition = after(Fault.FULL, others=others)
    assert (condition.concurrency, condition.limit(DEPLOYMENT)) == (concurrency, limit)


def test_where_much_was_tried_concurrency_falls_by_a_tenth():
    large = a_deployment(max_concurrent=100)
    condition = Condition()
    condition.learn(a_fault(Fault.FULL), large, 79, NOW)
    assert (condition.concurrency, condition.limit(large)) == (72, 72)


def test_a_refusal_never_raises_what_was_learnt():
    assert after(Fault.FULL, others=5, concurrency=3.5).concurrency == 3.5


def test_a_burst_above_the_cap_is_refused_no_more_often_than_it_is_too_large():
    condition = Condition()
    for others in range(9, 1, -1):
        condition.learn(a_fault(Fault.FULL), DEPLOYMENT, others, NOW)
        assert others >= condition.limit(DEPLOYMENT), "the slot would be handed out again, to be refused again"
    assert condition.limit(DEPLOYMENT) == 2


def test_concurrency_grows_by_one_in_a_hundred_renders_and_is_forgotten_at_the_top():
    condition = Condition(concurrency=8.0)
    for _ in range(101):
        condition.rendered(DEPLOYMENT)
    assert condition.limit(DEPLOYMENT) == 9
    for _ in range(101):
        condition.rendered(DEPLOYMENT)
    assert (condition.concurrency, condition.limit(DEPLOYMENT)) == (None, 10)


def test_a_lower_configured_number_wins():
    assert Condition(concurrency=8.0).limit(a_deployment(max_concurrent=3)) == 3


@pytest.mark.parametrize(("others", "rested_s"), [(0, 4.5), (9, 0.0)])
def test_a_full_deployment_rests_only_if_no_end_of_ours_will_tell_when_it_has_room(others: int, rested_s: float):
    assert rest_s(after(Fault.FULL, others=others, retry_after_s=4.5)) == rested_s


@pytest.mark.parametrize(
    ("wish_s", "rested_s"), [(0.25, 0.25), (7, 7), (None, COOLDOWN_S), (0, 0), (LONGEST_WISH_S + 1, LONGEST_WISH_S)]
)
def test_who_was_asked_too_fast_rests_exactly_as_long_as_it_wishes(wish_s: float | None, rested_s: float):
    assert rest_s(after(Fault.TOO_FAST, retry_after_s=wish_s)) == rested_s


def test_a_shorter_wish_does_not_shorten_a_rest():
    assert rest_s(after(Fault.TOO_FAST, retry_after_s=1, rests_until=later(30))) == 30


@pytest.mark.parametrize("fault", [Fault.FULL, Fault.TOO_FAST])
def test_whoever_answers_sensibly_is_not_failing(fault: Fault):
    assert after(fault, faults=FAULTS_UNTIL_OPEN).faults == 0


def test_a_circuit_opens_at_the_third_failure_in_a_row_and_doubles_its_rest_with_each_probe_that_fails():
    condition, now, rests = Condition(), NOW, list[float]()
    for _ in range(8):
        condition.learn(a_fault(Fault.FAILED), DEPLOYMENT, 0, now)
        opens_at = condition.opens_at(DEPLOYMENT, now)
        rests.append((opens_at - now).total_seconds())
        now = opens_at
    assert rests == [0, 0, 10, 20, 40, 80, LONGEST_REST_S, LONGEST_REST_S]


def test_a_refused_credential_opens_it_at_once():
    condition = after(Fault.REFUSED)
    assert (condition.is_open, rest_s(condition)) == (True, COOLDOWN_S)
    condition.learn(a_fault(Fault.REFUSED), DEPLOYMENT, 0, later(COOLDOWN_S))
    assert condition.opens_at(DEPLOYMENT, NOW) == later(COOLDOWN_S + 2 * COOLDOWN_S)


@pytest.mark.parametrize("fault", [Fault.FAILED, Fault.REFUSED])
def test_jobs_that_were_already_on_their_way_do_not_lengthen_the_rest(fault: Fault):
    condition = after(fault, faults=FAULTS_UNTIL_OPEN, rests_until=later(3))
    assert (condition.faults, rest_s(condition)) == (FAULTS_UNTIL_OPEN, 3)


def test_a_failure_counts_though_it_rests_for_another_reason():
    assert after(Fault.FAILED, faults=1, rests_until=later(3)).faults == 2


def test_a_render_ends_the_row_of_failures_but_closes_no_circuit():
    failing, opened = Condition(faults=2), Condition(faults=3)
    failing.rendered(DEPLOYMENT)
    opened.rendered(DEPLOYMENT)
    assert (failing.faults, opened.faults) == (0, 3)


def test_a_probe_that_was_taken_closes_the_circuit_and_ends_the_rest():
    condition = Condition(faults=5, rests_until=later(60))
    condition.took_probe()
    assert (condition.is_open, rest_s(condition)) == (False, 0)


def test_a_probe_that_was_taken_ends_no_rest_that_was_wished_for_meanwhile():
    condition = after(Fault.TOO_FAST, faults=5, retry_after_s=30)
    condition.took_probe()
    assert rest_s(condition) == 30


def test_no_more_starts_in_a_minute_than_it_takes_and_no_more_are_remembered():
    paced = a_deployment(requests_per_minute=2)
    condition = Condition()
    for second in (0, 10, 70, 75):
        condition.started(paced, later(second))
    assert condition.starts == [later(70), later(75)]
    assert condition.opens_at(paced, later(80)) == later(70) + MINUTE
    assert condition.opens_at(paced, later(140)) == later(140)


def test_a_pace_that_was_lowered_counts_the_latest_starts():
    condition = Condition(starts=[later(second) for second in (0, 10, 20, 30)])
    assert condition.opens_at(a_deployment(requests_per_minute=2), later(40)) == later(20) + MINUTE


def test_who_has_no_pace_opens_at_once_and_is_not_counted():
    condition = Condition()
    for _ in range(100):
        condition.started(DEPLOYMENT, NOW)
    assert (condition.starts, condition.opens_at(DEPLOYMENT, NOW)) == ((), NOW)


def test_what_it_last_said_is_kept():
    condition = after(Fault.FAILED)
    assert (condition.last_error, condition.last_error_at) == ("It is failed.", NOW)
