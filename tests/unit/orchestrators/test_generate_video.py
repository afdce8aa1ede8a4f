"""The orchestration runs one step after the other, waits as long as it is told, and listens meanwhile."""

from collections.abc import Generator, Sequence
from collections.abc import Set as AbstractSet
from datetime import timedelta
from typing import Any, cast

import pytest
from durabletask.task import CompletableTask, OrchestrationContext, RetryPolicy, Task

from domain.errors import UpstreamOverloaded
from domain.failures import Failure
from domain.workflow import WAKE, Step, StepRequest, StepResult
from orchestrators.generate_video import OUR_OWN_FAULTS, STEPS_PER_HISTORY, generate_video
from tests.unit.examples import a_video

FIRST = StepRequest(video=a_video().ref)
FAILURE = Failure(code="cancelled", message="Cancelled.")
BUSY = UpstreamOverloaded("HTTP 429")
DONE, AGAIN = StepResult.done(), StepResult.retry(5, BUSY)


class FakeContext:
    """The context of one orchestration: what is asked of it is written down, and answered by `run`."""

    def __init__(self) -> None:
        self.requests = list[StepRequest]()
        self.activity = CompletableTask[dict[str, Any]]()
        self.delays_s = list[float]()
        self.timer = CompletableTask[None]()
        self.listened = 0
        self.news = CompletableTask[None]()
        self.continued: StepRequest | None = None

    def call_activity(
        self,
        activity: str,
        *,
        input: dict[str, Any],  # noqa: A002 - the engine's word
        return_type: type,
        retry_policy: RetryPolicy,
    ) -> Task[Any]:
        request = StepRequest.model_validate(input)
        assert (activity, return_type, retry_policy) == (request.step, dict, OUR_OWN_FAULTS)
        self.requests.append(request)
        self.activity = CompletableTask[dict[str, Any]]()
        return self.activity

    def create_timer(self, fire_at: timedelta) -> Task[None]:
        self.delays_s.append(fire_at.total_seconds())
        self.timer = CompletableTask[None]()
        return self.timer

    def wait_for_external_event(self, name: str) -> Task[None]:
        assert name == WAKE
        self.listened += 1
        self.news = CompletableTask[None]()
        return self.news

    def continue_as_new(self, new_input: dict[str, Any], *, save_events: bool) -> None:
        assert save_events
        self.continued = StepRequest.model_validate(new_input)


def run(
    answers: Sequence[StepResult],
    *,
    news_during_step: AbstractSet[int] = frozenset(),
    news_during_wait: AbstractSet[int] = frozenset(),
    first: StepRequest = FIRST,
) -> FakeContext:
    """Run the orchestration as an engine does, until it returns; steps and waits are counted from 0."""
    context, left, waits = FakeContext(), list(answers), 0
    steps = generate_video(cast("OrchestrationContext", context), first.model_dump(mode="json", exclude_none=True))
    task = resumed(steps, None)
    while task:
        if task is context.activity:
            if len(context.requests) - 1 in news_during_step:
                context.news.complete(None)
            context.activity.complete(left.pop(0).model_dump(mode="json", exclude_none=True))
        elif not task.is_complete:
            (context.news if waits in news_during_wait else context.timer).complete(None)
            waits += 1
        task = resumed(steps, task.get_result())
    assert left == []
    return context


def resumed(steps: Generator[Task[Any], Any], result: Any) -> Task[Any] | None:
    """What the orchestration waits for next; None when it has returned."""
    try:
        return steps.send(result)
    except StopIteration:
        return None


def steps_of(context: FakeContext) -> list[Step]:
    return [request.step for request in context.requests]


def test_a_video_that_goes_well_takes_each_step_once():
    context = run([DONE] * 4)
    assert steps_of(context) == [Step.SUBMIT, Step.CHECK, Step.COPY, Step.END]
    assert context.delays_s == []
    assert context.continued is None


def test_a_video_that_its_copy_ended_takes_no_further_step():
    context = run([DONE, DONE, StepResult.end()])
    assert steps_of(context) == [Step.SUBMIT, Step.CHECK, Step.COPY]
    assert context.continued is None


def test_a_step_that_met_trouble_runs_again_after_a_while_and_is_counted():
    context = run([AGAIN, StepResult.retry(7, BUSY), DONE, DONE, DONE, DONE])
    assert steps_of(context) == [Step.SUBMIT] * 3 + [Step.CHECK, Step.COPY, Step.END]
    assert [request.attempts_at(BUSY) for request in context.requests] == [0, 1, 2, 0, 0, 0]
    assert context.delays_s == [5, 7]


def test_the_next_step_waits_if_the_last_one_says_so():
    context = run([StepResult.done(delay_s=36), DONE, DONE, DONE])
    assert context.delays_s == [36]


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_a_failure_ends_the_video_and_is_taken_to_the_end(failing: int):
    context = run([*[DONE] * failing, StepResult.failed(FAILURE), DONE])
    assert steps_of(context)[failing + 1 :] == [Step.END]
    assert context.requests[-1].failure == FAILURE


def test_an_end_that_is_not_done_runs_again_with_its_failure():
    context = run([StepResult.failed(FAILURE), AGAIN, DONE])
    assert [request.failure for request in context.requests[1:]] == [FAILURE, FAILURE]


def test_news_end_a_wait_early_and_are_listened_for_again():
    context = run([AGAIN, DONE, DONE, DONE, DONE], news_during_wait={0})
    assert context.delays_s == [5]
    assert not context.timer.is_complete
    assert context.listened == 2


def test_news_during_a_step_spare_the_wait_after_it():
    context = run([AGAIN, AGAIN, DONE, DONE, DONE, DONE], news_during_step={0})
    assert context.delays_s == [5, 5]
    assert context.listened == 2
    assert context.timer.is_complete


def test_a_history_stays_short_however_long_a_video_waits():
    context = run([AGAIN] * STEPS_PER_HISTORY)
    assert len(context.requests) == STEPS_PER_HISTORY
    assert context.continued == FIRST.model_copy(update={"troubles": {"UpstreamOverloaded": STEPS_PER_HISTORY}})


def test_a_continued_orchestration_goes_on_where_it_was():
    copying = StepRequest(video=FIRST.video, step=Step.COPY, troubles={"UpstreamOverloaded": STEPS_PER_HISTORY})
    context = run([DONE, DONE], first=copying)
    assert context.requests == [copying, StepRequest(video=FIRST.video, step=Step.END)]


def test_a_video_that_ends_with_the_last_step_of_a_history_is_not_continued():
    context = run([*[AGAIN] * (STEPS_PER_HISTORY - 4), DONE, DONE, DONE, DONE])
    assert context.continued is None
