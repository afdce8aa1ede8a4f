"""What the orchestration and its activities say to each other."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict

from domain.failures import Failure
from domain.video import VideoRef

GENERATE_VIDEO = "generate_video"
"""The orchestration that takes a video from accepted to ended; its instance id is the video id."""

WAKE = "wake"
"""The event that ends a wait early: the record has news."""


class Step(StrEnum):
    """The activities of the workflow, in their order."""

    SUBMIT = "submit_render_job"
    CHECK = "check_render_job"
    COPY = "copy_content"
    END = "end_video"


_FOLLOWED_BY = {Step.SUBMIT: Step.CHECK, Step.CHECK: Step.COPY, Step.COPY: Step.END}


class StepResult(BaseModel):
    """What a step answers: go on to the next one, run me again, or the video has failed.

    Attributes:
        again: Whether this step is not done yet.
        delay_s: How long to wait before whatever comes next.
        trouble: What stood in the way, if something did; see `StepRequest.troubles`.
        finished: Whether no step needs to follow.
        failure: Why nothing is left but to end the video.
    """

    model_config = ConfigDict(frozen=True)
    again: bool = False
    delay_s: float = 0.0
    trouble: str | None = None
    finished: bool = False
    failure: Failure | None = None

    @classmethod
    def done(cls, *, delay_s: float = 0.0) -> Self:
        """The next step may begin, after a while."""
        return cls(delay_s=delay_s)

    @classmethod
    def retry(cls, delay_s: float, trouble: Exception | None = None) -> Self:
        """Run this step again, after a while."""
        return cls(again=True, delay_s=delay_s, trouble=type(trouble).__name__ if trouble else None)

    @classmethod
    def end(cls) -> Self:
        """The video has ended, and nothing is left to tidy up."""
        return cls(finished=True)

    @classmethod
    def failed(cls, failure: Failure) -> Self:
        """End the video."""
        return cls(failure=failure)


class StepRequest(BaseModel):
    """What a step is told; the orchestration's input is the first of them.

    Attributes:
        video: Whose step it is; all else is in the record.
        step: Which one.
        troubles: How often the step met each trouble, by its kind, since it last met none.
        failure: Why the video is to end, if it failed.
    """

    model_config = ConfigDict(frozen=True)
    video: VideoRef
    step: Step = Step.SUBMIT
    troubles: Mapping[str, int] = {}
    failure: Failure | None = None

    def attempts_at(self, trouble: Exception) -> int:
        """How often this kind of trouble was met before."""
        return self.troubles.get(type(trouble).__name__, 0)

    def after(self, result: StepResult) -> Self | None:
        """What comes after a result; None when the video has ended."""
        if result.again:
            return self.model_copy(update={"troubles": self._troubles_with(result.trouble)})
        if result.finished or self.step is Step.END:
            return None
        following = Step.END if result.failure else _FOLLOWED_BY[self.step]
        return type(self)(video=self.video, step=following, failure=result.failure)

    def _troubles_with(self, trouble: str | None) -> Mapping[str, int]:
        return {**self.troubles, trouble: self.troubles.get(trouble, 0) + 1} if trouble else {}
