"""What a video needs, and what an error shows of a deployment."""

import pytest

from domain.errors import (
    NoCredential,
    UpstreamError,
    UpstreamFull,
    UpstreamNotFound,
    UpstreamOverloaded,
    UpstreamUnauthorized,
    UpstreamUnavailable,
)
from domain.failures import FailureCode
from domain.slot import Demand, Outcome, Verdict
from tests.unit.domain.pool_world import a_demand
from tests.unit.examples import NOW, PRICE, a_video


@pytest.mark.parametrize(
    ("error", "outcome", "code"),
    [
        (UpstreamFull("No."), Outcome.FULL, FailureCode.NO_CAPACITY),
        (UpstreamOverloaded("No."), Outcome.TOO_FAST, FailureCode.NO_CAPACITY),
        (UpstreamUnauthorized("No."), Outcome.REFUSED, FailureCode.UNAUTHORIZED),
        (NoCredential("No."), Outcome.REFUSED, FailureCode.UNAUTHORIZED),
        (UpstreamNotFound("No."), Outcome.REFUSED, FailureCode.DEPLOYMENT_NOT_FOUND),
        (UpstreamUnavailable("No."), Outcome.FAILED, FailureCode.NO_CAPACITY),
    ],
)
def test_each_error_shows_one_outcome(error: UpstreamError, outcome: Outcome, code: FailureCode):
    assert Verdict.on(error) == Verdict(outcome=outcome, error="No.", code=code)


@pytest.mark.parametrize("kind", [UpstreamFull, UpstreamOverloaded])
def test_a_wish_to_be_left_alone_is_passed_on(kind: type[UpstreamOverloaded]):
    assert Verdict.on(kind("No.", retry_after_s=2.5)).retry_after_s == 2.5


def test_a_demand_is_what_was_asked_for():
    video = a_video()
    assert Demand.of(video) == a_demand(size=video.size, seconds=video.seconds)


def test_a_video_that_may_have_a_job_needs_the_deployment_that_has_it():
    submitting = a_video().submitting("west", NOW, usd_per_second=PRICE)
    assert Demand.of(submitting).running_on == "west"
    assert Demand.of(submitting.refused()).running_on is None
