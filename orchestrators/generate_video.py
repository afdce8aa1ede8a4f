"""From an accepted video to its end.

    submit ──▶ check ──▶ copy ──▶ end
     ↺ again    ↺ again   ↺ again  ▲
     ╰──────────╰─────────╰────────╯ failed

Each step is an activity that answers: done, again or failed, and how long to wait first. The record holds all that is
known, so the orchestration can be started over at any time.
"""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

from durabletask.task import OrchestrationContext, RetryPolicy, Task, when_any

from domain.workflow import WAKE, StepRequest, StepResult

STEPS_PER_HISTORY = 30
"""Then the orchestration continues as new, so that its history stays short however long a video waits."""

OUR_OWN_FAULTS = RetryPolicy(
    first_retry_interval=timedelta(seconds=1),
    max_number_of_attempts=8,
    backoff_coefficient=2,
    max_retry_interval=timedelta(minutes=1),
)
"""For an activity that raises: it is our own storage that failed, for what a deployment does is an answer."""


def generate_video(context: OrchestrationContext, first_step: dict[str, Any]) -> Generator[Task[Any], Any]:
    """Run one step after the other until the video has ended.

    Args:
        context: The orchestration's.
        first_step: A `StepRequest`.
    """
    request = StepRequest.model_validate(first_step)
    news = context.wait_for_external_event(WAKE)
    for _ in range(STEPS_PER_HISTORY):
        answer = yield context.call_activity(
            request.step,
            input=request.model_dump(mode="json", exclude_none=True),
            return_type=dict,
            retry_policy=OUR_OWN_FAULTS,
        )
        result = StepResult.model_validate(answer)
        following = request.after(result)
        if following is None:
            return
        request = following
        if result.delay_s:
            timer = context.create_timer(timedelta(seconds=result.delay_s))
            yield when_any([timer, news])
        if news.is_complete:
            news = context.wait_for_external_event(WAKE)
    context.continue_as_new(request.model_dump(mode="json", exclude_none=True), save_events=True)
