"""From an accepted video to its end.

    acquire ──▶ submit ──▶ check ──▶ release ──▶ copy ──▶ end
     ↺ again     ↺ again    ↺ again               ↺ again
        ▲           │
        ╰─ release ─╯ refused          failed ──▶ end ──▶ release

Each step is an activity, or an operation of the capacity pool; it answers done, again, refused or failed, and how long
to wait first. The record holds all that is known, so the orchestration can be started over at any time.
"""

from collections.abc import Generator
from datetime import UTC, timedelta
from typing import Any

from durabletask.entities import EntityInstanceId
from durabletask.task import OrchestrationContext, RetryPolicy, Task, when_any

from domain.workflow import CAPACITY_POOL, WAKE, News, PoolCall, StepRequest, StepResult

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
        result = StepResult.model_validate((yield _run(request, context)))
        for video_id in result.wake:
            context.send_event(video_id, WAKE)
        following = request.after(result)
        if following is None:
            if request.batch:
                context.send_event(request.batch, WAKE, data=request.video.video_id)
            return
        request = following
        if result.delay_s:
            timer = context.create_timer(timedelta(seconds=result.delay_s))
            yield when_any([timer, news])
        while news.is_complete:
            request = request.told(News.model_validate(news.get_result() or {}))
            news = context.wait_for_external_event(WAKE)
    context.continue_as_new(_as_json(request), save_events=True)


def _run(request: StepRequest, context: OrchestrationContext) -> Task[Any]:
    if request.step.is_of_pool:
        pool = EntityInstanceId(CAPACITY_POOL, request.pool)
        call = PoolCall(request=request, now=context.current_utc_datetime.replace(tzinfo=UTC))  # it comes without one
        return context.call_entity(pool, request.step, _as_json(call), return_type=dict)
    return context.call_activity(request.step, input=_as_json(request), return_type=dict, retry_policy=OUR_OWN_FAULTS)


def _as_json(value: StepRequest | PoolCall) -> dict[str, Any]:
    return value.model_dump(mode="json", exclude_defaults=True)
