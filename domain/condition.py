"""What is known of one deployment's readiness, and what each of its answers teaches.

too many running    it is given no more jobs than it bore; after a few renders one more is tried, and as many as were
                    too many ever later
asked too fast      it rests exactly as long as it wishes
refused             its circuit opens: it rests, ever longer, and then gets one job as a probe
failed              the same, at the third time in a row
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from pydantic import BaseModel

from domain.catalog import Deployment
from domain.failures import FailureCode
from domain.slot import Outcome, Verdict

MINUTE: Final = timedelta(seconds=61.5)
"""A minute of requests is counted longer: a job reaches its deployment up to 1.5 s after its slot was given."""
DECREASE: Final = 0.9
FEWEST_RENDERS: Final = 4
"""Until one job more is tried."""
MOST_RENDERS: Final = 200
"""Until as many are tried as were too many: at a limit that stays, one creation in two hundred is refused."""
DELAY_IN_VAIN: Final = 8
"""So many times longer, each time that they still are."""
FAULTS_UNTIL_OPEN: Final = 3
LONGEST_REST_S: Final = 120.0
LONGEST_WISH_S: Final = 3600.0
"""A deployment that wishes to be left alone for longer is asked all the same."""


class Condition(BaseModel):
    """One deployment's.

    Attributes:
        concurrency: How many jobs it was seen to bear; None as long as that is what is configured.
        too_many: How many jobs it last refused to run.
        patience: How many renders to wait before as many are tried again.
        renders_left: How many are still to come before one job more is tried.
        starts: When it was last given jobs, as many as it may be asked for within a minute.
        rests_until: Until then it is given no job.
        faults: How often in a row it refused or failed.
        refused_since: Since when it does not let us in.
        refused_as: What a video fails with that nobody else takes.
        turn: Its place in the smooth weighted round robin.
        last_error: What it last said in refusing a job, and when.
    """

    concurrency: int | None = None
    too_many: int | None = None
    patience: int = FEWEST_RENDERS
    renders_left: int = 0
    starts: Sequence[datetime] = ()
    rests_until: datetime | None = None
    faults: int = 0
    refused_since: datetime | None = None
    refused_as: FailureCode | None = None
    turn: float = 0.0
    last_error: str | None = None
    last_error_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether its circuit is: it gets one job at a time, as a probe."""
        return self.faults >= FAULTS_UNTIL_OPEN

    def rests(self, now: datetime) -> bool:
        """Whether it is given no jobs for a time, after a refusal or a fault."""
        return self.rests_until is not None and now < self.rests_until

    def limit(self, deployment: Deployment) -> int:
        """How many jobs it is given at once."""
        return min(deployment.max_concurrent, self.concurrency or deployment.max_concurrent)

    def opens_at(self, deployment: Deployment, now: datetime) -> datetime:
        """When it may be given its next job, if it has room: now, or when it has rested and a minute is over."""
        rate = deployment.requests_per_minute
        paced = self.starts[-rate] + MINUTE if rate and len(self.starts) >= rate else now
        return max(now, self.rests_until or now, paced)

    def started(self, deployment: Deployment, now: datetime) -> None:
        """It is given a job."""
        if rate := deployment.requests_per_minute:
            self.starts = [*self.starts, now][-rate:]

    def learn(self, verdict: Verdict, deployment: Deployment, others: int, now: datetime) -> None:
        """It did something with a job.

        Args:
            verdict: What.
            deployment: Whose condition this is.
            others: How many other jobs it has.
            now: The present time.
        """
        if verdict.error:
            self.last_error, self.last_error_at = verdict.error, now
        if verdict.outcome not in {Outcome.REFUSED, Outcome.FAILED}:
            self.refused_since = None
        match verdict.outcome:
            case Outcome.TOOK:
                self._close()
            case Outcome.RENDERED:
                self._grow(deployment)
            case Outcome.FULL:
                self._lower(others, verdict, deployment, now)
            case Outcome.TOO_FAST:
                self.faults = 0
                self._rest(_wish_s(verdict, deployment), now)
            case Outcome.REFUSED:
                self.refused_since, self.refused_as = self.refused_since or now, verdict.code
                self._fail(max(self.faults + 1, FAULTS_UNTIL_OPEN), deployment, now)
            case Outcome.FAILED:
                self._fail(self.faults + 1, deployment, now)

    def _close(self) -> None:
        """Its circuit closes, if it has not done so since and wished to rest."""
        if self.is_open:
            self.faults, self.rests_until = 0, None

    def _grow(self, deployment: Deployment) -> None:
        """Additive increase: one job more, after so many renders that few are refused."""
        if not self.is_open:
            self.faults = 0
        if self.concurrency is not None:
            self.renders_left -= 1
            if self.renders_left <= 0:
                self._allow(self.concurrency + 1, deployment)

    def _lower(self, others: int, verdict: Verdict, deployment: Deployment, now: datetime) -> None:
        """Multiplicative decrease, to what it bore."""
        tried = others + 1
        in_vain = self.too_many is not None and tried >= self.too_many
        self.patience = min(self.patience * DELAY_IN_VAIN, MOST_RENDERS) if in_vain else FEWEST_RENDERS
        self.faults, self.too_many = 0, tried
        self._allow(max(1, min(others, int(DECREASE * tried), self.limit(deployment))), deployment)
        if others < self.limit(deployment):  # somebody else's jobs fill it: no end of ours will tell when it has room
            self._rest(_wish_s(verdict, deployment), now)

    def _allow(self, jobs: int, deployment: Deployment) -> None:
        self.concurrency = jobs if jobs < deployment.max_concurrent else None
        self.renders_left = self.patience if jobs + 1 == self.too_many else FEWEST_RENDERS

    def _fail(self, faults: int, deployment: Deployment, now: datetime) -> None:
        if self.is_open and now < (self.rests_until or now):  # asked before it rested: nothing new
            return
        self.faults = faults
        if self.is_open:
            doublings = min(faults - FAULTS_UNTIL_OPEN, 20)
            self._rest(min(deployment.cooldown_s * 2.0**doublings, LONGEST_REST_S), now)

    def _rest(self, seconds: float, now: datetime) -> None:
        self.rests_until = max(now + timedelta(seconds=seconds), self.rests_until or now)


def _wish_s(verdict: Verdict, deployment: Deployment) -> float:
    """How long it wishes to be left alone; a wish of no time at all is none, or it would be asked without a pause."""
    return min(verdict.retry_after_s or deployment.cooldown_s, LONGEST_WISH_S)
