"""What is known of one deployment's readiness, and what each answer to a creation teaches.

too many running    its concurrency is lowered to what it bore, or to 0.9 of what was tried, and grows with every render
asked too fast      it rests exactly as long as it wishes
refused             its circuit opens: it rests, ever longer, and then gets one job as a probe
failed              the same, at the third time in a row
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from pydantic import BaseModel

from domain.catalog import Deployment
from domain.slot import Fault, Verdict

MINUTE: Final = timedelta(seconds=61.5)
"""A minute of requests is counted longer: a job reaches its deployment up to 1.5 s after its slot was given."""
DECREASE: Final = 0.9
INCREASE: Final = 0.01
"""Per render: a concurrency that was too high is tried again after a hundred of them."""
FAULTS_UNTIL_OPEN: Final = 3
LONGEST_REST_S: Final = 120.0
LONGEST_WISH_S: Final = 3600.0
"""A deployment that wishes to be left alone for longer is asked all the same."""


class Condition(BaseModel):
    """One deployment's.

    Attributes:
        concurrency: How many jobs it was seen to bear; None as long as that is what is configured.
        starts: When it was last given jobs, as many as it may be asked for within a minute.
        rests_until: Until then it is given no job.
        faults: How often in a row it refused or failed.
        turn: Its place in the smooth weighted round robin.
        last_error: What it last said in refusing a job, and when.
    """

    concurrency: float | None = None
    starts: Sequence[datetime] = ()
    rests_until: datetime | None = None
    faults: int = 0
    turn: float = 0.0
    last_error: str | None = None
    last_error_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether its circuit is: it gets one job at a time, as a probe."""
        return self.faults >= FAULTS_UNTIL_OPEN

    def limit(self, deployment: Deployment) -> int:
        """How many jobs it is given at once."""
        configured = deployment.max_concurrent
        return configured if self.concurrency is None else min(configured, int(self.concurrency))

    def opens_at(self, deployment: Deployment, now: datetime) -> datetime:
        """When it may be given its next job, if it has room: now, or when it has rested and a minute is over."""
        rate = deployment.requests_per_minute
        paced = self.starts[-rate] + MINUTE if rate and len(self.starts) >= rate else now
        return max(now, self.rests_until or now, paced)

    def started(self, deployment: Deployment, now: datetime) -> None:
        """It is given a job."""
        if rate := deployment.requests_per_minute:
            self.starts = [*self.starts, now][-rate:]

    def took_probe(self) -> None:
        """It took a job: its circuit closes, if it has not done so since and wished to rest."""
        if self.is_open:
            self.faults, self.rests_until = 0, None

    def rendered(self, deployment: Deployment) -> None:
        """It brought a job to its end."""
        if not self.is_open:
            self.faults = 0
        if self.concurrency is not None:
            grown = self.concurrency + INCREASE
            self.concurrency = grown if grown < deployment.max_concurrent else None

    def learn(self, verdict: Verdict, deployment: Deployment, others: int, now: datetime) -> None:
        """It did not take a job.

        Args:
            verdict: What it did instead.
            deployment: Whose condition this is.
            others: How many other jobs it has.
            now: The present time.
        """
        self.last_error, self.last_error_at = verdict.error, now
        match verdict.fault:
            case Fault.FULL:
                self._lower(others, verdict, deployment, now)
            case Fault.TOO_FAST:
                self.faults = 0
                self._rest(_wish_s(verdict, deployment), now)
            case Fault.REFUSED:
                self._fail(max(self.faults + 1, FAULTS_UNTIL_OPEN), deployment, now)
            case Fault.FAILED:
                self._fail(self.faults + 1, deployment, now)

    def _lower(self, others: int, verdict: Verdict, deployment: Deployment, now: datetime) -> None:
        self.faults = 0
        borne = min(others, DECREASE * (others + 1), self.concurrency or deployment.max_concurrent)
        self.concurrency = max(1.0, borne)
        if others < self.limit(deployment):  # somebody else's jobs fill it: no end of ours will tell when it has room
            self._rest(_wish_s(verdict, deployment), now)

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
    wish_s = deployment.cooldown_s if verdict.retry_after_s is None else verdict.retry_after_s
    return min(wish_s, LONGEST_WISH_S)
