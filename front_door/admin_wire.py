"""What we answer to whoever runs the service."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Literal, Self

from pydantic import BaseModel

from domain.capacity import Pool
from domain.catalog import Deployment
from domain.condition import Condition
from domain.render_times import LearntTime

_MINUTE = timedelta(minutes=1)


class Cooldown(BaseModel):
    """A rest.

    Attributes:
        until: Until then it is given no job.
        reason: `overloaded` said so itself; a `circuit_open` is closed by the next job that it takes.
    """

    until: datetime
    reason: Literal["overloaded", "circuit_open"]

    @classmethod
    def of(cls, condition: Condition, now: datetime) -> Self | None:
        """None if it does not rest."""
        if condition.rests_until is None or condition.rests_until <= now:
            return None
        return cls(until=condition.rests_until, reason="circuit_open" if condition.is_open else "overloaded")


class LastError(BaseModel):
    """What a deployment last said in refusing a job."""

    message: str
    at: datetime | None

    @classmethod
    def of(cls, condition: Condition) -> Self | None:
        """None if it refused none."""
        return cls(message=condition.last_error, at=condition.last_error_at) if condition.last_error else None


class RenderTime(BaseModel):
    """How long renders take, in seconds.

    Attributes:
        samples: How many renders it was learnt from; old ones count for less.
    """

    median_s: float
    p90_s: float
    samples: float

    @classmethod
    def of(cls, learnt: LearntTime) -> Self:
        """Rounded: nobody needs it to the microsecond."""
        return cls(median_s=round(learnt.median_s, 1), p90_s=round(learnt.p90_s, 1), samples=round(learnt.samples, 1))


class DeploymentState(BaseModel):
    """One deployment: what is configured, what it does, and what was learnt of it.

    Attributes:
        effective_concurrency: How many jobs it is given at once, after what it refused; one while its circuit is open.
        running: How many it has.
        waiting: How many videos wait for any deployment of the model.
        starts_in_last_minute: How many jobs it was given; None where no limit makes them worth counting.
        render_time: None before the first render.
    """

    name: str
    model: str
    max_concurrent: int
    effective_concurrency: int
    running: int
    waiting: int
    requests_per_minute: int | None
    starts_in_last_minute: int | None
    priority: int
    weight: int
    cooldown: Cooldown | None
    last_error: LastError | None
    render_time: RenderTime | None
    retires_on: date | None
    retired: bool

    @classmethod
    def of(cls, deployment: Deployment, model: str, pool: Pool, learnt: LearntTime | None, now: datetime) -> Self:
        """From the model's pool and the learnt render times."""
        condition = pool.conditions.get(deployment.name, Condition())
        return cls(
            name=deployment.name,
            model=model,
            max_concurrent=deployment.max_concurrent,
            effective_concurrency=1 if condition.is_open else condition.limit(deployment),
            running=pool.running(deployment.name),
            waiting=len(pool.line),
            requests_per_minute=deployment.requests_per_minute,
            starts_in_last_minute=_starts(condition, now) if deployment.requests_per_minute else None,
            priority=deployment.priority,
            weight=deployment.weight,
            cooldown=Cooldown.of(condition, now),
            last_error=LastError.of(condition),
            render_time=RenderTime.of(learnt) if learnt else None,
            retires_on=deployment.retires_on,
            retired=deployment.is_retired(now.date()),
        )


class DeploymentList(BaseModel):
    """Every deployment, model by model, as they are configured."""

    object: Literal["list"] = "list"
    data: Sequence[DeploymentState]


def _starts(condition: Condition, now: datetime) -> int:
    return sum(start > now - _MINUTE for start in condition.starts)
