"""`python -m benchmarks.polling`: how late a render's end is noticed and what that costs, by the way of polling.

Nothing runs and nothing is waited for: renders are drawn at random, the same ones for each way of polling. What is
learnt from a render is known only when the next few have been created, as it is where several are in flight.
"""

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from statistics import fmean, quantiles

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.table import PLAIN_WIDTH
from domain.polling import next_check_s
from domain.render_times import NOTHING_LEARNT

BASE_EVENTS, EVENTS_PER_CHECK = 28, 8
"""What the history of a video holds: slot, submission and copy; and for each check, a timer and an activity."""
IN_FLIGHT = 4
LEARNT_FROM = 50
MEASURED = 50
SERIES = 10
EXPECTED_S = 60.0
"""What is configured: a third to a half of what most of these renders really take."""

type Draw = Callable[[Random], float]
type Wait = Callable[[float, int], float]
"""Seconds to the next check, given the seconds since the creation and the reported percent."""


@dataclass(frozen=True)
class Render:
    """One render that is yet to be noticed.

    Attributes:
        render_s: How long it takes.
        queued: The share of that during which the progress is 0.
        bend: How unevenly the progress grows after that: 1 is evenly.
        tells: Whether its deployment reports progress at all.
    """

    render_s: float
    queued: float
    bend: float
    tells: bool

    def progress(self, elapsed_s: float) -> int:
        """Percent."""
        worked = (elapsed_s / self.render_s - self.queued) / (1 - self.queued)
        return min(int(100 * worked**self.bend), 99) if self.tells and worked > 0 else 0

    def noticed(self, wait: Wait) -> tuple[float, int]:
        """The lag in seconds, and the checks that were made."""
        elapsed_s, checks, progress = 0.0, 0, 0
        while elapsed_s < self.render_s:
            elapsed_s += wait(elapsed_s, progress)
            checks += 1
            progress = self.progress(elapsed_s)
        return elapsed_s - self.render_s, checks


def fixed(interval_s: float) -> Callable[[Sequence[float]], Wait]:
    """Check every few seconds."""
    return lambda _: lambda _elapsed_s, _progress: interval_s


def backoff(_: Sequence[float]) -> Wait:
    """Check after one second, then wait twice as long each time, but never more than half a minute."""
    return lambda elapsed_s, _: min(elapsed_s + 1, 30.0)


def learnt(seen_s: Sequence[float]) -> Wait:
    """Check as Reelay does, having seen these renders."""
    times = NOTHING_LEARNT
    for render_s in seen_s[-LEARNT_FROM:]:
        times = times.with_sample(render_s)
    return lambda elapsed_s, progress: next_check_s(
        elapsed_s=elapsed_s, expected_s=EXPECTED_S, times=times, progress=progress
    )


WAYS: Mapping[str, Callable[[Sequence[float]], Wait]] = {
    "learnt": learnt,
    "every 5 s": fixed(5),
    "every 10 s": fixed(10),
    "every 20 s": fixed(20),
    "backoff": backoff,
}


def about(median_s: float, spread: float) -> Draw:
    """Log-normal times."""
    return lambda random: median_s * math.exp(random.gauss(0, spread))


def two_humps(random: Random) -> float:
    """Seven in ten renders are quick."""
    return about(70 if random.random() < 0.7 else 150, 0.08)(random)  # noqa: PLR2004 - seven in ten


@dataclass(frozen=True)
class Scenario:
    """Renders of one kind.

    Attributes:
        now: How long those that are measured take.
        before: How long those took that were learnt from before; None for a cold start, with nothing learnt.
        measured: How many are measured in a row, while learning goes on.
    """

    now: Draw
    before: Draw | None
    measured: int = MEASURED

    def play(self, way: Callable[[Sequence[float]], Wait], *, tells: bool) -> list[tuple[float, int]]:
        """The lag and the checks of each render that is measured."""
        series = (self._series(way, Random(seed), tells=tells) for seed in range(SERIES))  # noqa: S311 - no secret
        return [outcome for outcomes in series for outcome in outcomes]

    def _series(
        self, way: Callable[[Sequence[float]], Wait], random: Random, *, tells: bool
    ) -> Iterator[tuple[float, int]]:
        seen_s = [self.before(random) for _ in range(LEARNT_FROM)] if self.before else []
        for _ in range(self.measured):
            bend = math.exp(random.gauss(0, 0.15))
            render = Render(self.now(random), queued=random.uniform(0.02, 0.12), bend=bend, tells=tells)
            yield render.noticed(way(seen_s[: max(len(seen_s) - IN_FLIGHT, 0)]))
            seen_s.append(render.render_s)


STEADY, WIDE = about(90, 0.1), about(120, 0.2)
SCENARIOS: Mapping[str, Scenario] = {
    "steady: 90 s ± 10 %": Scenario(STEADY, STEADY),
    "wide: 120 s ± 20 %": Scenario(WIDE, WIDE),
    "two humps: 70 s, 150 s": Scenario(two_humps, two_humps),
    "cold start: 120 s ± 20 %, 60 s configured": Scenario(WIDE, None),
    "first of a cold start": Scenario(WIDE, None, measured=1),
    "now 3 times as long: 60 s to 180 s": Scenario(about(180, 0.1), about(60, 0.1)),
    "now 3 times as long: 120 s to 360 s": Scenario(about(360, 0.1), about(120, 0.1)),
    "now a third: 180 s to 60 s": Scenario(about(60, 0.1), about(180, 0.1)),
    "now a third: 120 s to 40 s": Scenario(about(40, 0.1), about(120, 0.1)),
    "the first ten of these": Scenario(about(40, 0.1), about(120, 0.1), measured=10),
}


def main() -> int:
    """Print the table."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=PLAIN_WIDTH, no_color=True)
    caption = (
        f"{SERIES} series each; learnt from {LEARNT_FROM} renders before, known when {IN_FLIGHT} more were created"
    )
    table = Table(box=box.ASCII2, caption=caption, caption_justify="left")
    for heading in ("renders", "progress", "polling"):
        table.add_column(heading)
    for heading in ("mean lag", "p95 lag", "polls", "events"):
        table.add_column(heading, justify="right")
    for name, scenario in SCENARIOS.items():
        for tells in (True, False):
            for way_name, way in WAYS.items():
                if tells or way is learnt:  # the others do not look at it
                    table.add_row(
                        name, "told" if tells else "not told", way_name, *_cells(scenario.play(way, tells=tells))
                    )
        table.add_section()
    console.print(table)
    return 0


def _cells(outcomes: Sequence[tuple[float, int]]) -> Iterator[str]:
    lags_s, polls = [lag_s for lag_s, _ in outcomes], fmean(checks for _, checks in outcomes)
    yield f"{fmean(lags_s):.1f} s"
    yield f"{quantiles(lags_s, n=100, method='inclusive')[94]:.1f} s"
    yield f"{polls:.1f}"
    yield f"{BASE_EVENTS + EVENTS_PER_CHECK * polls:.0f}"


if __name__ == "__main__":
    sys.exit(main())
