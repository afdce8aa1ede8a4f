"""GET /videos: one page of twenty, of a tenant with more."""

from benchmarks.figure import Figure
from benchmarks.rates import rates
from benchmarks.stack import running_stack
from benchmarks.videos import create_many

VIDEOS = 100
RENDER_TIME_S = 600.0
"""Longer than the benchmark: nothing else happens meanwhile."""


async def measure() -> list[Figure]:
    """Measures first pages."""
    async with running_stack(render_time_s=RENDER_TIME_S) as stack:
        await create_many(stack, VIDEOS)
        return await rates(stack, "list", [stack.api.build_request("GET", "videos")])
