"""What follows when a deployment did not take a job."""

import pytest

from domain.condition import LONGEST_WISH_S
from domain.errors import (
    ContentInvalid,
    NoCredential,
    OutcomeUnknown,
    UpstreamError,
    UpstreamFull,
    UpstreamNotFound,
    UpstreamOverloaded,
    UpstreamRejected,
    UpstreamUnauthorized,
    UpstreamUnavailable,
)
from domain.failures import Failure, FailureCode
from domain.slot import Verdict
from domain.submission import (
    after_refusal,
    outcome_unknown,
    retry_delay_s,
)
from domain.workflow import StepResult


def test_a_rejection_is_final_and_keeps_the_deployments_own_code():
    filtered = after_refusal(UpstreamRejected("No foxes.", code="content_filter"))
    assert filtered == StepResult.failed(Failure(code="content_filter", message="No foxes."))
    assert after_refusal(UpstreamRejected("No.")) == StepResult.failed(
        Failure(code=FailureCode.REJECTED, message="No.")
    )


@pytest.mark.parametrize(
    "error",
    [
        UpstreamFull("no"),
        UpstreamOverloaded("no"),
        UpstreamUnauthorized("no"),
        NoCredential("no"),
        UpstreamNotFound("no"),
    ],
)
def test_any_other_refusal_costs_a_video_its_slot_and_is_the_pools_concern(error: UpstreamError):
    assert after_refusal(error) == StepResult.give_back(Verdict.on(error))


def test_an_unknown_outcome_ends_the_video():
    failure = outcome_unknown("nobody can tell.").failure
    assert failure == Failure(
        code="outcome_unknown", message="The deployment did not answer a creation, and nobody can tell."
    )


@pytest.mark.parametrize("kind", [UpstreamOverloaded, UpstreamUnavailable])
def test_a_deployments_wish_is_obeyed(kind: type[UpstreamOverloaded | UpstreamUnavailable]):
    assert retry_delay_s(kind("busy", retry_after_s=7.5), attempt=9) == 7.5


@pytest.mark.parametrize("kind", [UpstreamOverloaded, UpstreamUnavailable])
def test_a_wish_is_obeyed_within_reason(kind: type[UpstreamOverloaded | UpstreamUnavailable]):
    assert retry_delay_s(kind("busy", retry_after_s=10**9), attempt=0) == LONGEST_WISH_S
    assert retry_delay_s(kind("busy", retry_after_s=0), attempt=2) == 4


@pytest.mark.parametrize("error", [OutcomeUnknown("?"), ContentInvalid("half"), UpstreamOverloaded("busy")])
def test_without_a_wish_the_wait_doubles_up_to_a_minute(error: UpstreamError):
    assert [retry_delay_s(error, attempt=attempt) for attempt in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_backoff_is_bounded_however_often_it_failed():
    assert retry_delay_s(UpstreamOverloaded("busy"), attempt=10**6) == 60
