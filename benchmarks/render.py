"""The life of a render of 60 s: what it asks of the deployment and of the engine, and how late we notice its end."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from logging import NullHandler
from statistics import median, quantiles
from typing import Final

from durabletask.client import AsyncTaskHubGrpcClient
from durabletask.history import (
    EventRaisedEvent,
    ExecutionStartedEvent,
    HistoryEvent,
    TaskCompletedEvent,
    TaskFailedEvent,
    TaskScheduledEvent,
    TimerFiredEvent,
)
from pydantic import BaseModel

from benchmarks.figure import Aim, Figure, Unit
from benchmarks.stack import Stack, running_stack, steer
from benchmarks.videos import REQUEST, all_completed, create

VIDEOS = 20
RENDER_TIME_S = 60.0
SPREAD = 0.1
"""Renders take up to so much more or less than the app expects, as real ones do."""
HISTORY_AIM = Aim(45)

ACTIONS: Final = (
    ExecutionStartedEvent,
    TaskScheduledEvent,
    TaskCompletedEvent,
    TaskFailedEvent,
    TimerFiredEvent,
    EventRaisedEvent,
)
"""What the Durable Task Scheduler bills as an action: a message dispatched to the app.

https://learn.microsoft.com/azure/azure-functions/durable/durable-task-scheduler/durable-task-scheduler-billing
"""


class RenderJob(BaseModel):
    """What the fakes tell about a render job."""

    prompt: str
    polls: int
    completed_at: float | None


class Fakes(BaseModel):
    """What the benchmark reads of the fakes' state."""

    jobs: Sequence[RenderJob]


@dataclass(frozen=True)
class Life:
    """What one video took."""

    polls: int
    actions: int
    history_events: int
    lag_s: float


async def measure() -> list[Figure]:
    """Renders videos, in real time, and looks at what they left."""
    async with running_stack(render_time_s=RENDER_TIME_S) as stack:
        await steer(stack, render_time_spread=SPREAD)
        prompts = [f"{REQUEST['prompt']}, take {number}" for number in range(VIDEOS)]
        video_ids = await asyncio.gather(*(create(stack, prompt) for prompt in prompts))
        await all_completed(stack, video_ids)
        return list(_figures(await _lives(stack, dict(zip(prompts, video_ids, strict=True)))))


async def _lives(stack: Stack, videos: dict[str, str]) -> list[Life]:
    state = Fakes.model_validate_json((await stack.control.get("/_control/state")).raise_for_status().content)
    client = AsyncTaskHubGrpcClient(host_address=stack.engine, log_handler=NullHandler())
    try:
        return [await _life(client, videos[job.prompt], job) for job in state.jobs]
    finally:
        await client.close()


async def _life(client: AsyncTaskHubGrpcClient, video_id: str, job: RenderJob) -> Life:
    history: list[HistoryEvent] = await client.get_orchestration_history(video_id)
    instance = await client.wait_for_orchestration_completion(video_id)
    if instance is None or job.completed_at is None:
        raise RuntimeError(f"{video_id} left no trace")
    ended_at = instance.last_updated_at.replace(tzinfo=UTC)  # which the client leaves out
    return Life(
        polls=job.polls,
        actions=sum(isinstance(event, ACTIONS) for event in history),
        history_events=len(history),
        lag_s=ended_at.timestamp() - job.completed_at,
    )


def _figures(lives: Sequence[Life]) -> Iterator[Figure]:
    yield _count("polls", [life.polls for life in lives])
    yield _count("durable actions", [life.actions for life in lives])
    yield _count("history events", [life.history_events for life in lives], HISTORY_AIM)
    lags_s = [life.lag_s for life in lives]
    p95_s = quantiles(lags_s, n=100, method="inclusive")[94]
    remark = f"median; {VIDEOS} renders of 60 s ± {SPREAD:.0%}, copy included"
    yield Figure(
        name="lag behind the deployment",
        value=median(lags_s),
        unit=Unit.SECONDS,
        p50_s=median(lags_s),
        p95_s=p95_s,
        remark=remark,
    )


def _count(name: str, counts: Sequence[int], aim: Aim | None = None) -> Figure:
    remark = f"the most of any; median {median(counts):g}, least {min(counts)}"
    return Figure(name=f"{name} per video", value=max(counts), unit=Unit.COUNT, aim=aim, remark=remark)
