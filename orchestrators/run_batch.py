"""From an accepted batch to its end.

    validate ──▶ advance ──▶ ended
                  ↺ when a video ends, and at least once a minute

An advance reports what has ended and asks for as many of the next lines as may be in flight. The videos are
orchestrations of their own, which tell when they end. The record holds all that is known, so this can be started over
at any time.
"""

from collections.abc import Generator
from datetime import timedelta
from typing import Any, Final

from durabletask.task import OrchestrationContext, Task, when_any

from domain.batch_workflow import BatchRequest, BatchResult
from domain.workflow import WAKE
from orchestrators.generate_video import OUR_OWN_FAULTS

STEPS_PER_HISTORY: Final = 30
"""Then the orchestration continues as new, so that its history stays short however long a batch is; each begins with a
look at everything in flight."""
GUARD: Final = timedelta(minutes=1)
"""So often everything in flight is looked at, in case a video could not tell."""


def run_batch(context: OrchestrationContext, first_step: dict[str, Any]) -> Generator[Task[Any], Any]:
    """Run one step after the other until the batch has ended.

    Args:
        context: The orchestration's.
        first_step: A `BatchRequest`.
    """
    request = BatchRequest.model_validate(first_step)
    news: Task[Any] = context.wait_for_external_event(WAKE, data_type=str)
    guard = context.create_timer(GUARD)
    for _ in range(STEPS_PER_HISTORY):
        result = BatchResult.model_validate((yield _run(request, context)))
        if result.following is None:
            return
        if result.waits:
            yield when_any([news, guard])
        told = list[str | None]()
        while news.is_complete:
            told.append(news.get_result())
            news = context.wait_for_external_event(WAKE, data_type=str)
        if guard.is_complete:
            told.append(None)
            guard = context.create_timer(GUARD)
        request = request.after(result, told)
    context.continue_as_new(_as_json(request.model_copy(update={"ended": None})), save_events=True)


def _run(request: BatchRequest, context: OrchestrationContext) -> Task[Any]:
    return context.call_activity(request.step, input=_as_json(request), return_type=dict, retry_policy=OUR_OWN_FAULTS)


def _as_json(request: BatchRequest) -> dict[str, Any]:
    return request.model_dump(mode="json", exclude_defaults=True)
