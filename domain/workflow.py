"""What the orchestration, its activities and the capacity pool say to each other."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict

from domain.failures import CANCELLATION, Failure
from domain.slot import Demand, Verdict
from domain.video import Video, VideoRef, VideoState

GENERATE_VIDEO = "generate_video"
"""The orchestration that takes a video from accepted to ended; its instance id is the video id."""

CAPACITY_POOL = "capacity_pool"
"""The entity that hands out slots; its key is the model's public name."""

RECLAIM = "reclaim"
"""Its operation for the sweeper."""

WAKE = "wake"
"""The event that ends a wait early: the record has news, or the pool has a slot."""

CANCELLED = "cancelled"
"""What it carries when somebody wants the video to end: who waits in the line sees no record."""


class Step(StrEnum):
    """What the workflow does, in its order: the activities, and between them the operations of the pool."""

    ACQUIRE = "acquire"
    SUBMIT = "submit_render_job"
    CONFIRM = "confirm"
    CHECK = "check_render_job"
    RELEASE = "release"
    COPY = "copy_content"
    END = "end_video"

    @property
    def is_of_pool(self) -> bool:
        """Whether it is the capacity pool's."""
        return self in {Step.ACQUIRE, Step.CONFIRM, Step.RELEASE}


_FOLLOWED_BY = {
    Step.SUBMIT: Step.CHECK,
    Step.CONFIRM: Step.CHECK,
    Step.CHECK: Step.RELEASE,
    Step.COPY: Step.END,
}


class StepResult(BaseModel):
    """What a step answers: go on to the next one, run me again, or the video has failed.

    Attributes:
        again: Whether this step is not done yet.
        delay_s: How long to wait before whatever comes next.
        trouble: What stood in the way, if something did; see `StepRequest.troubles`.
        finished: Whether no step needs to follow.
        failure: Why nothing is left but to end the video.
        deployment: Where the video has a slot.
        probing: Whether its job is to show that the deployment works again.
        pool: The model whose pool to ask instead.
        verdict: What the deployment did instead of taking the job.
        wake: The videos whose wait for a slot is over.
    """

    model_config = ConfigDict(frozen=True)
    again: bool = False
    delay_s: float = 0.0
    trouble: str | None = None
    finished: bool = False
    failure: Failure | None = None
    deployment: str | None = None
    probing: bool = False
    pool: str | None = None
    verdict: Verdict | None = None
    wake: tuple[str, ...] = ()

    @classmethod
    def done(cls, *, delay_s: float = 0.0, wake: Sequence[str] = ()) -> Self:
        """The next step may begin, after a while."""
        return cls(delay_s=delay_s, wake=tuple(wake))

    @classmethod
    def retry(cls, delay_s: float, trouble: Exception | None = None, *, wake: Sequence[str] = ()) -> Self:
        """Run this step again, after a while."""
        return cls(again=True, delay_s=delay_s, trouble=_kind(trouble), wake=tuple(wake))

    @classmethod
    def end(cls) -> Self:
        """The video has ended, and nothing is left to tidy up."""
        return cls(finished=True)

    @classmethod
    def failed(cls, failure: Failure, verdict: Verdict | None = None, *, wake: Sequence[str] = ()) -> Self:
        """End the video."""
        return cls(failure=failure, verdict=verdict, wake=tuple(wake))

    @classmethod
    def granted(cls, deployment: str, *, probing: bool, wake: Sequence[str]) -> Self:
        """There is a slot."""
        return cls(deployment=deployment, probing=probing, wake=tuple(wake))

    @classmethod
    def elsewhere(cls, model: str, *, wake: Sequence[str] = ()) -> Self:
        """Ask another model's pool."""
        return cls(again=True, pool=model, wake=tuple(wake))

    @classmethod
    def refused(cls, verdict: Verdict, trouble: Exception | None = None) -> Self:
        """The deployment certainly took nothing: give the slot back and ask for another."""
        return cls(verdict=verdict, trouble=_kind(trouble))


class StepRequest(BaseModel):
    """What a step is told; the orchestration's input is the first of them.

    Attributes:
        video: Whose step it is; all else is in the record.
        demand: What it needs of a deployment.
        step: Which one.
        pool: The model whose pool is asked; not the one asked for if that has nobody to render it.
        deployment: Where the video has a slot, if it has one.
        probing: Whether its job is to show that the deployment works again.
        verdict: What the deployment did instead of taking the job.
        troubles: How often the step met each trouble, by its kind, since it last met none; refusals are counted from
            slot to slot.
        failure: Why the video is to end, if it failed.
    """

    model_config = ConfigDict(frozen=True)
    video: VideoRef
    demand: Demand
    step: Step = Step.ACQUIRE
    pool: str
    deployment: str | None = None
    probing: bool = False
    verdict: Verdict | None = None
    troubles: Mapping[str, int] = {}
    failure: Failure | None = None

    @classmethod
    def first(cls, video: Video) -> Self:
        """Where the workflow of a video begins, or begins again."""
        demand = Demand.of(video)
        step = Step.COPY if video.state is VideoState.COPYING else Step.ACQUIRE
        return cls(video=video.ref, demand=demand, step=step, pool=video.model)

    def attempts_at(self, trouble: Exception) -> int:
        """How often this kind of trouble was met before."""
        return self.troubles.get(type(trouble).__name__, 0)

    def after(self, result: StepResult) -> Self | None:
        """What comes after a result; None when the video has ended."""
        if result.finished or (self.step is Step.END and not result.again):
            return None
        if result.again:
            troubles = self.troubles if self.step.is_of_pool else self._troubles_with(result.trouble)
            return self._with(troubles=troubles, pool=result.pool or self.pool)
        if result.failure or result.verdict:
            step = Step.RELEASE if self.deployment else Step.END
            troubles = self._troubles_with(None if result.failure else result.trouble)
            return self._with(step=step, failure=result.failure, verdict=result.verdict, troubles=troubles)
        return self._with(**self._changes_when_done(result))

    def told(self, news: object) -> Self:
        """What to do next after news; every step but the wait in the line reads the record by itself."""
        if news == CANCELLED and self.step is Step.ACQUIRE:
            return self._with(step=Step.RELEASE, failure=CANCELLATION)
        return self

    def _changes_when_done(self, result: StepResult) -> Mapping[str, object]:
        match self.step:
            case Step.ACQUIRE:
                return {"step": Step.SUBMIT, "deployment": result.deployment, "probing": result.probing}
            case Step.SUBMIT if self.probing:
                return {"step": Step.CONFIRM, "troubles": {}}
            case Step.RELEASE:
                following = Step.END if self.failure else Step.ACQUIRE if self.verdict else Step.COPY
                demand = self.demand.model_copy(update={"running_on": None})  # whatever was there is over
                return {
                    "step": following,
                    "deployment": None,
                    "verdict": None,
                    "pool": demand.model,
                    "demand": demand,
                }
            case _:
                return {"step": _FOLLOWED_BY[self.step], "troubles": {}}

    def _troubles_with(self, trouble: str | None) -> Mapping[str, int]:
        return {**self.troubles, trouble: self.troubles.get(trouble, 0) + 1} if trouble else {}

    def _with(self, **changes: object) -> Self:
        return self.model_copy(update=changes)


class PoolCall(BaseModel):
    """A step that the capacity pool does.

    Attributes:
        now: The orchestration's time: a pool has no clock.
    """

    model_config = ConfigDict(frozen=True)
    request: StepRequest
    now: datetime


class Reclaim(BaseModel):
    """Leases that nobody will end.

    Attributes:
        videos: Whose.
        now: The sweeper's time.
    """

    model_config = ConfigDict(frozen=True)
    videos: Sequence[VideoRef]
    now: datetime


def _kind(trouble: Exception | None) -> str | None:
    return type(trouble).__name__ if trouble else None
