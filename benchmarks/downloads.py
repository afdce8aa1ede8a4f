"""Eight clients that download a video of 100 MB at the same time, in each delivery mode."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from benchmarks.figure import Figure
from benchmarks.memory import BYTES_PER_MB, MEMORY_AIM, peak_of
from benchmarks.stack import Stack, running_stack
from benchmarks.videos import completed, create

CLIENTS = 8
VIDEO_BYTES = 100 * BYTES_PER_MB
PART_BYTES = 8 * 1024 * 1024
RENDER_TIME_S = 0.5

type Download = Callable[[Stack, str], Awaitable[str]]


async def measure() -> list[Figure]:
    """Measures the host's memory in each mode."""
    return [
        await _measure("redirect", "each follows the link", _follow_link),
        await _measure("proxy", "each in parts of 8 MiB", _fetch_parts),
    ]


async def _measure(mode: str, how: str, download: Download) -> Figure:
    stacked = running_stack(render_time_s=RENDER_TIME_S, content_bytes=VIDEO_BYTES, REELAY_CONTENT_DELIVERY=mode)
    async with stacked as stack:
        video = await completed(stack, await create(stack))
        started = time.perf_counter()
        with peak_of(stack.host_pid) as peak:
            digests = await asyncio.gather(*(download(stack, f"videos/{video.id}/content") for _ in range(CLIENTS)))
        duration_s = time.perf_counter() - started
    if set(digests) != {video.reelay.sha256}:
        raise RuntimeError("a download differs from the video")
    remark = f"{how}; {CLIENTS} x 100 MB in {duration_s:.1f} s"
    return peak.figure(f"host memory, {CLIENTS} downloads, {mode}", MEMORY_AIM, remark)


async def _follow_link(stack: Stack, path: str) -> str:
    """Downloads as most clients do and returns the SHA-256."""
    digest = hashlib.sha256()
    async with stack.api.stream("GET", path, follow_redirects=True) as answer:
        async for chunk in answer.raise_for_status().aiter_bytes():
            digest.update(chunk)
    return digest.hexdigest()


async def _fetch_parts(stack: Stack, path: str) -> str:
    """Downloads part by part, coming back when the front door is busy, and returns the SHA-256."""
    digest, received = hashlib.sha256(), 0
    while received < VIDEO_BYTES:
        wanted = {"range": f"bytes={received}-{received + PART_BYTES - 1}"}
        answer = await stack.api.get(path, headers=wanted)
        if answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
            await asyncio.sleep(float(answer.headers["retry-after"]))
            continue
        digest.update(answer.raise_for_status().content)
        received += len(answer.content)
    return digest.hexdigest()
