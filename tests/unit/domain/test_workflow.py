"""Which step comes after which."""

import pytest

from domain.errors import UpstreamOverloaded, UpstreamUnauthorized
from domain.failures import CANCELLATION, Failure
from domain.slot import RENDERED, TOOK, UNANSWERED, Outcome, Verdict
from domain.video import Video
from domain.workflow import News, Step, StepRequest, StepResult
from tests.unit.examples import NOW, PRICE, a_video

SUBMITTING = a_video().submitting("west", NOW, usd_per_second=PRICE)
RENDERING = SUBMITTING.in_progress("job-1", NOW)
VERDICT = Verdict(outcome=Outcome.TOO_FAST, error="HTTP 429")
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


def test_steps_that_are_done_follow_one_another_afresh():
    submitting = after(a_request(Step.SUBMIT), BUSY, BUSY)
    assert submitting.after(StepResult.done(delay_s=2)) == a_request(Step.CHECK)
    assert after(a_request(Step.COPY), BUSY).after(StepResult.done()) == a_request(Step.END)


def test_a_slot_is_kept_from_its_grant_to_the_end_of_the_render():
    granted = a_request(Step.ACQUIRE).after(StepResult.granted("east", probing=False, wake=()))
    assert granted == a_request(Step.SUBMIT, deployment="east")
    releasing = after(a_request(Step.CHECK, deployment="east"), BUSY).after(StepResult.done())
    assert releasing == a_request(Step.RELEASE, deployment="east", then=Step.COPY, verdict=RENDERED)
    assert releasing.after(StepResult.done()) == a_request(Step.COPY)


def test_a_probe_that_was_taken_is_reported_at_once():
    probing = a_request(Step.SUBMIT, deployment="east", probing=True)
    reporting = probing.after(StepResult.done())
    assert reporting == a_request(Step.REPORT, deployment="east", then=Step.CHECK, verdict=TOOK)
    assert reporting.after(StepResult.done()) == a_request(Step.CHECK, deployment="east")


def test_a_creation_without_an_answer_is_reported_before_its_job_is_looked_for():
    submitting = a_request(Step.SUBMIT, deployment="east", probing=True)
    reporting = submitting.after(StepResult.unanswered(1))
    assert reporting == submitting.model_copy(update={"step": Step.REPORT, "then": Step.SUBMIT, "verdict": UNANSWERED})
    assert reporting.after(StepResult.done()) == submitting


@pytest.mark.parametrize("verdict", [VERDICT, None])
def test_a_refused_video_gives_its_slot_back_and_asks_for_another(verdict: Verdict | None):
    submitting = a_request(Step.SUBMIT, deployment="east", troubles={"UpstreamOverloaded": 1})
    releasing = submitting.after(StepResult.give_back(verdict))
    assert releasing == a_request(Step.RELEASE, deployment="east", then=Step.ACQUIRE, verdict=verdict)
    assert releasing.after(StepResult.done()) == a_request(Step.ACQUIRE)


def test_a_video_that_began_again_does_not_insist_on_a_deployment_that_refused_it():
    again = StepRequest.first(SUBMITTING).model_copy(
        update={"step": Step.RELEASE, "then": Step.ACQUIRE, "deployment": "west"}
    )
    assert again.after(StepResult.done()) == a_request(Step.ACQUIRE)


def test_a_video_may_ask_another_models_pool_and_asks_its_own_again_after_a_refusal():
    elsewhere = a_request(Step.ACQUIRE).after(StepResult.elsewhere("sora-2-pro"))
    assert elsewhere == a_request(Step.ACQUIRE, pool="sora-2-pro")
    refused = a_request(Step.RELEASE, pool="sora-2-pro", deployment="pro", then=Step.ACQUIRE, verdict=VERDICT)
    assert refused.after(StepResult.done()) == a_request(Step.ACQUIRE)


@pytest.mark.parametrize("step", [Step.SUBMIT, Step.CHECK])
def test_a_failed_videos_job_is_tidied_up_before_its_slot_is_given_back(step: Step):
    ending = a_request(step, deployment="east").after(StepResult.failed(FAILURE))
    assert ending == a_request(Step.END, FAILURE, deployment="east")
    releasing = after(ending, BUSY).after(StepResult.done())
    assert releasing
    assert (releasing.step, releasing.then) == (Step.RELEASE, None)
    assert releasing.after(StepResult.done()) is None


ABOUT_TO_ASK = [
    a_request(Step.ACQUIRE),
    a_request(Step.RELEASE, deployment="east", then=Step.ACQUIRE, verdict=VERDICT),
]


@pytest.mark.parametrize("request_", ABOUT_TO_ASK, ids=["waits", "was refused"])
def test_news_of_a_cancellation_keep_a_video_from_waiting_on(request_: StepRequest):
    leaving = request_.told(News(cancelled=True))
    assert leaving == request_.model_copy(update={"step": Step.RELEASE, "then": Step.END, "failure": CANCELLATION})
    ending = leaving.after(StepResult.done())
    assert ending == a_request(Step.END, CANCELLATION)
    assert ending.after(StepResult.done()) is None


def test_a_cancelled_video_whose_job_may_exist_looks_for_it_first():
    asking = StepRequest.first(SUBMITTING)
    assert asking.told(News(cancelled=True)) == asking


def test_news_of_a_slot_in_another_pool_lead_there():
    assert a_request(Step.ACQUIRE).told(News(pool="pro")) == a_request(Step.ACQUIRE, pool="pro")
    assert a_request(Step.ACQUIRE).told(News()) == a_request(Step.ACQUIRE)


@pytest.mark.parametrize("step", [step for step in Step if step is not Step.ACQUIRE])
@pytest.mark.parametrize("news", [News(cancelled=True), News(pool="pro")])
def test_every_other_step_reads_the_news_in_the_record(step: Step, news: News):
    assert a_request(step).told(news) == a_request(step)


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
