"""What the orchestration, its activities and the capacity pool say to each other."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict

from domain.failures import CANCELLATION, Failure
from domain.slot import RENDERED, TOOK, UNANSWERED, Demand, Verdict
from domain.video import Video, VideoRef, VideoState

GENERATE_VIDEO = "generate_video"
"""The orchestration that takes a video from accepted to ended; its instance id is the video id."""

CAPACITY_POOL = "capacity_pool"
"""The entity that hands out slots; its key is the model's public name."""

WAKE = "wake"
"""The event that ends a wait early: the record has news, or the pool has a slot."""


class Step(StrEnum):
    """What the workflow does, in its order: the activities, and between them the operations of the pool."""

    ACQUIRE = "acquire"
    SUBMIT = "submit_render_job"
    REPORT = "report"
    CHECK = "check_render_job"
    RELEASE = "release"
    COPY = "copy_content"
    END = "end_video"

    @property
    def is_of_pool(self) -> bool:
        """Whether it is the capacity pool's."""
        return self in {Step.ACQUIRE, Step.REPORT, Step.RELEASE}


class News(BaseModel):
    """What `WAKE` tells those who wait for a slot, for they see no record; all others read theirs.

    Attributes:
        cancelled: Whether somebody wants the video to end.
        pool: The model whose pool has a slot for it, if not the one it asked last.
    """

    model_config = ConfigDict(frozen=True)
    cancelled: bool = False
    pool: str | None = None


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
        refused: Whether the deployment certainly took nothing, and another slot is to be asked for.
        verdict: What the job has shown of its deployment, for the pool to learn.
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
    refused: bool = False
    verdict: Verdict | None = None
    wake: tuple[str, ...] = ()

    @classmethod
    def done(cls, *, delay_s: float = 0.0, wake: Sequence[str] = ()) -> Self:
        """The next step may begin, after a while."""
        return cls(delay_s=delay_s, wake=tuple(wake))

    @classmethod
    def retry(cls, delay_s: float, trouble: Exception | None = None, *, wake: Sequence[str] = ()) -> Self:
        """Run this step again, after a while."""
        return cls(again=True, delay_s=delay_s, trouble=type(trouble).__name__ if trouble else None, wake=tuple(wake))

    @classmethod
    def unanswered(cls, delay_s: float) -> Self:
        """Tell the pool that the deployment did not answer, then run this step again."""
        return cls(again=True, delay_s=delay_s, verdict=UNANSWERED)

    @classmethod
    def end(cls) -> Self:
        """The video has ended, and nothing is left to tidy up."""
        return cls(finished=True)

    @classmethod
    def failed(cls, failure: Failure) -> Self:
        """End the video."""
        return cls(failure=failure)

    @classmethod
    def granted(cls, deployment: str, *, probing: bool, wake: Sequence[str]) -> Self:
        """There is a slot."""
        return cls(deployment=deployment, probing=probing, wake=tuple(wake))

    @classmethod
    def elsewhere(cls, model: str) -> Self:
        """Ask another model's pool."""
        return cls(again=True, pool=model)

    @classmethod
    def give_back(cls, verdict: Verdict | None = None) -> Self:
        """The deployment certainly took nothing: release the slot, and acquire another one."""
        return cls(refused=True, verdict=verdict)


class StepRequest(BaseModel):
    """What a step is told; the orchestration's input is the first of them.

    Attributes:
        video: Whose step it is; all else is in the record.
        demand: What it needs of a deployment.
        step: Which one.
        then: What follows it, if it is a report to the pool or a release; None if nothing does.
        pool: The model whose pool is asked; not the one asked for if that has nobody to render it.
        deployment: Where the video has a slot, if it has one.
        probing: Whether its job is to show that the deployment works again.
        verdict: What the job has shown of its deployment.
        troubles: How often the step met each trouble, by its kind, since it last met none.
        failure: Why the video is to end, if it failed.
        batch: The batch that is told when it has ended.
        traceparent: The span that accepted the video, whose trace goes on here.
    """

    model_config = ConfigDict(frozen=True)
    video: VideoRef
    demand: Demand
    step: Step = Step.ACQUIRE
    then: Step | None = None
    pool: str
    deployment: str | None = None
    probing: bool = False
    verdict: Verdict | None = None
    troubles: Mapping[str, int] = {}
    failure: Failure | None = None
    batch: str | None = None
    traceparent: str | None = None

    @classmethod
    def first(cls, video: Video) -> Self:
        """Where the workflow of a video begins, or begins again."""
        demand = Demand.of(video)
        step = Step.COPY if video.state is VideoState.COPYING else Step.ACQUIRE
        batch_id = video.batch.batch_id if video.batch else None
        return cls(
            video=video.ref,
            demand=demand,
            step=step,
            pool=video.model,
            batch=batch_id,
            traceparent=video.traceparent,
        )

    def attempts_at(self, trouble: Exception) -> int:
        """How often this kind of trouble was met before."""
        return self.troubles.get(type(trouble).__name__, 0)

    def after(self, result: StepResult) -> Self | None:
        """What comes after a result; None when nothing does."""
        if result.finished or (self.step is Step.END and not result.again and not self.deployment):
            return None
        if result.again:
            return self._again(result)
        if result.failure:
            return self._with(step=Step.END, failure=result.failure, troubles={})
        if result.refused:
            return self._with(step=Step.RELEASE, then=Step.ACQUIRE, verdict=result.verdict, troubles={})
        return self._released() if self.step is Step.RELEASE else self._done(result)

    def told(self, news: News) -> Self:
        """What to do next after news: who waits for a slot, or is about to, does not read the record."""
        if news.cancelled and Step.ACQUIRE in {self.step, self.then} and not self.demand.running_on:
            return self._with(step=Step.RELEASE, then=Step.END, failure=CANCELLATION)
        if news.pool and self.step is Step.ACQUIRE:
            return self._with(pool=news.pool)
        return self

    def _again(self, result: StepResult) -> Self:
        troubles = self._troubles_with(result.trouble)
        if result.verdict:
            return self._with(step=Step.REPORT, then=self.step, verdict=result.verdict, troubles=troubles)
        return self._with(troubles=troubles, pool=result.pool or self.pool)

    def _done(self, result: StepResult) -> Self:
        match self.step:
            case Step.ACQUIRE:
                return self._with(step=Step.SUBMIT, deployment=result.deployment, probing=result.probing)
            case Step.SUBMIT:
                told = (
                    {"step": Step.REPORT, "then": Step.CHECK, "verdict": TOOK} if self.probing else {"step": Step.CHECK}
                )
                return self._with(**told, probing=False, troubles={})
            case Step.CHECK:
                return self._with(step=Step.RELEASE, then=Step.COPY, verdict=RENDERED, troubles={})
            case Step.REPORT:
                return self._with(step=self.then, then=None, verdict=None)
            case Step.COPY:
                return self._with(step=Step.END, troubles={})
            case _:  # a job that nobody needs is deleted before its slot is given back
                return self._with(step=Step.RELEASE)

    def _released(self) -> Self | None:
        demand = self.demand.model_copy(update={"running_on": None})  # whatever was there is over
        without = {"deployment": None, "probing": False, "verdict": None, "pool": demand.model, "demand": demand}
        return self._with(step=self.then, then=None, **without) if self.then else None

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
