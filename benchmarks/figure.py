"""What a benchmark finds out."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

type Benchmark = Callable[[], Awaitable[Sequence[Figure]]]


class Unit(StrEnum):
    """What a figure counts."""

    PER_SECOND = "req/s"
    SECONDS = "s"
    MEGABYTES = "MB"
    PERCENT = "%"
    COUNT = ""


@dataclass(frozen=True)
class Aim:
    """Where a figure should be.

    Attributes:
        limit: In the figure's unit.
        at_least: Whether more is better.
    """

    limit: float
    at_least: bool = False

    def is_met(self, value: float) -> bool:
        """Whether a figure is where it should be."""
        return value >= self.limit if self.at_least else value <= self.limit

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.limit:g}"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured value.

    Attributes:
        name: What was measured.
        value: In `unit`.
        p50_s: The median of single durations, in seconds, where there were some.
        p95_s: Their 95th percentile.
        remark: What a reader needs to believe the value.
    """

    name: str
    value: float
    unit: Unit
    p50_s: float | None = None
    p95_s: float | None = None
    aim: Aim | None = None
    remark: str = ""
