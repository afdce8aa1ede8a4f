"""Eight videos of 100 MB that are to be copied at the same time."""

import time

from benchmarks.figure import Figure
from benchmarks.memory import BYTES_PER_MB, MEMORY_AIM, peak_of
from benchmarks.stack import Stack, running_stack
from benchmarks.videos import all_completed, create_many

COPIES = 8
VIDEO_BYTES = 100 * BYTES_PER_MB
RENDER_TIME_S = 3.0
"""Long enough that all are created before the first is rendered."""


async def measure() -> list[Figure]:
    """Measures the host's memory from the creation of the videos to the end of the last copy."""
    async with running_stack(render_time_s=RENDER_TIME_S, content_bytes=VIDEO_BYTES) as stack:
        with peak_of(stack.host_pid) as peak:
            duration_s = await _copy_all(stack)
    remark = f"{COPIES} x 100 MB in {duration_s:.1f} s, {RENDER_TIME_S:g} s of render included"
    return [peak.figure(f"host memory, {COPIES} copies at once", MEMORY_AIM, remark)]


async def _copy_all(stack: Stack) -> float:
    started = time.perf_counter()
    videos = await all_completed(stack, await create_many(stack, COPIES))
    duration_s = time.perf_counter() - started
    if any(video.reelay.bytes != VIDEO_BYTES for video in videos):
        raise RuntimeError(f"not every copy has {VIDEO_BYTES} bytes: {videos}")
    return duration_s
