"""What follows when a deployment did not take a job."""

import pytest

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
from domain.slot import Fault, Verdict
from domain.submission import (
    LONGEST_WISH_S,
    PATIENCE,
    PATIENCE_WITHOUT_CREDENTIAL,
    UNANSWERED,
    after_refusal,
    outcome_unknown,
    retry_delay_s,
)
from domain.workflow import StepResult


def code_of(error: UpstreamError, *, attempt: int = 0) -> str | None:
    """The code of the failure that follows; None if another slot is asked for."""
    result = after_refusal(error, attempt=attempt)
    return result.failure.code if result.failure else None


def test_a_rejection_is_final_and_keeps_the_deployments_own_code():
    assert code_of(UpstreamRejected("no", code="content_filter")) == "content_filter"
    assert code_of(UpstreamRejected("no")) == FailureCode.REJECTED


def test_a_rejection_says_what_the_deployment_said_and_nothing_about_it():
    result = after_refusal(UpstreamRejected("No foxes."), attempt=0)
    assert result.failure
    assert result.failure.message == "No foxes."
    assert result.verdict is None


@pytest.mark.parametrize(
    ("error", "patience", "code"),
    [
        (UpstreamUnauthorized("no"), PATIENCE, FailureCode.UNAUTHORIZED),
        (NoCredential("no"), PATIENCE_WITHOUT_CREDENTIAL, FailureCode.UNAUTHORIZED),
        (UpstreamNotFound("no"), PATIENCE, FailureCode.DEPLOYMENT_NOT_FOUND),
    ],
)
def test_what_an_operator_can_mend_is_tried_a_few_times(error: UpstreamError, patience: int, code: str):
    assert [code_of(error, attempt=attempt) for attempt in range(patience + 1)] == [*[None] * patience, code]
    for attempt in (0, patience):
        assert after_refusal(error, attempt=attempt).verdict == Verdict(fault=Fault.REFUSED, error="no")


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (UpstreamFull("busy"), Fault.FULL),
        (UpstreamOverloaded("busy"), Fault.TOO_FAST),
        (UpstreamUnavailable("busy"), Fault.FAILED),
    ],
)
def test_a_deployment_without_room_costs_a_video_its_slot_and_nothing_more(error: UpstreamError, fault: Fault):
    assert after_refusal(error, attempt=1_000) == StepResult.refused(Verdict(fault=fault, error="busy"), error)


def test_an_unknown_outcome_ends_the_video_and_speaks_against_its_deployment():
    result = outcome_unknown("nobody can tell.")
    assert result.failure == Failure(
        code="outcome_unknown", message="The deployment did not answer a creation, and nobody can tell."
    )
    assert result.verdict == UNANSWERED


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
