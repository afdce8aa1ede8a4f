"""GET /videos/{id} of videos that are being rendered: what callers poll."""

from benchmarks.figure import Aim, Figure
from benchmarks.rates import rates
from benchmarks.stack import running_stack
from benchmarks.videos import create_many

AIM = Aim(365, at_least=True)  # five times the best that LiteLLM's proxy did on such a machine
VIDEOS = 20
RENDER_TIME_S = 600.0
"""Longer than the benchmark: nothing else happens meanwhile."""


async def measure() -> list[Figure]:
    """Measures status reads, each of another video than the one before."""
    async with running_stack(render_time_s=RENDER_TIME_S) as stack:
        requests = [stack.api.build_request("GET", f"videos/{each}") for each in await create_many(stack, VIDEOS)]
        return await rates(stack, "status", requests, {16: AIM})
