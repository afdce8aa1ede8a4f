"""Peak memory of a process: the kernel's own high-water mark, so nothing is missed between two looks."""

import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figure import Aim, Figure, Unit

MEMORY_AIM = Aim(250)
BYTES_PER_MB = 1_000_000
_RESET_PEAK = "5"  # man 5 proc, /proc/PID/clear_refs


@dataclass
class Peak:
    """Resident memory of a process, in bytes.

    Attributes:
        before: At the start.
        highest: The most since then; known at the end.
    """

    before: int
    highest: int = 0

    def figure(self, name: str, aim: Aim, remark: str = "") -> Figure:
        """The peak as a figure."""
        before = f"{self.before / BYTES_PER_MB:.0f} MB before"
        remark = f"{before}; {remark}" if remark else before
        return Figure(name=name, value=self.highest / BYTES_PER_MB, unit=Unit.MEGABYTES, aim=aim, remark=remark)


@contextmanager
def peak_of(pid: int) -> Generator[Peak]:
    """Watches a process for the length of the context."""
    Path(f"/proc/{pid}/clear_refs").write_text(_RESET_PEAK)
    peak = Peak(before=_resident(pid, "VmRSS"))
    yield peak
    peak.highest = _resident(pid, "VmHWM")


def _resident(pid: int, field: str) -> int:
    found = re.search(rf"^{field}:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    if found is None:
        raise RuntimeError(f"the kernel does not tell {field}")
    return int(found[1]) * 1024
