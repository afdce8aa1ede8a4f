"""The orchestration runs one step after the other, waits as long as it is told, and listens meanwhile."""

from collections.abc import Generator, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from durabletask.entities import EntityInstanceId
from durabletask.task import CompletableTask, OrchestrationContext, RetryPolicy, Task

from domain.errors import UpstreamOverloaded
from domain.failures import CANCELLATION, Failure
from domain.slot import Verdict
from domain.workflow import CAPACITY_POOL, WAKE, PoolCall, Step, StepRequest, StepResult
from orchestrators.generate_video import OUR_OWN_FAULTS, STEPS_PER_HISTORY, generate_video
from tests.unit.examples import a_video

FIRST = StepRequest.first(a_video())
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
FAILURE = Failure(code="cancelled", message="Cancelled.")
BUSY = UpstreamOverloaded("HTTP 429")
DONE, AGAIN = StepResult.done(), StepResult.retry(5, BUSY)
SLOT = StepResult.granted("east", probing=False, wake=())
WELL = [SLOT, DONE, DONE, DONE, DONE, DONE]
"""What the steps of a video answer that goes well."""


class FakeContext:
    """The context of one orchestration: what is asked of it is written down, and answered by `run`."""

    def __init__(self) -> None:
        self.requests = list[StepRequest]()
        self.step = CompletableTask[dict[str, Any]]()
        self.woken = list[str]()
        self.told = list[str | None]()
        self.delays_s = list[float]()
        self.timer = CompletableTask[None]()
        self.listened = 0
        self.news = CompletableTask[dict[str, Any] | None]()
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
        assert not request.step.is_of_pool
        assert (activity, return_type, retry_policy) == (request.step, dict, OUR_OWN_FAULTS)
        return self._run(request)

    @property
    def current_utc_datetime(self) -> datetime:
        return NOW.replace(tzinfo=None)  # as the engine has it

    def call_entity(
        self,
        entity: EntityInstanceId,
        operation: str,
        input: dict[str, Any],  # noqa: A002 - the engine's word
        *,
        return_type: type,
    ) -> Task[Any]:
        call = PoolCall.model_validate(input)
        assert call.request.step.is_of_pool
        assert (str(entity), operation) == (f"@{CAPACITY_POOL}@{call.request.pool}", call.request.step)
        assert (call.now, return_type) == (NOW, dict)
        return self._run(call.request)

    def _run(self, request: StepRequest) -> Task[Any]:
        self.requests.append(request)
        self.step = CompletableTask[dict[str, Any]]()
        return self.step

    def send_event(self, instance_id: str, event_name: str, *, data: str | None = None) -> None:
        assert event_name == WAKE
        self.woken.append(instance_id)
        self.told.append(data)

    def create_timer(self, fire_at: timedelta) -> Task[None]:
        self.delays_s.append(fire_at.total_seconds())
        self.timer = CompletableTask[None]()
        return self.timer

    def wait_for_external_event(self, name: str) -> Task[dict[str, Any] | None]:
        assert name == WAKE
        self.listened += 1
        self.news = CompletableTask[dict[str, Any] | None]()
        return self.news

    def continue_as_new(self, new_input: dict[str, Any], *, save_events: bool) -> None:
        assert save_events
        self.continued = StepRequest.model_validate(new_input)


def run(
    answers: Sequence[StepResult],
    *,
    news_during_step: AbstractSet[int] = frozenset(),
    news_during_wait: AbstractSet[int] = frozenset(),
    news: dict[str, Any] | None = None,
    first: StepRequest = FIRST,
) -> FakeContext:
    """Run the orchestration as an engine does, until it returns; steps and waits are counted from 0."""
    context, left, waits = FakeContext(), list(answers), 0
    steps = generate_video(cast("OrchestrationContext", context), first.model_dump(mode="json", exclude_defaults=True))
    task = resumed(steps, None)
    while task:
        if task is context.step:
            if len(context.requests) - 1 in news_during_step:
                context.news.complete(news)
            context.step.complete(left.pop(0).model_dump(mode="json", exclude_defaults=True))
        elif not task.is_complete:
            if waits in news_during_wait:
                context.news.complete(news)
            else:
                context.timer.complete(None)
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
    context = run(WELL)
    assert steps_of(context) == [Step.ACQUIRE, Step.SUBMIT, Step.CHECK, Step.RELEASE, Step.COPY, Step.END]
    assert [request.deployment for request in context.requests] == [None, "east", "east", "east", None, None]
    assert context.delays_s == []
    assert context.continued is None


def test_a_batch_is_told_of_the_end_of_its_video():
    context = run(WELL, first=FIRST.model_copy(update={"batch": "batch_1"}))
    assert (context.woken, context.told) == (["batch_1"], [FIRST.video.video_id])


def test_a_video_that_its_copy_ended_takes_no_further_step():
    context = run([SLOT, DONE, DONE, DONE, StepResult.end()])
    assert steps_of(context)[-1] is Step.COPY
    assert context.continued is None


def test_a_step_that_met_trouble_runs_again_after_a_while_and_is_counted():
    context = run([SLOT, DONE, AGAIN, StepResult.retry(7, BUSY), DONE, DONE, DONE, DONE])
    assert steps_of(context)[2:5] == [Step.CHECK] * 3
    assert [request.attempts_at(BUSY) for request in context.requests] == [0, 0, 0, 1, 2, 0, 0, 0]
    assert context.delays_s == [5, 7]


def test_a_refused_video_asks_for_another_slot():
    refused = StepResult.give_back(Verdict.on(BUSY))
    context = run([SLOT, refused, DONE, *WELL])
    assert steps_of(context)[:5] == [Step.ACQUIRE, Step.SUBMIT, Step.RELEASE, Step.ACQUIRE, Step.SUBMIT]
    assert context.requests[2].verdict == Verdict.on(BUSY)


def test_a_video_that_nobody_here_can_render_asks_another_models_pool():
    context = run([StepResult.elsewhere("sora-2-pro"), *WELL])
    assert [request.pool for request in context.requests] == ["sora-2"] + ["sora-2-pro"] * 4 + ["sora-2"] * 2


def test_a_video_that_waits_in_the_line_asks_again_when_it_is_woken():
    context = run([StepResult.retry(300), *WELL], news_during_wait={0})
    assert steps_of(context)[:3] == [Step.ACQUIRE, Step.ACQUIRE, Step.SUBMIT]
    assert not context.timer.is_complete


def test_a_video_that_is_cancelled_in_the_line_leaves_it():
    context = run([StepResult.retry(300), DONE, DONE], news_during_wait={0}, news={"cancelled": True})
    assert steps_of(context) == [Step.ACQUIRE, Step.RELEASE, Step.END]
    assert context.requests[-1].failure == CANCELLATION


def test_who_gave_a_slot_back_wakes_those_who_got_one():
    context = run([SLOT, DONE, DONE, StepResult.done(wake=["video_b", "video_c"]), DONE, DONE])
    assert context.woken == ["video_b", "video_c"]


def test_the_next_step_waits_if_the_last_one_says_so():
    context = run([SLOT, StepResult.done(delay_s=36), DONE, DONE, DONE, DONE])
    assert context.delays_s == [36]


@pytest.mark.parametrize(("failing", "ending"), [(0, 1), (1, 2), (2, 2), (4, 1)])
def test_a_failure_ends_the_video_and_then_gives_its_slot_back(failing: int, ending: int):
    context = run([*WELL[:failing], StepResult.failed(FAILURE), *[DONE] * ending])
    assert steps_of(context)[failing + 1 :] == [Step.END, Step.RELEASE][:ending]
    assert context.requests[-1].failure == FAILURE


def test_an_end_that_is_not_done_runs_again_with_its_failure():
    context = run([StepResult.failed(FAILURE), AGAIN, DONE])
    assert [request.failure for request in context.requests[1:]] == [FAILURE, FAILURE]


def test_news_end_a_wait_early_and_are_listened_for_again():
    context = run([SLOT, DONE, AGAIN, *WELL[2:]], news_during_wait={0})
    assert context.delays_s == [5]
    assert not context.timer.is_complete
    assert context.listened == 2


def test_news_during_a_step_spare_the_wait_after_it():
    context = run([SLOT, DONE, AGAIN, AGAIN, *WELL[2:]], news_during_step={2})
    assert context.delays_s == [5, 5]
    assert context.listened == 2
    assert context.timer.is_complete


def test_a_history_stays_short_however_long_a_video_waits():
    checking = FIRST.model_copy(update={"step": Step.CHECK, "deployment": "east"})
    context = run([AGAIN] * STEPS_PER_HISTORY, first=checking)
    assert len(context.requests) == STEPS_PER_HISTORY
    assert context.continued == checking.model_copy(update={"troubles": {"UpstreamOverloaded": STEPS_PER_HISTORY}})


def test_a_continued_orchestration_goes_on_where_it_was():
    copying = FIRST.model_copy(update={"step": Step.COPY, "troubles": {"UpstreamOverloaded": STEPS_PER_HISTORY}})
    context = run([DONE, DONE], first=copying)
    assert context.requests == [copying, FIRST.model_copy(update={"step": Step.END})]


def test_a_video_that_ends_with_the_last_step_of_a_history_is_not_continued():
    context = run([SLOT, DONE, *[AGAIN] * (STEPS_PER_HISTORY - 6), DONE, DONE, DONE, DONE])
    assert context.continued is None
