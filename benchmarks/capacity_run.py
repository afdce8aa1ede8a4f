"""What a run of many videos over a few deployments shows: whether their limits were kept, and what was made of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Final

from benchmarks.figure import Aim, Figure, Unit

MINUTE_S: Final = 60.0
UTILISATION_AIM: Final = Aim(95, at_least=True)
REFUSALS_AIM: Final = Aim(1)
LONE_WAIT_AIM: Final = Aim(100)
TOTAL_AIM: Final = Aim(110)


@dataclass(frozen=True)
class Limits:
    """What a deployment bears.

    Attributes:
        cap: Jobs at once.
        per_minute: Creations in any minute.
    """

    cap: int
    per_minute: int


@dataclass(frozen=True)
class Job:
    """One render; times in seconds since 1970, or since the run began."""

    deployment: str
    created_at: float
    ended_at: float


@dataclass(frozen=True)
class Outage:
    """When a deployment took no jobs; times as in `Job`."""

    deployment: str
    begun_at: float
    ended_at: float


@dataclass(frozen=True)
class CapacityRun:
    """All that happened; times as in `Job`.

    Attributes:
        limits: By deployment.
        begun_at: When the first video was asked for.
        most_running: The most jobs that ever ran at once, by the deployments' own count.
        creates: How many jobs they were asked for.
        refused: How many of these they answered with 429.
        lone_wait_s: How long a video of another tenant waited for its slot in the middle of the backlog.
    """

    limits: Mapping[str, Limits]
    jobs: Sequence[Job]
    begun_at: float
    most_running: Mapping[str, int]
    creates: int
    refused: int
    lone_wait_s: float
    outage: Outage

    def figures(self) -> Iterator[Figure]:
        """The figures, and where they should be."""
        for name, limits in self.limits.items():
            yield self._of(name, limits)
            yield self._pace_of(name, limits)
        yield _percent("utilisation of the caps", self.utilisation(*self.limits), UTILISATION_AIM, self._work())
        refused = f"{self.refused} of {self.creates}"
        yield _percent("creates refused with 429", self.refused / self.creates, REFUSALS_AIM, refused)
        render_s = mean(job.ended_at - job.created_at for job in self.jobs)
        waited = f"{self.lone_wait_s:.1f} s; a render takes {render_s:.1f} s"
        yield _percent("wait of a lone tenant, in renders", self.lone_wait_s / render_s, LONE_WAIT_AIM, waited)
        bound_s, total_s = self.lower_bound_s(), self._ended_at() - self.begun_at
        total = f"{total_s:.0f} s; work / capacity {bound_s:.0f} s"
        yield _percent("total time, of the lower bound", total_s / bound_s, TOTAL_AIM, total)

    def utilisation(self, *deployments: str) -> float:
        """The share of the slots that rendered while somebody waited for one; an outage is left out."""
        end = max(job.created_at for job in self.jobs)
        busy_s = sum(self._busy_s(name, self.begun_at, end) - self._busy_in_outage_s(name) for name in deployments)
        slots_s = sum(self.limits[name].cap * (end - self.begun_at - self._outage_s(name)) for name in deployments)
        return busy_s / slots_s

    def lower_bound_s(self) -> float:
        """How long the work takes if no slot ever rests, but for those of the outage that had nothing to do."""
        work_s = sum(job.ended_at - job.created_at for job in self.jobs)
        name = self.outage.deployment
        lost_s = self.limits[name].cap * self._outage_s(name) - self._busy_in_outage_s(name)
        return (work_s + lost_s) / sum(limits.cap for limits in self.limits.values())

    def most_starts(self, deployment: str) -> int:
        """The most jobs that were created within any minute."""
        starts = sorted(job.created_at for job in self.jobs if job.deployment == deployment)
        return max((sum(0 <= start - first < MINUTE_S for start in starts) for first in starts), default=0)

    def _of(self, name: str, limits: Limits) -> Figure:
        remark = f"utilisation {self.utilisation(name):.1%}"
        if name == self.outage.deployment:
            remark += f" but for an outage of {self._outage_s(name):.0f} s"
        most = self.most_running[name]
        return Figure(name=f"{name}: most at once", value=most, unit=Unit.COUNT, aim=Aim(limits.cap), remark=remark)

    def _pace_of(self, name: str, limits: Limits) -> Figure:
        starts = self.most_starts(name)
        return Figure(name=f"{name}: most in a minute", value=starts, unit=Unit.COUNT, aim=Aim(limits.per_minute))

    def _work(self) -> str:
        return f"while somebody waits; {len(self.jobs)} renders, {sum(each.cap for each in self.limits.values())} slots"

    def _busy_s(self, deployment: str, begin: float, end: float) -> float:
        return sum(
            max(min(job.ended_at, end) - max(job.created_at, begin), 0.0)
            for job in self.jobs
            if job.deployment == deployment
        )

    def _outage_s(self, deployment: str) -> float:
        return self.outage.ended_at - self.outage.begun_at if deployment == self.outage.deployment else 0.0

    def _busy_in_outage_s(self, deployment: str) -> float:
        if deployment != self.outage.deployment:
            return 0.0
        return self._busy_s(deployment, self.outage.begun_at, self.outage.ended_at)

    def _ended_at(self) -> float:
        return max(job.ended_at for job in self.jobs)


def _percent(name: str, share: float, aim: Aim, remark: str) -> Figure:
    return Figure(name=name, value=100 * share, unit=Unit.PERCENT, aim=aim, remark=remark)
