"""Which step comes after which."""

import pytest

from domain.errors import UpstreamOverloaded, UpstreamUnauthorized
from domain.failures import Failure
from domain.workflow import Step, StepRequest, StepResult
from tests.unit.examples import a_video

FAILURE = Failure(code="render_failed", message="No.")
BUSY, DENIED = UpstreamOverloaded("HTTP 429"), UpstreamUnauthorized("HTTP 401")


def a_request(step: Step, failure: Failure | None = None) -> StepRequest:
    return StepRequest(video=a_video().ref, step=step, failure=failure)


def after(request: StepRequest, *troubles: Exception | None) -> StepRequest:
    """The request once its step met these troubles, one after the other."""
    for trouble in troubles:
        following = request.after(StepResult.retry(1, trouble))
        assert following
        request = following
    return request


@pytest.mark.parametrize(
    ("step", "following"), [(Step.SUBMIT, Step.CHECK), (Step.CHECK, Step.COPY), (Step.COPY, Step.END)]
)
def test_a_step_that_is_done_is_followed_by_the_next_one_afresh(step: Step, following: Step):
    assert after(a_request(step), BUSY, BUSY).after(StepResult.done(delay_s=2)) == a_request(following)


@pytest.mark.parametrize("step", Step)
def test_a_step_that_is_not_done_runs_again_with_its_failure(step: Step):
    assert after(a_request(step, FAILURE), None) == a_request(step, FAILURE)
    troubled = after(a_request(step, FAILURE), BUSY)
    assert (troubled.step, troubled.failure) == (step, FAILURE)


@pytest.mark.parametrize(
    ("troubles", "busy", "denied"),
    [
        ([], 0, 0),
        ([BUSY], 1, 0),
        ([BUSY, UpstreamOverloaded("HTTP 503", retry_after_s=5), BUSY], 3, 0),
        ([BUSY, BUSY, BUSY, DENIED], 3, 1),
        ([BUSY, DENIED, BUSY, DENIED], 2, 2),
        ([BUSY, BUSY, None], 0, 0),
        ([BUSY, BUSY, None, BUSY], 1, 0),
        ([*[None] * 50, BUSY], 1, 0),
    ],
)
def test_each_trouble_is_counted_until_a_run_meets_none(troubles: list[Exception | None], busy: int, denied: int):
    request = after(a_request(Step.SUBMIT), *troubles)
    assert (request.attempts_at(BUSY), request.attempts_at(DENIED)) == (busy, denied)


@pytest.mark.parametrize("step", [Step.SUBMIT, Step.CHECK, Step.COPY])
def test_a_failure_leads_straight_to_the_end_and_is_taken_along(step: Step):
    assert after(a_request(step), BUSY).after(StepResult.failed(FAILURE)) == a_request(Step.END, FAILURE)


@pytest.mark.parametrize("step", Step)
def test_nothing_comes_after_a_step_that_left_nothing_to_do(step: Step):
    assert a_request(step).after(StepResult.end()) is None


@pytest.mark.parametrize("result", [StepResult.done(), StepResult.failed(FAILURE)])
def test_nothing_comes_after_the_end(result: StepResult):
    assert a_request(Step.END).after(result) is None


def test_a_workflow_begins_with_the_submission():
    assert StepRequest(video=a_video().ref) == a_request(Step.SUBMIT)


@pytest.mark.parametrize("request_", [a_request(Step.SUBMIT), after(a_request(Step.END, FAILURE), BUSY, BUSY)])
def test_a_request_survives_the_history(request_: StepRequest):
    assert StepRequest.model_validate(request_.model_dump(mode="json", exclude_none=True)) == request_
