"""What follows when a deployment did not take a job."""

import pytest

from domain.errors import (
    ContentInvalid,
    OutcomeUnknown,
    UpstreamError,
    UpstreamNotFound,
    UpstreamOverloaded,
    UpstreamRejected,
    UpstreamUnauthorized,
    UpstreamUnavailable,
)
from domain.failures import FailureCode, VideoFailed
from domain.submission import LONGEST_WISH_S, PATIENCE, delay_after_refusal_s, retry_delay_s

DAY_S = 86_400.0


def decision(error: UpstreamError, *, attempt: int = 0, queued_s: float = 0) -> float | str:
    """The delay before another attempt, or the code of the failure."""
    try:
        return delay_after_refusal_s(error, attempt=attempt, queued_s=queued_s, max_queued_s=DAY_S)
    except VideoFailed as failed:
        return failed.failure.code


def test_a_rejection_is_final_and_keeps_the_deployments_own_code():
    assert decision(UpstreamRejected("no", code="content_filter")) == "content_filter"
    assert decision(UpstreamRejected("no")) == FailureCode.REJECTED


def test_the_failure_says_what_the_deployment_said():
    with pytest.raises(VideoFailed) as failed:
        delay_after_refusal_s(UpstreamRejected("No foxes."), attempt=0, queued_s=0, max_queued_s=DAY_S)
    assert failed.value.failure.message == "No foxes."


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UpstreamUnauthorized("no"), FailureCode.UNAUTHORIZED),
        (UpstreamNotFound("no"), FailureCode.DEPLOYMENT_NOT_FOUND),
    ],
)
def test_what_an_operator_can_mend_is_tried_a_few_times(error: UpstreamError, code: str):
    assert [decision(error, attempt=attempt) for attempt in range(PATIENCE + 1)] == [1, 2, 4, code]


@pytest.mark.parametrize("error", [UpstreamOverloaded("busy"), UpstreamUnavailable("down")])
def test_a_deployment_without_room_is_asked_again_until_the_video_has_waited_too_long(error: UpstreamError):
    assert decision(error, attempt=1_000, queued_s=DAY_S - 1) == 60
    assert decision(error, queued_s=DAY_S) == FailureCode.NO_CAPACITY


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
