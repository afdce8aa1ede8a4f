"""The orchestration of a batch takes a step when videos have ended, and at least once a minute."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, cast

from durabletask.task import CompletableTask, OrchestrationContext, RetryPolicy, Task

from domain.batch import BatchRef
from domain.batch_workflow import BatchRequest, BatchResult, BatchStep
from domain.workflow import WAKE
from orchestrators.generate_video import OUR_OWN_FAULTS
from orchestrators.run_batch import GUARD, STEPS_PER_HISTORY, run_batch

FIRST = BatchRequest(batch=BatchRef(tenant="acme", batch_id="batch_1"))
MORE = BatchResult(following=BatchStep.ADVANCE)
WAIT = BatchResult(following=BatchStep.ADVANCE, waits=True)
END = BatchResult()


class FakeContext:
    """Writes down what is asked of it; `news` is what has happened by each wait, None if nothing but time."""

    def __init__(self, news: Sequence[Sequence[str | None] | None]) -> None:
        self.news = list(news)
        self.requests = list[BatchRequest]()
        self.heard = list[str | None]()
        self.step = CompletableTask[dict[str, Any]]()
        self.guards = list[CompletableTask[None]]()
        self.event = CompletableTask[str | None]()
        self.continued: BatchRequest | None = None

    def call_activity(
        self,
        activity: str,
        *,
        input: dict[str, Any],  # noqa: A002 - the engine's word
        return_type: type,
        retry_policy: RetryPolicy,
    ) -> Task[Any]:
        request = BatchRequest.model_validate(input)
        assert (activity, return_type, retry_policy) == (request.step, dict, OUR_OWN_FAULTS)
        self.requests.append(request)
        self.step = CompletableTask[dict[str, Any]]()
        return self.step

    def create_timer(self, fire_at: timedelta) -> Task[None]:
        assert fire_at == GUARD
        self.guards.append(CompletableTask[None]())
        return self.guards[-1]

    def wait_for_external_event(self, name: str, *, data_type: type) -> Task[str | None]:
        assert (name, data_type) == (WAKE, str)
        self.event = CompletableTask[str | None]()
        if self.heard:
            self.event.complete(self.heard.pop(0))
        return self.event

    def happen(self) -> None:
        events = self.news.pop(0)
        if events is None:
            self.guards[-1].complete(None)
            return
        first, *self.heard = events
        self.event.complete(first)

    def continue_as_new(self, new_input: dict[str, Any], *, save_events: bool) -> None:
        assert save_events
        self.continued = BatchRequest.model_validate(new_input)


def run(answers: Sequence[BatchResult], *news: Sequence[str | None] | None) -> FakeContext:
    """Run it as an engine does, until it returns."""
    context, left = FakeContext(news), list(answers)
    steps = run_batch(cast("OrchestrationContext", context), FIRST.model_dump(mode="json", exclude_defaults=True))
    try:
        task = next(steps)
        while True:
            if task is context.step:
                context.step.complete(left.pop(0).model_dump(mode="json", exclude_defaults=True))
            elif not task.is_complete:
                context.happen()
            task = steps.send(task.get_result())
    except StopIteration:
        assert left == []
        return context


def test_it_validates_then_advances_until_the_end():
    context = run([MORE, MORE, END])
    assert [request.step for request in context.requests] == [BatchStep.VALIDATE, BatchStep.ADVANCE, BatchStep.ADVANCE]
    assert context.continued is None


def test_it_is_told_of_all_that_ended_meanwhile_at_once():
    context = run([MORE, WAIT, WAIT, END], ["video_a", "video_b", "video_c"], ["video_d"])
    assert [request.ended for request in context.requests] == [None, [], ["video_a", "video_b", "video_c"], ["video_d"]]


def test_what_was_too_much_for_a_step_comes_with_the_next():
    left = WAIT.model_copy(update={"left": ("video_z",), "waits": False})
    assert run([MORE, left, END]).requests[-1].ended == ["video_z"]


def test_news_without_a_video_and_a_minute_without_news_let_it_look_at_everything():
    context = run([MORE, WAIT, WAIT, END], ["video_a", None], None)
    assert [request.ended for request in context.requests][2:] == [None, None]
    assert len(context.guards) == 2


def test_its_history_stays_short_however_long_it_runs():
    left = MORE.model_copy(update={"left": ("video_z",)})
    context = run([*[MORE] * (STEPS_PER_HISTORY - 1), left])
    assert len(context.requests) == STEPS_PER_HISTORY
    assert context.continued is not None
    assert (context.continued.step, context.continued.ended) == (BatchStep.ADVANCE, None)
