"""Faults to inject: which request they hit, and how often."""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from random import Random
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveInt


class Effect(StrEnum):
    """What a fault does to the request it hits."""

    STATUS = "status"
    """Nothing happens but an answer with `status`, `headers` and `body`."""
    DROP_BEFORE = "drop_before"
    """Nothing happens and the connection breaks."""
    DROP_AFTER = "drop_after"
    """The request is carried out and the connection breaks."""
    DROP_LATE = "drop_late"
    """The connection breaks, and `seconds` later the request is carried out."""
    STATUS_AFTER = "status_after"
    """The request is carried out and answered with `status`, `headers` and `body` all the same."""
    DELAY = "delay"
    """The request is carried out at once and answered `seconds` late, even if the caller has gone by then."""
    DELAY_BEFORE = "delay_before"
    """The request is carried out and answered `seconds` late, even if the caller has gone by then."""
    TRUNCATE = "truncate"
    """The request is carried out; the connection closes after half of the answer's body."""
    TRICKLE = "trickle"
    """The request is carried out; the answer's body takes `seconds` to arrive."""
    GARBAGE = "garbage"
    """The request is carried out; the answer's body is noise of the same length."""
    FAIL_JOB = "fail_job"
    """The job named or created by the request fails, with the error in `body` if given."""
    MODERATE = "moderate"
    """The job named or created by the request fails with `moderation_blocked`."""
    EXPIRE = "expire"
    """The content of the job named or created by the request expires now."""


class Operation(StrEnum):
    """What the fakes can be asked to do; also the names of the counters."""

    CREATE = "create"
    RETRIEVE = "retrieve"
    LIST = "list"
    CONTENT = "content"
    DELETE = "delete"
    REMIX = "remix"
    EDIT = "edit"
    EXTEND = "extend"
    CREATE_CHARACTER = "create_character"
    RETRIEVE_CHARACTER = "retrieve_character"
    TOKEN = "token"  # noqa: S105  (the name of an operation)
    SECRET = "secret"  # noqa: S105  (the name of an operation)
    EVENT = "event"
    WEBHOOK = "webhook"
    ANALYZE_TEXT = "analyze_text"
    ANALYZE_IMAGE = "analyze_image"


class Fault(BaseModel):
    """A fault that waits for requests to hit."""

    model_config = ConfigDict(extra="forbid")

    operation: Operation
    deployment: str | None = None
    effect: Effect
    status: Annotated[int, Field(ge=200, le=599)] = 500
    headers: dict[str, str] = {}
    body: Any = None
    seconds: NonNegativeFloat = 1.0
    times: PositiveInt = 1
    """How many requests it hits before it is spent."""
    probability: Annotated[float, Field(ge=0, le=1)] = 1.0

    def matches(self, operation: Operation, deployment: str | None) -> bool:
        """Say whether the fault is meant for such a request."""
        return self.operation is operation and self.deployment in (None, deployment)


class FaultQueue:
    """The faults not yet spent; a request is hit by the first that matches.

    Args:
        random: Decides about faults with a probability.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._faults: list[Fault] = []

    def add(self, faults: Iterable[Fault]) -> None:
        """Append faults."""
        self._faults.extend(fault.model_copy() for fault in faults)

    def clear(self) -> None:
        """Forget every fault."""
        self._faults.clear()

    def take(self, operation: Operation, deployment: str | None) -> Fault | None:
        """Return the fault that hits such a request, if any."""
        for fault in self._faults:
            if fault.matches(operation, deployment) and self._random.random() < fault.probability:
                fault.times -= 1
                if not fault.times:
                    self._faults.remove(fault)
                return fault
        return None

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._faults)
