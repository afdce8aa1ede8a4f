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
from domain.slot import Demand, Fault, Verdict
from tests.unit.domain.pool_world import a_demand
from tests.unit.examples import NOW, PRICE, a_video


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (UpstreamFull("No."), Fault.FULL),
        (UpstreamOverloaded("No."), Fault.TOO_FAST),
        (UpstreamUnauthorized("No."), Fault.REFUSED),
        (UpstreamNotFound("No."), Fault.REFUSED),
        (NoCredential("No."), Fault.REFUSED),
        (UpstreamUnavailable("No."), Fault.FAILED),
    ],
)
def test_each_error_shows_one_fault(error: UpstreamError, fault: Fault):
    assert Verdict.on(error) == Verdict(fault=fault, error="No.")


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
