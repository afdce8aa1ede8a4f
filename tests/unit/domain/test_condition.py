"""What each answer to a creation teaches of a deployment."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.catalog import Deployment
from domain.condition import (
    DECREASE,
    FAULTS_UNTIL_OPEN,
    FEWEST_RENDERS,
    LONGEST_REST_S,
    LONGEST_WISH_S,
    MINUTE,
    MOST_RENDERS,
    Condition,
)
from domain.failures import FailureCode
from domain.slot import RENDERED, TOOK, Outcome, Verdict
from tests.unit.domain.pool_world import a_refusal
from tests.unit.examples import NOW, a_deployment

COOLDOWN_S = 10.0
DEPLOYMENT = a_deployment(max_concurrent=10, cooldown_s=COOLDOWN_S)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def after(outcome: Outcome, *, others: int = 9, retry_after_s: float | None = None, **known: Any) -> Condition:
    condition = Condition.model_validate(known)
    condition.learn(a_refusal(outcome, retry_after_s=retry_after_s), DEPLOYMENT, others, NOW)
    return condition


def render(condition: Condition, count: int = 1, deployment: Deployment = DEPLOYMENT) -> None:
    for _ in range(count):
        condition.learn(RENDERED, deployment, 0, NOW)


def renders_until(condition: Condition, limit: int) -> int:
    """How many renders it takes until so many jobs are tried."""
    for number in range(1000):
        if condition.limit(DEPLOYMENT) >= limit:
            return number
        render(condition)
    raise AssertionError(condition)


def rest_s(condition: Condition) -> float:
    return (condition.opens_at(DEPLOYMENT, NOW) - NOW).total_seconds()


@pytest.mark.parametrize(
    ("others", "concurrency", "limit"), [(9, 9, 9), (2, 2, 2), (1, 1, 1), (0, 1, 1), (8, 8, 8), (12, None, 10)]
)
def test_who_runs_too_many_is_given_as_many_as_it_bore(others: int, concurrency: int | None, limit: int):
    condition = after(Outcome.FULL, others=others)
    assert (condition.concurrency, condition.limit(DEPLOYMENT)) == (concurrency, limit)


def test_where_much_was_tried_concurrency_falls_by_a_tenth():
    large = a_deployment(max_concurrent=100)
    condition = Condition()
    condition.learn(a_refusal(Outcome.FULL), large, 79, NOW)
    assert (condition.concurrency, condition.limit(large)) == (72, 72)


def test_a_refusal_never_raises_what_was_learnt():
    assert after(Outcome.FULL, others=5, concurrency=3).concurrency == 3


def test_a_burst_above_the_cap_is_refused_no_more_often_than_it_is_too_large():
    condition = Condition()
    for others in range(9, 1, -1):
        condition.learn(a_refusal(Outcome.FULL), DEPLOYMENT, others, NOW)
        assert others >= condition.limit(DEPLOYMENT), "the slot would be handed out again, to be refused again"
    assert condition.limit(DEPLOYMENT) == 2


def test_one_job_more_is_tried_after_a_few_renders_and_all_is_forgotten_at_the_top():
    condition = Condition(concurrency=8, renders_left=FEWEST_RENDERS)
    render(condition, FEWEST_RENDERS - 1)
    assert condition.limit(DEPLOYMENT) == 8
    render(condition)
    assert condition.limit(DEPLOYMENT) == 9
    render(condition, FEWEST_RENDERS)
    assert (condition.concurrency, condition.limit(DEPLOYMENT)) == (None, 10)


def test_what_was_too_many_is_tried_ever_later():
    condition, waits = Condition(), list[int]()
    for _ in range(5):
        condition.learn(a_refusal(Outcome.FULL), DEPLOYMENT, 5, NOW)
        waits.append(renders_until(condition, 6))
    assert waits == [4, 32, MOST_RENDERS, MOST_RENDERS, MOST_RENDERS]


def test_jobs_that_were_started_together_and_are_refused_together_teach_once():
    condition = Condition()
    for others in range(9, 4, -1):
        condition.learn(a_refusal(Outcome.FULL), DEPLOYMENT, others, NOW)
    assert renders_until(condition, 6) == FEWEST_RENDERS


def test_what_is_fewer_than_was_too_many_before_is_tried_again_soon():
    condition = Condition(concurrency=5, too_many=6, patience=MOST_RENDERS, renders_left=MOST_RENDERS)
    condition.learn(a_refusal(Outcome.FULL), DEPLOYMENT, 3, NOW)
    assert condition.limit(DEPLOYMENT) == 3
    assert renders_until(condition, 6) == 3 * FEWEST_RENDERS


@pytest.mark.parametrize("refusals", [1, 3, 100])
def test_a_deployment_that_others_filled_is_soon_given_as_many_as_before(refusals: int):
    condition = Condition(too_many=11, patience=MOST_RENDERS)
    for _ in range(refusals):
        condition.learn(a_refusal(Outcome.FULL), DEPLOYMENT, 0, NOW)
    assert condition.limit(DEPLOYMENT) == 1
    assert renders_until(condition, 10) == 9 * FEWEST_RENDERS


@pytest.mark.parametrize("cap", [1, 2, 5, 20, 100])
def test_where_one_job_too_many_is_configured_less_than_one_in_a_hundred_is_refused(cap: int):
    deployment, condition, refused, renders = a_deployment(max_concurrent=cap + 1), Condition(), 0, 2000
    for _ in range(renders):
        if condition.limit(deployment) > cap:
            refused += 1
            condition.learn(a_refusal(Outcome.FULL), deployment, cap, NOW)
            assert condition.limit(deployment) >= DECREASE * cap
        render(condition, deployment=deployment)
    assert 5 <= refused <= renders / 100


def test_a_deployment_that_bears_more_again_is_soon_given_more():
    condition = Condition(concurrency=3, too_many=4, patience=MOST_RENDERS, renders_left=MOST_RENDERS)
    assert renders_until(condition, 4) == MOST_RENDERS
    assert renders_until(condition, 10) == 6 * FEWEST_RENDERS


def test_a_lower_configured_number_wins():
    assert Condition(concurrency=8).limit(a_deployment(max_concurrent=3)) == 3


@pytest.mark.parametrize(("others", "rested_s"), [(0, 4.5), (9, 0.0)])
def test_a_full_deployment_rests_only_if_no_end_of_ours_will_tell_when_it_has_room(others: int, rested_s: float):
    assert rest_s(after(Outcome.FULL, others=others, retry_after_s=4.5)) == rested_s


@pytest.mark.parametrize(
    ("wish_s", "rested_s"),
    [(0.25, 0.25), (7, 7), (None, COOLDOWN_S), (0, COOLDOWN_S), (LONGEST_WISH_S + 1, LONGEST_WISH_S)],
)
def test_who_was_asked_too_fast_rests_exactly_as_long_as_it_wishes(wish_s: float | None, rested_s: float):
    assert rest_s(after(Outcome.TOO_FAST, retry_after_s=wish_s)) == rested_s


def test_a_shorter_wish_does_not_shorten_a_rest():
    assert rest_s(after(Outcome.TOO_FAST, retry_after_s=1, rests_until=later(30))) == 30


@pytest.mark.parametrize("outcome", [Outcome.FULL, Outcome.TOO_FAST])
def test_whoever_answers_sensibly_is_not_failing(outcome: Outcome):
    assert after(outcome, faults=FAULTS_UNTIL_OPEN).faults == 0


def test_a_circuit_opens_at_the_third_failure_in_a_row_and_doubles_its_rest_with_each_probe_that_fails():
    condition, now, rests = Condition(), NOW, list[float]()
    for _ in range(8):
        condition.learn(a_refusal(Outcome.FAILED), DEPLOYMENT, 0, now)
        opens_at = condition.opens_at(DEPLOYMENT, now)
        rests.append((opens_at - now).total_seconds())
        now = opens_at
    assert rests == [0, 0, 10, 20, 40, 80, LONGEST_REST_S, LONGEST_REST_S]


def test_a_refused_credential_opens_it_at_once():
    condition = after(Outcome.REFUSED)
    assert (condition.is_open, rest_s(condition)) == (True, COOLDOWN_S)
    condition.learn(a_refusal(Outcome.REFUSED), DEPLOYMENT, 0, later(COOLDOWN_S))
    assert condition.opens_at(DEPLOYMENT, NOW) == later(COOLDOWN_S + 2 * COOLDOWN_S)


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.REFUSED])
def test_jobs_that_were_already_on_their_way_do_not_lengthen_the_rest(outcome: Outcome):
    condition = after(outcome, faults=FAULTS_UNTIL_OPEN, rests_until=later(3))
    assert (condition.faults, rest_s(condition)) == (FAULTS_UNTIL_OPEN, 3)


def test_a_failure_counts_though_it_rests_for_another_reason():
    assert after(Outcome.FAILED, faults=1, rests_until=later(3)).faults == 2


def test_a_render_ends_the_row_of_failures_but_closes_no_circuit():
    failing, opened = Condition(faults=2), Condition(faults=3)
    render(failing)
    render(opened)
    assert (failing.faults, opened.faults) == (0, 3)


def test_a_probe_that_was_taken_closes_the_circuit_and_ends_the_rest():
    condition = Condition(faults=5, rests_until=later(60))
    condition.learn(TOOK, DEPLOYMENT, 0, NOW)
    assert (condition.is_open, rest_s(condition)) == (False, 0)


def test_a_probe_that_was_taken_ends_no_rest_that_was_wished_for_meanwhile():
    condition = after(Outcome.TOO_FAST, faults=5, retry_after_s=30)
    condition.learn(TOOK, DEPLOYMENT, 0, NOW)
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
    condition = after(Outcome.FAILED)
    assert (condition.last_error, condition.last_error_at) == ("It is failed.", NOW)


@pytest.mark.parametrize("verdict", [TOOK, RENDERED])
def test_what_it_said_is_not_forgotten_when_it_works(verdict: Verdict):
    condition = after(Outcome.FAILED)
    condition.learn(verdict, DEPLOYMENT, 0, later(1))
    assert (condition.last_error, condition.last_error_at) == ("It is failed.", NOW)


def test_since_when_it_does_not_let_us_in_is_kept_with_why():
    condition = after(Outcome.REFUSED)
    condition.learn(a_refusal(Outcome.REFUSED, code=FailureCode.UNAUTHORIZED), DEPLOYMENT, 0, later(60))
    condition.learn(a_refusal(Outcome.FAILED), DEPLOYMENT, 0, later(120))
    assert (condition.refused_since, condition.refused_as) == (NOW, FailureCode.UNAUTHORIZED)


@pytest.mark.parametrize("outcome", [Outcome.TOOK, Outcome.RENDERED, Outcome.FULL, Outcome.TOO_FAST])
def test_whoever_answers_sensibly_lets_us_in(outcome: Outcome):
    assert after(outcome, faults=3, refused_since=NOW).refused_since is None
