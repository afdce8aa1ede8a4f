"""POST /videos: accepted, kept, and its orchestration started, while the orchestrations before it submit their jobs."""

from benchmarks.figure import Aim, Figure
from benchmarks.memory import MEMORY_AIM, peak_of
from benchmarks.rates import rates
from benchmarks.stack import Stack, running_stack
from benchmarks.videos import REQUEST

AIM = Aim(192, at_least=True)  # twice the best that LiteLLM's proxy did on such a machine
RENDER_TIME_S = 60.0
"""Of a usual length, so that what creations compete with is the submission of those before them."""


async def measure() -> list[Figure]:
    """Measures creations, and the host's memory meanwhile."""
    async with running_stack(render_time_s=RENDER_TIME_S) as stack:
        with peak_of(stack.host_pid) as peak:
            figures = await rates(stack, "create", [stack.api.build_request("POST", "videos", json=REQUEST)], {16: AIM})
        remark = f"{await _submitted(stack)} render jobs were created meanwhile"
        return [*figures, peak.figure("host memory while creating", MEMORY_AIM, remark)]


async def _submitted(stack: Stack) -> int:
    state = (await stack.control.get("/_control/state")).raise_for_status().json()
    return state["counters"]["create"]
