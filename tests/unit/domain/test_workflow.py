"""Which step comes after which."""

import pytest

from domain.errors import UpstreamOverloaded, UpstreamUnauthorized
from domain.failures import CANCELLATION, Failure
from domain.slot import Fault, Verdict
from domain.video import Video
from domain.workflow import CANCELLED, Step, StepRequest, StepResult
from tests.unit.examples import NOW, PRICE, a_video

SUBMITTING = a_video().submitting("west", NOW, usd_per_second=PRICE)
RENDERING = SUBMITTING.in_progress("job-1", NOW)
VERDICT = Verdict(fault=Fault.TOO_FAST, error="HTTP 429")
FAILURE = Failure(code="render_failed", message="No.")
BUSY, DENIED = UpstreamOverloaded("HTTP 429"), UpstreamUnauthorized("HTTP 401")


def a_request(step: Step, failure: Failure | None = None, **changes: object) -> StepRequest:
    return StepRequest.first(a_video()).model_copy(update={"step": step, "failure": failure, **changes})


def after(request: StepRequest, *troubles: Exception | None) -> StepRequest:
    """The request once its step met these troubles, one after the other."""
    for trouble in troubles:
        following = request.after(StepResult.retry(1, trouble))
        assert following
        request = following
    return request


@pytest.mark.parametrize(
    ("step", "following"), [(Step.SUBMIT, Step.CHECK), (Step.CHECK, Step.RELEASE), (Step.COPY, Step.END)]
)
def test_a_step_that_is_done_is_followed_by_the_next_one_afresh(step: Step, following: Step):
    assert after(a_request(step), BUSY, BUSY).after(StepResult.done(delay_s=2)) == a_request(following)


def test_a_slot_is_kept_from_its_grant_to_its_release():
    granted = a_request(Step.ACQUIRE).after(StepResult.granted("east", probing=False, wake=()))
    assert granted == a_request(Step.SUBMIT, deployment="east")
    released = a_request(Step.RELEASE, deployment="east").after(StepResult.done())
    assert released == a_request(Step.COPY)


def test_a_probe_that_was_taken_is_confirmed_at_once():
    probing = a_request(Step.SUBMIT, deployment="east", probing=True)
    confirming = probing.after(StepResult.done())
    assert confirming == a_request(Step.CONFIRM, deployment="east", probing=True)
    assert confirming.after(StepResult.done()) == a_request(Step.CHECK, deployment="east", probing=True)


def test_a_refused_video_gives_its_slot_back_and_asks_for_another_remembering_its_troubles():
    submitting = a_request(Step.SUBMIT, deployment="east", troubles={"UpstreamOverloaded": 1})
    releasing = submitting.after(StepResult.refused(VERDICT, BUSY))
    assert releasing == a_request(Step.RELEASE, deployment="east", verdict=VERDICT, troubles={"UpstreamOverloaded": 2})
    assert releasing.after(StepResult.done()) == a_request(Step.ACQUIRE, troubles={"UpstreamOverloaded": 2})


def test_who_waits_in_the_line_forgets_no_troubles():
    waiting = a_request(Step.ACQUIRE, troubles={"UpstreamUnauthorized": 2})
    assert waiting.after(StepResult.retry(300)) == waiting


def test_a_video_may_ask_another_models_pool_and_asks_its_own_again_after_a_refusal():
    elsewhere = a_request(Step.ACQUIRE).after(StepResult.elsewhere("sora-2-pro"))
    assert elsewhere == a_request(Step.ACQUIRE, pool="sora-2-pro")
    refused = a_request(Step.RELEASE, pool="sora-2-pro", deployment="pro", verdict=VERDICT)
    assert refused.after(StepResult.done()) == a_request(Step.ACQUIRE)


def test_a_refused_video_that_began_again_does_not_insist_on_the_deployment_that_refused_it():
    begun_again = StepRequest.first(SUBMITTING).after(StepResult.granted("west", probing=False, wake=()))
    assert begun_again
    releasing = begun_again.after(StepResult.refused(VERDICT, BUSY))
    assert releasing
    asking = releasing.after(StepResult.done())
    assert asking
    assert (asking.step, asking.demand.running_on) == (Step.ACQUIRE, None)


@pytest.mark.parametrize("step", [Step.SUBMIT, Step.CHECK])
def test_a_failure_gives_the_slot_back_before_it_ends_the_video(step: Step):
    releasing = a_request(step, deployment="east").after(StepResult.failed(FAILURE, VERDICT))
    assert releasing == a_request(Step.RELEASE, FAILURE, deployment="east", verdict=VERDICT)
    assert releasing.after(StepResult.done()) == a_request(Step.END, FAILURE)


def test_news_of_a_cancellation_take_a_video_out_of_the_line():
    assert a_request(Step.ACQUIRE).told(CANCELLED) == a_request(Step.RELEASE, CANCELLATION)
    assert a_request(Step.ACQUIRE).told(None) == a_request(Step.ACQUIRE)


@pytest.mark.parametrize("step", set(Step) - {Step.ACQUIRE})
def test_every_other_step_reads_the_news_in_the_record(step: Step):
    assert a_request(step).told(CANCELLED) == a_request(step)


@pytest.mark.parametrize("step", [step for step in Step if not step.is_of_pool])
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


@pytest.mark.parametrize("step", [Step.ACQUIRE, Step.COPY])
def test_a_failure_without_a_slot_leads_straight_to_the_end_and_is_taken_along(step: Step):
    assert after(a_request(step), BUSY).after(StepResult.failed(FAILURE)) == a_request(Step.END, FAILURE)


@pytest.mark.parametrize("step", Step)
def test_nothing_comes_after_a_step_that_left_nothing_to_do(step: Step):
    assert a_request(step).after(StepResult.end()) is None


@pytest.mark.parametrize("result", [StepResult.done(), StepResult.failed(FAILURE)])
def test_nothing_comes_after_the_end(result: StepResult):
    assert a_request(Step.END).after(result) is None


@pytest.mark.parametrize(
    ("video", "step", "running_on"),
    [
        (a_video(), Step.ACQUIRE, None),
        (SUBMITTING, Step.ACQUIRE, "west"),
        (RENDERING, Step.ACQUIRE, "west"),
        (RENDERING.copying(NOW, rendered_s=4), Step.COPY, None),
    ],
)
def test_a_workflow_begins_where_the_record_is(video: Video, step: Step, running_on: str | None):
    first = StepRequest.first(video)
    assert (first.step, first.demand.running_on, first.pool) == (step, running_on, "sora-2")


@pytest.mark.parametrize("request_", [a_request(Step.SUBMIT), after(a_request(Step.END, FAILURE), BUSY, BUSY)])
def test_a_request_survives_the_history(request_: StepRequest):
    assert StepRequest.model_validate(request_.model_dump(mode="json", exclude_defaults=True)) == request_
