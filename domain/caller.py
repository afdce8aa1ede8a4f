"""Who asks, what they may ask for, and how much of it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from domain.catalog import Operation
from domain.errors import NotAllowed
from domain.usd import Usd
from domain.video_request import VideoRequest

type _Some[T] = Annotated[frozenset[T], PlainSerializer(sorted, when_used="json")]
type _Count = Annotated[int, Field(gt=0, le=1_000_000)]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Period(StrEnum):
    """How long a budget lasts; days and months are those of UTC."""

    DAY = "day"
    MONTH = "month"
    TOTAL = "total"


class Limits(_Value):
    """How much somebody may ask for; None and what is left out is not limited.

    Attributes:
        requests_per_minute: Videos asked for within a minute.
        max_in_flight: Videos that have not ended.
        budget_usd: What they may cost, by period.
    """

    requests_per_minute: _Count | None = None
    max_in_flight: _Count | None = None
    budget_usd: Mapping[Period, Usd] = {}

    @property
    def may_only_delay(self) -> bool:
        """Whether something may be too much for now, and is not later."""
        return self.requests_per_minute is not None or self.max_in_flight is not None


class Allowance(_Value):
    """What somebody may ask for; None is everything.

    Attributes:
        models: Public names.
        operations: How a video is made.
        max_seconds: The longest that is rendered at once.
        sizes: `WIDTHxHEIGHT`.
    """

    models: _Some[str] | None = None
    operations: _Some[Operation] | None = None
    max_seconds: _Count | None = None
    sizes: _Some[str] | None = None

    def check(self, asked: VideoRequest) -> None:
        """Refuse what is not in it.

        Raises:
            NotAllowed: A request, or part of one, that this key may not make.
        """
        self.check_model(asked.model)
        self.check_operation(asked.operation)
        _check("size", asked.size, self.sizes)
        if self.max_seconds is not None and asked.seconds > self.max_seconds:
            raise _refusal("seconds", asked.seconds, f"up to {self.max_seconds}")

    def check_model(self, model: str) -> None:
        """Refuse a model that is not in it.

        Raises:
            NotAllowed: This key may not ask for it.
        """
        _check("model", model, self.models)

    def check_operation(self, operation: Operation) -> None:
        """Refuse an operation that is not in it.

        Raises:
            NotAllowed: This key may not ask for it.
        """
        _check("operation", operation, self.operations)


class Caller(_Value):
    """Who asks.

    Attributes:
        tenant: Who owns what is made.
        key_id: Which of its keys; None if the tenant comes by itself, or by a key of the configuration.
        allowance: What may be asked for.
        key_limits: How much, by this key.
        tenant_limits: How much, by all of the tenant together.
        weight: The tenant's share of the slots, beside other tenants'.
    """

    tenant: str
    key_id: str | None = None
    allowance: Allowance = Allowance()
    key_limits: Limits = Limits()
    tenant_limits: Limits = Limits()
    weight: float = 1.0

    def limits(self) -> Mapping[str | None, Limits]:
        """What holds for the tenant, under None, and for the key, under its id."""
        return {None: self.tenant_limits} | ({self.key_id: self.key_limits} if self.key_id else {})

    @property
    def may_be_held_up(self) -> bool:
        """Whether it may have to wait with what it asks for."""
        return any(limits.may_only_delay for limits in self.limits().values())


def _check(param: str, wanted: str, allowed: frozenset[str] | None) -> None:
    if allowed is not None and wanted not in allowed:
        raise _refusal(param, wanted, ", ".join(sorted(allowed)) or "none")


def _refusal(param: str, wanted: object, allowed: str) -> NotAllowed:
    return NotAllowed(f"This key may not ask for the {param} {wanted!r}. Allowed: {allowed}.", param=param)
