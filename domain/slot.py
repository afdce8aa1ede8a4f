"""What the workflow and the capacity pool tell each other about a slot: permission to have one running render job."""

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict

from domain.catalog import Operation
from domain.errors import (
    NoCredential,
    UpstreamError,
    UpstreamFull,
    UpstreamNotFound,
    UpstreamOverloaded,
    UpstreamUnauthorized,
)
from domain.failures import FailureCode
from domain.video import Video, VideoState


class Demand(BaseModel):
    """What a video needs of a deployment.

    Attributes:
        model: The public name that was asked for.
        size: WIDTHxHEIGHT in pixels.
        seconds: Length.
        has_image: Whether a reference image goes with it.
        may_fall_back: Whether another model may render it.
        weight: Its tenant's share of the slots, beside other tenants'.
        pinned_to: The only deployment that can do it, if its parent's content or its characters are there.
        running_on: The deployment that may have its job already.
    """

    model_config = ConfigDict(frozen=True)
    model: str
    size: str
    seconds: int
    operation: Operation = "create"
    has_image: bool = False
    may_fall_back: bool = True
    weight: float = 1.0
    pinned_to: str | None = None
    running_on: str | None = None

    @classmethod
    def of(cls, video: Video) -> Self:
        """What this video needs now."""
        has_job = video.state in {VideoState.SUBMITTING, VideoState.IN_PROGRESS}
        return cls(
            model=video.model,
            size=video.size,
            seconds=video.seconds,
            operation=video.operation,
            has_image=video.input_reference is not None,
            may_fall_back=video.may_fall_back,
            weight=video.weight,
            pinned_to=video.pinned_to,
            running_on=video.deployment if has_job else None,
        )


class Outcome(StrEnum):
    """What a deployment did with a job."""

    TOOK = "took"
    """It took it."""
    RENDERED = "rendered"
    """It brought it to its end."""
    FULL = "full"
    """It runs as many as it can."""
    TOO_FAST = "too_fast"
    """It was asked too often within a minute."""
    REFUSED = "refused"
    """It does not let us in, or does not exist; somebody has to mend that."""
    FAILED = "failed"
    """It failed, or did not answer."""


class Verdict(BaseModel):
    """What a job has shown of its deployment.

    Attributes:
        outcome: What it did.
        error: What it said, if it did not take the job; no secret.
        code: Why a video fails that nobody else takes.
        retry_after_s: Its wish to be left alone, in seconds.
    """

    model_config = ConfigDict(frozen=True)
    outcome: Outcome
    error: str | None = None
    code: FailureCode = FailureCode.NO_CAPACITY
    retry_after_s: float | None = None

    @classmethod
    def on(cls, error: UpstreamError) -> Self:
        """What an error shows."""
        wish_s = error.retry_after_s if isinstance(error, UpstreamOverloaded) else None
        outcome, code = _seen_in(error)
        return cls(outcome=outcome, error=error.message, code=code, retry_after_s=wish_s)


TOOK = Verdict(outcome=Outcome.TOOK)
RENDERED = Verdict(outcome=Outcome.RENDERED)
UNANSWERED = Verdict(outcome=Outcome.FAILED, error="It did not answer a creation.")


def _seen_in(error: UpstreamError) -> tuple[Outcome, FailureCode]:
    match error:
        case UpstreamFull():
            return Outcome.FULL, FailureCode.NO_CAPACITY
        case UpstreamOverloaded():
            return Outcome.TOO_FAST, FailureCode.NO_CAPACITY
        case UpstreamUnauthorized() | NoCredential():
            return Outcome.REFUSED, FailureCode.UNAUTHORIZED
        case UpstreamNotFound():
            return Outcome.REFUSED, FailureCode.DEPLOYMENT_NOT_FOUND
        case _:
            return Outcome.FAILED, FailureCode.NO_CAPACITY
