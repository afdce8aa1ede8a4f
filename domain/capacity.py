"""The capacity pool: who may have a render job running on which of a model's deployments.

A video asks for a slot and gets a lease, a place in the line, or the advice to ask again later. Whatever changes the
pool (a lease that ends, a deployment's refusal, the time) is followed at once by handing out what is free; the answer
names the videos whose wait is over, and whoever got the answer wakes them. When only time stands in the way, one of
those who wait, the ringer, is asked to come back at that time.

Everything here is a function of the state, the fleet and the time given. The times are those of whoever asks: they
may go back a little.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple, Self

from pydantic import BaseModel, ConfigDict

from domain.catalog import Catalog, Deployment
from domain.condition import Condition
from domain.failures import Failure, FailureCode
from domain.slot import Demand, Outcome, Verdict
from domain.video import VideoRef
from domain.video_id import created_at
from domain.waiting_line import PLACES, Fallback, Waiting, WaitingLine
from domain.workflow import StepResult

GUARD_S: Final = 300.0
"""Who waits asks again after so long, in case the one who should have woken it died."""
LONGEST_ABSENCE_S: Final = 900.0
"""Who found the line full is asked back by then."""
LOCKED_OUT: Final = timedelta(minutes=2)
"""For so long a video waits for somebody to mend what keeps us out of every deployment."""
LEASE_MARGIN: Final = timedelta(minutes=10)
"""A lease ends so long after its render has timed out, if nobody ended it before."""

RECLAIM: Final = "reclaim"
"""The pool's operation for the lease keeper; the others are steps of the workflow."""
NOBODY_CAN: Final = Failure(code=FailureCode.DEPLOYMENT_NOT_FOUND, message="No deployment renders this any more.")


class Fleet(NamedTuple):
    """What can render a model.

    Attributes:
        deployments: All of them, the retired ones too.
        max_queued: How long a video may wait for one.
    """

    deployments: Sequence[Deployment]
    max_queued: timedelta

    @classmethod
    def of(cls, catalog: Catalog, model: str, max_queued: timedelta) -> Self:
        """A model's; nothing renders one that the configuration has lost."""
        known = catalog.models.get(model)
        return cls(known.deployments if known else (), max_queued)

    def named(self, name: str) -> Deployment | None:
        """The deployment of this name, if it is still one of these."""
        return next((deployment for deployment in self.deployments if deployment.name == name), None)


class Lease(BaseModel):
    """A slot that a video has.

    Attributes:
        probing: Whether the job is to show that the deployment works again.
    """

    model_config = ConfigDict(frozen=True)
    video: VideoRef
    deployment: str
    granted_at: datetime
    expires_at: datetime
    probing: bool = False


class Reclaim(BaseModel):
    """Leases that nobody will end, as the lease keeper has seen them.

    Attributes:
        now: The keeper's time: a pool has no clock.
    """

    model_config = ConfigDict(frozen=True)
    leases: tuple[Lease, ...]
    now: datetime


class Ringer(BaseModel):
    """The one who comes back when time has opened a deployment."""

    model_config = ConfigDict(frozen=True)
    video: VideoRef
    at: datetime


class Pool(BaseModel):
    """One model's slots, as they are kept.

    Attributes:
        leases: By video id.
        line: Who waits.
        conditions: By deployment.
        ringer: Who comes back when a deployment has rested, if one does.
    """

    leases: dict[str, Lease] = {}
    line: WaitingLine = WaitingLine()
    conditions: dict[str, Condition] = {}
    ringer: Ringer | None = None

    def acquire(
        self, video: VideoRef, demand: Demand, fleet: Fleet, now: datetime, *, fallback: Fallback | None = None
    ) -> StepResult:
        """Ask for a slot; who has one or waits for one asks again without harm.

        Args:
            video: Who asks.
            demand: What for.
            fleet: What there is.
            now: The present time.
            fallback: The model to turn to when none of these deployments can take it.
        """
        self._settle(fleet, now)
        if demand.running_on and (deployment := fleet.named(demand.running_on)):
            self._resume(video, deployment, now)
        waiting = self.line.place_of(video) or Waiting(video=video, demand=demand, since=now, fallback=fallback)
        if not self._slot_of(video, fleet):
            if refusal := self._refusal(waiting, fleet, now):
                self.line.leave(video)
                return refusal.model_copy(update={"wake": tuple(self._hand_out(fleet, now))})
            self.line.join(waiting)
        woken = self._hand_out(fleet, now, asking=video)
        if lease := self._slot_of(video, fleet):
            return StepResult.granted(lease.deployment, probing=lease.probing, wake=woken)
        return StepResult.retry(self._wait_s(video, fleet, now), wake=woken)

    def report(self, video: VideoRef, verdict: Verdict, fleet: Fleet, now: datetime) -> list[str]:
        """Learn from a job whose slot is kept.

        Args:
            video: Whose job.
            verdict: What it has shown of its deployment.
            fleet: What there is.
            now: The present time.

        Returns:
            Whom to wake.
        """
        self._settle(fleet, now)
        if lease := self.leases.get(video.video_id):
            if verdict.outcome is Outcome.TOOK:
                self.leases[video.video_id] = lease.model_copy(update={"probing": False})
            self._learn(lease.deployment, verdict, fleet, now, others=self.running(lease.deployment) - 1)
        return self._wake(fleet, now)

    def release(self, video: VideoRef, fleet: Fleet, now: datetime, *, verdict: Verdict | None = None) -> list[str]:
        """Give a slot back, or a place in the line; harmless without one.

        Args:
            video: Whose.
            fleet: What there is.
            now: The present time.
            verdict: What the job has shown of its deployment, if anything.

        Returns:
            Whom to wake.
        """
        self._settle(fleet, now)
        self.line.leave(video)
        if lease := self.leases.pop(video.video_id, None):
            self._learn(lease.deployment, verdict, fleet, now, others=self.running(lease.deployment))
        return self._wake(fleet, now)

    def reclaim(self, leases: Iterable[Lease], fleet: Fleet, now: datetime) -> None:
        """Take slots back that nobody will give back, unless their videos have others by now."""
        self._settle(fleet, now)
        for lease in leases:
            if self.leases.get(lease.video.video_id) == lease:
                del self.leases[lease.video.video_id]
        self._hand_out(fleet, now)

    def running(self, deployment: str) -> int:
        """How many leases a deployment has."""
        return sum(lease.deployment == deployment for lease in self.leases.values())

    def _settle(self, fleet: Fleet, now: datetime) -> None:
        """Forget what is over: leases that nobody ended, and deployments that the configuration has lost."""
        self.leases = {id_: lease for id_, lease in self.leases.items() if lease.expires_at > now}
        names = {deployment.name for deployment in fleet.deployments}
        self.conditions = {name: condition for name, condition in self.conditions.items() if name in names}

    def _condition(self, deployment: str) -> Condition:
        return self.conditions.setdefault(deployment, Condition())

    def _learn(self, name: str, verdict: Verdict | None, fleet: Fleet, now: datetime, *, others: int) -> None:
        if verdict and (deployment := fleet.named(name)):
            self._condition(name).learn(verdict, deployment, others, now)

    def _resume(self, video: VideoRef, deployment: Deployment, now: datetime) -> None:
        """Its job may be running there already: a slot is taken, whether there was one or not."""
        self.line.leave(video)
        lease = self.leases.get(video.video_id)
        if lease is None or lease.deployment != deployment.name:
            self._grant(video, deployment, now)

    def _slot_of(self, video: VideoRef, fleet: Fleet) -> Lease | None:
        """What it has, if that is still good: the configuration may have lost the deployment."""
        lease = self.leases.get(video.video_id)
        return lease if lease and fleet.named(lease.deployment) else None

    def _refusal(self, waiting: Waiting, fleet: Fleet, now: datetime) -> StepResult | None:
        """Why it need not wait here, if so."""
        able = _able(fleet.deployments, waiting.demand, now.date())
        if now - created_at(waiting.video.video_id) >= fleet.max_queued:
            return StepResult.failed(_nobody_did(able, self.conditions))
        if waiting.fallback and self._is_better_off_elsewhere(waiting, able, now):
            return StepResult.elsewhere(waiting.fallback.model)
        if not able:
            return StepResult.failed(NOBODY_CAN)
        return None if waiting.fallback else self._locked_out(waiting, able, now)

    def _locked_out(self, waiting: Waiting, able: Sequence[Deployment], now: datetime) -> StepResult | None:
        """Nobody lets us in, and nobody has mended that for a while: better a failure that says so than to wait on."""
        conditions = [self._condition(deployment.name) for deployment in able]
        waits_since = created_at(waiting.video.video_id)
        if not self._are_closed(able, now) or any(
            condition.refused_since is None or now - max(condition.refused_since, waits_since) < LOCKED_OUT
            for condition in conditions
        ):
            return None
        last = conditions[-1]
        code = last.refused_as or FailureCode.UNAUTHORIZED
        return StepResult.failed(Failure(code=code, message=last.last_error or "Access was refused."))

    def _is_better_off_elsewhere(self, waiting: Waiting, able: Sequence[Deployment], now: datetime) -> bool:
        """Whether nobody here takes anything; where the chain starts again, who can is given some time before."""
        starts_again = waiting.fallback is not None and waiting.fallback.starts_again
        is_patient = bool(able) and starts_again and (now - waiting.since).total_seconds() < GUARD_S
        return self._are_closed(able, now) and not is_patient

    def _grant(self, video: VideoRef, deployment: Deployment, now: datetime, *, probing: bool = False) -> None:
        expires_at = now + timedelta(seconds=deployment.render_timeout_s) + LEASE_MARGIN
        self.leases[video.video_id] = Lease(
            video=video, deployment=deployment.name, granted_at=now, expires_at=expires_at, probing=probing
        )

    def _wake(self, fleet: Fleet, now: datetime) -> list[str]:
        """Whose wait is over: who got a slot, who has to come back for one, and who is better off elsewhere."""
        return [*self._hand_out(fleet, now), *self._abandoned(fleet, now)]

    def _hand_out(self, fleet: Fleet, now: datetime, *, asking: VideoRef | None = None) -> list[str]:
        """Give every free slot to whoever is next, and see that somebody comes back for the one that time frees.

        Returns:
            Whom to wake; the one that is asking need not be.
        """
        woken = list[VideoRef]()
        while match := self._next_match(fleet, now):
            waiting, deployment = match
            condition = self._condition(deployment.name)
            self.line.serve(waiting)
            self._grant(waiting.video, deployment, now, probing=condition.is_open)
            condition.started(deployment, now)
            woken.append(waiting.video)
        self.line.shorten()
        woken += self._appoint_ringer(fleet, now, asking)
        return [video.video_id for video in woken if video != asking]

    def _next_match(self, fleet: Fleet, now: datetime) -> tuple[Waiting, Deployment] | None:
        free = [deployment for deployment in fleet.deployments if self._opens_at(deployment, now) == now]
        for waiting in self.line.in_turn() if free else ():
            if able := _able(free, waiting.demand, now.date()):
                return waiting, self._choose(able)
        return None

    def _choose(self, free: Sequence[Deployment]) -> Deployment:
        """The highest priority, and within it smooth weighted round robin, as nginx does it."""
        first = min(deployment.priority for deployment in free)
        level = [deployment for deployment in free if deployment.priority == first]
        for deployment in level:
            self._condition(deployment.name).turn += deployment.weight
        chosen = max(level, key=lambda deployment: self._condition(deployment.name).turn)
        self._condition(chosen.name).turn -= sum(deployment.weight for deployment in level)
        return chosen

    def _opens_at(self, deployment: Deployment, now: datetime) -> datetime | None:
        """When time lets it take a job; None if it has no room, and a lease has to end first."""
        condition = self._condition(deployment.name)
        running = self.running(deployment.name)
        if running >= condition.limit(deployment) or (condition.is_open and self._is_probed(deployment)):
            return None
        return condition.opens_at(deployment, now)

    def _is_probed(self, deployment: Deployment) -> bool:
        return any(lease.probing and lease.deployment == deployment.name for lease in self.leases.values())

    def _are_closed(self, deployments: Iterable[Deployment], now: datetime) -> bool:
        """Whether none of them takes a job: their circuits are open, and none is due for a probe."""
        return all(
            self._condition(deployment.name).is_open and self._opens_at(deployment, now) != now
            for deployment in deployments
        )

    def _abandoned(self, fleet: Fleet, now: datetime) -> list[str]:
        """Who has another model to turn to, now that nobody here takes anything."""
        return [
            waiting.video.video_id
            for waiting in self.line.in_turn()
            if waiting.fallback
            and self._is_better_off_elsewhere(waiting, _able(fleet.deployments, waiting.demand, now.date()), now)
        ]

    def _appoint_ringer(self, fleet: Fleet, now: datetime, asking: VideoRef | None) -> list[VideoRef]:
        """Have somebody come back when the next deployment opens.

        Returns:
            The one to wake, so that it sets its timer.
        """
        opening = self._next_opening(fleet, now)
        if opening is None:
            self.ringer = None
            return []
        at, able = opening
        if self.ringer and self.ringer.video in self.line and now < self.ringer.at <= at:
            return []
        chosen = asking if asking in able else able[0]
        self.ringer = Ringer(video=chosen, at=at)
        return [chosen]

    def _next_opening(self, fleet: Fleet, now: datetime) -> tuple[datetime, list[VideoRef]] | None:
        """When time next opens a deployment that somebody waits for, and who does."""
        openings = ((self._opens_at(deployment, now), deployment) for deployment in fleet.deployments)
        later = ((at, deployment) for at, deployment in openings if at and at > now)
        for at, deployment in sorted(later, key=lambda opening: opening[0]):
            able = [one.video for one in self.line.in_turn() if _able([deployment], one.demand, now.date())]
            if able:
                return at, able
        return None

    def _wait_s(self, video: VideoRef, fleet: Fleet, now: datetime) -> float:
        """When to ask again: in time to ring, or should nobody have called by then, or when the line has moved on."""
        left_s = (created_at(video.video_id) + fleet.max_queued - now).total_seconds()
        if self.ringer and self.ringer.video == video:
            left_s = min((self.ringer.at - now).total_seconds(), left_s)
        if video in self.line:
            return min(GUARD_S, left_s)
        slots = sum(self._condition(deployment.name).limit(deployment) for deployment in fleet.deployments)
        slowest_s = max(deployment.expected_render_s for deployment in fleet.deployments)
        return min(slowest_s * PLACES / 2 / slots, LONGEST_ABSENCE_S, left_s)


def fallback_for(demand: Demand, catalog: Catalog, *, after: str, today: date) -> Fallback | None:
    """The next model that can render this instead, if it may.

    Args:
        demand: What is needed.
        catalog: Who renders what.
        after: The model whose pool was asked last.
        today: UTC.
    """
    asked = catalog.models.get(demand.model)
    if asked is None or not demand.may_fall_back:
        return None
    chain = (demand.model, *asked.fallback_models)
    place = chain.index(after) if after in chain else len(chain)
    round_ = [*((name, False) for name in chain[place + 1 :]), *((name, True) for name in chain[:place])]
    able = ((name, again) for name, again in round_ if _able(catalog.models[name].deployments, demand, today))
    return next((Fallback(model=name, starts_again=again) for name, again in able), None)


def _able(deployments: Iterable[Deployment], demand: Demand, today: date) -> list[Deployment]:
    """Those that can take it at all."""
    return [
        deployment
        for deployment in deployments
        if demand.pinned_to in {None, deployment.name}
        and not deployment.is_retired(today)
        and deployment.renders(
            size=demand.size, seconds=demand.seconds, with_image=demand.has_image, operation=demand.operation
        )
    ]


def _nobody_did(able: Iterable[Deployment], conditions: Mapping[str, Condition]) -> Failure:
    said = [condition.last_error for each in able if (condition := conditions.get(each.name)) and condition.last_error]
    message = "No deployment took the job within the time a video may wait."
    return Failure(code=FailureCode.NO_CAPACITY, message=" ".join([message, *said[:1]]))
