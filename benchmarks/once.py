"""Whatever goes wrong with a creation, and whoever dies: each video is paid for once."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from signal import SIGKILL
from typing import Any, Final

import httpx
from pydantic import BaseModel, TypeAdapter

from benchmarks.figure import Figure, Unit
from benchmarks.stack import Stack, described, running_stack
from benchmarks.videos import Video, create

PROMPTS = 30
ALIKE = 10
"""Videos of each prompt: nothing tells their jobs apart."""
VIDEOS = PROMPTS * ALIKE
RENDER_TIME_S = 2.0
AT_ONCE = 50
ANSWER_LIMIT_S, SETTLE_S = 30, 15
"""What `domain.submission` allows an upstream: so long for an answer, and so long after that for the effect."""
FAULTS: Final[Sequence[dict[str, Any]]] = (
    {"effect": "drop_before"},
    {"effect": "drop_after"},
    {"effect": "drop_late", "seconds": SETTLE_S * 2 / 3},
    {"effect": "status_after", "status": 500},
    {"effect": "delay", "seconds": ANSWER_LIMIT_S + 5},
    {"effect": "delay_before", "seconds": ANSWER_LIMIT_S + SETTLE_S / 3},
)
FAULTED = VIDEOS * 3 // 10
KILLS = (50, 120, 190, 260)
"""So many jobs have been created when the host is killed."""
PATIENCE_S = 900.0
LOOK_S = 0.05


class Job(BaseModel):
    """A render job as the fakes tell of it; its content is like no other's."""

    sha256: str | None


class Fakes(BaseModel):
    """What the fakes saw."""

    counters: dict[str, int]
    requests: dict[str, int]
    jobs: Sequence[Job]


class Page(BaseModel):
    """One page of the caller's videos."""

    data: Sequence[Video]
    last_id: str | None
    has_more: bool


class Fault(BaseModel):
    """A fault that is not spent."""

    times: int


@dataclass(frozen=True)
class Outcome:
    """What was made, and who has it."""

    creations: int
    videos: Sequence[Video]
    jobs: Sequence[Job]

    @property
    def completed(self) -> int:
        """How many videos there are to show for it."""
        return sum(video.status == "completed" for video in self.videos)

    @property
    def orphans(self) -> int:
        """How many jobs no video has."""
        owned = {video.reelay.sha256 for video in self.videos}
        return sum(job.sha256 not in owned for job in self.jobs)

    @property
    def shared(self) -> int:
        """How many jobs more than one video has."""
        owned = (video.reelay.sha256 for video in self.videos)
        return sum(count > 1 for count in Counter(filter(None, owned)).values())

    @property
    def is_right(self) -> bool:
        """Whether every video was paid for, once."""
        return (self.creations, self.completed, self.orphans, self.shared) == (VIDEOS, VIDEOS, 0, 0)


class Books(BaseModel):
    """What our ledger says of itself."""

    agrees: bool
    entries: int
    in_flight: int


async def measure() -> list[Figure]:
    """Runs the videos through faults and kills.

    Raises:
        RuntimeError: There is a video too few, or a job too many.
    """
    async with running_stack(
        render_time_s=RENDER_TIME_S, models=_models, REELAY_SWEEP_SCHEDULE="* * * * * *", REELAY_SWEEP_GRACE_S="5"
    ) as stack:
        await _break(stack)
        started = time.perf_counter()
        await asyncio.gather(*(create(stack, f"Prompt {number % PROMPTS}") for number in range(VIDEOS)))
        async with asyncio.timeout(PATIENCE_S):
            for jobs in KILLS:
                await _kill_the_host(stack, after=jobs)
            videos = await _ended(stack)
        duration_s = time.perf_counter() - started
        await _verify(stack)
        fakes = await _seen(stack)
        outcome = Outcome(fakes.counters["create"], videos, fakes.jobs)
        if not outcome.is_right:
            raise RuntimeError(
                f"{outcome.creations} creations, {outcome.completed} completed of {len(videos)}, "
                f"{outcome.orphans} jobs without a video, {outcome.shared} with more than one"
            )
        return list(_figures(outcome, duration_s, fakes.requests["create"], FAULTED - await _unspent(stack)))


def _models(upstream: str, render_time_s: float) -> Mapping[str, Any]:
    deployment = {
        "name": "once",
        "endpoint": f"{upstream}/once/openai/v1/",
        "upstream_model": "sora-2",
        "auth": {"kind": "managed_identity"},
        "usd_per_second": {"*": "0.10"},
        "max_concurrent": AT_ONCE,
        "expected_render_s": render_time_s,
    }
    return {"sora-2": {"deployments": [deployment]}}


async def _break(stack: Stack) -> None:
    """Let the next creations fail, each in one of the ways, as often in this as in that."""
    faults = [
        {"operation": "create", "times": FAULTED // len(FAULTS), "probability": 0.08, **fault} for fault in FAULTS
    ]
    (await stack.control.post("/_control/faults", json=faults)).raise_for_status()


async def _unspent(stack: Stack) -> int:
    answer = (await stack.control.get("/_control/faults")).raise_for_status()
    return sum(fault.times for fault in TypeAdapter(list[Fault]).validate_json(answer.content))


async def _kill_the_host(stack: Stack, *, after: int) -> None:
    while True:
        if (await _seen(stack)).counters["create"] >= after:
            break
        await asyncio.sleep(LOOK_S)
    killed = described(stack.state).pids.host[0]
    os.kill(killed, SIGKILL)
    while True:
        if described(stack.state).pids.host[0] != killed:
            break
        await asyncio.sleep(LOOK_S)


async def _seen(stack: Stack) -> Fakes:
    return Fakes.model_validate_json((await stack.control.get("/_control/state")).raise_for_status().content)


async def _ended(stack: Stack) -> list[Video]:
    """Waits for the end of all videos; a host that is away is asked again."""
    while True:
        with suppress(httpx.HTTPError):
            videos = [video async for page in _pages(stack) for video in page.data]
            if len(videos) == VIDEOS and all(video.status in {"completed", "failed"} for video in videos):
                return videos
        await asyncio.sleep(1)


async def _verify(stack: Stack) -> None:
    """See that no movement of money was lost or doubled.

    Raises:
        RuntimeError: One was.
    """
    operator = {"authorization": f"Bearer {stack.description.admin_key}"}
    answer = (await stack.api.get("admin/ledger/verify", headers=operator)).raise_for_status()
    books = Books.model_validate_json(answer.content)
    if not books.agrees or (books.entries, books.in_flight) != (2 * VIDEOS, 0):
        raise RuntimeError(f"the ledger is not right: {answer.text}")


async def _pages(stack: Stack) -> AsyncGenerator[Page]:
    cursor = dict[str, str]()
    while True:
        answer = (await stack.api.get("videos", params={"limit": 100, **cursor})).raise_for_status()
        page = Page.model_validate_json(answer.content)
        yield page
        if not page.has_more or page.last_id is None:
            return
        cursor = {"after": page.last_id}


def _figures(outcome: Outcome, duration_s: float, requests: int, faulted: int) -> Iterator[Figure]:
    kinds = ", ".join(fault["effect"] for fault in FAULTS)
    remark = f"{requests} requests, {faulted} of them faulted ({kinds}); host killed {len(KILLS)} times"
    yield Figure(name="creations by the fakes' counter", value=outcome.creations, unit=Unit.COUNT, remark=remark)
    remark = f"{PROMPTS} prompts, {ALIKE} videos each"
    yield Figure(name="videos completed", value=outcome.completed, unit=Unit.COUNT, remark=remark)
    yield Figure(name="jobs that no video has", value=outcome.orphans, unit=Unit.COUNT)
    yield Figure(name="jobs that more than one video has", value=outcome.shared, unit=Unit.COUNT)
    yield Figure(name="from the first to the last", value=duration_s, unit=Unit.SECONDS)
