"""Which step comes after which."""

import pytest

from domain.failures import Failure
from domain.workflow import Step, StepRequest, StepResult
from tests.unit.examples import a_video

FAILURE = Failure(code="render_failed", message="No.")


def a_request(step: Step, attempt: int = 0, failure: Failure | None = None) -> StepRequest:
    return StepRequest(video=a_video().ref, step=step, attempt=attempt, failure=failure)


@pytest.mark.parametrize(
    ("step", "following"), [(Step.SUBMIT, Step.CHECK), (Step.CHECK, Step.COPY), (Step.COPY, Step.END)]
)
def test_a_step_that_is_done_is_followed_by_the_next_one_afresh(step: Step, following: Step):
    assert a_request(step, attempt=5).after(StepResult.done(delay_s=2)) == a_request(following)


@pytest.mark.parametrize("step", Step)
def test_a_step_that_is_not_done_runs_again_and_counts(step: Step):
    before = a_request(step, attempt=2, failure=FAILURE)
    assert before.after(StepResult.retry(1)) == a_request(step, attempt=3, failure=FAILURE)


@pytest.mark.parametrize("step", [Step.SUBMIT, Step.CHECK, Step.COPY])
def test_a_failure_leads_straight_to_the_end_and_is_taken_along(step: Step):
    assert a_request(step, attempt=1).after(StepResult.failed(FAILURE)) == a_request(Step.END, failure=FAILURE)


@pytest.mark.parametrize("result", [StepResult.done(), StepResult.failed(FAILURE)])
def test_nothing_comes_after_the_end(result: StepResult):
    assert a_request(Step.END).after(result) is None


def test_a_workflow_begins_with_the_submission():
    assert StepRequest(video=a_video().ref) == a_request(Step.SUBMIT)


@pytest.mark.parametrize("request_", [a_request(Step.SUBMIT), a_request(Step.END, 3, FAILURE)])
def test_a_request_survives_the_history(request_: StepRequest):
    assert StepRequest.model_validate(request_.model_dump(mode="json", exclude_none=True)) == request_
