"""From `python -m local.stack` to its `ready` line, on an empty state folder."""

from statistics import median

from benchmarks.figure import Aim, Figure, Unit
from benchmarks.stack import running_stack

AIM = Aim(5)
STARTS = 3


async def measure() -> list[Figure]:
    """Starts several stacks, one after the other."""
    durations_s = [await _start_up_s() for _ in range(STARTS)]
    remark = f"median of {STARTS}; slowest {max(durations_s):.2f} s"
    return [Figure(name="stack start-up", value=median(durations_s), unit=Unit.SECONDS, aim=AIM, remark=remark)]


async def _start_up_s() -> float:
    async with running_stack() as stack:
        return stack.start_up_s
