"""GET /healthz: what the host and the client can do when nothing is read."""

from benchmarks.figure import Figure
from benchmarks.rates import rates
from benchmarks.stack import running_stack


async def measure() -> list[Figure]:
    """Measures the ceiling under all other requests."""
    async with running_stack() as stack:
        return await rates(stack, "healthz", [stack.api.build_request("GET", f"{stack.description.host}/healthz")])
