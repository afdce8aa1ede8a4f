"""What the orchestration and its activities say to each other."""

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
    """What a step answers; with neither field set, it is done.

    Attributes:
        wait_s: Run this step again after so many seconds.
        failure: The video has failed; nothing is left but to end it.
    """

    model_config = ConfigDict(frozen=True)
    wait_s: float | None = None
    failure: Failure | None = None

    @classmethod
    def done(cls) -> Self:
        """The next step may begin."""
        return cls()

    @classmethod
    def wait(cls, seconds: float) -> Self:
        """Run this step again after so many seconds."""
        return cls(wait_s=max(seconds, 0.0))

    @classmethod
    def failed(cls, failure: Failure) -> Self:
        """The video has failed."""
        return cls(failure=failure)


class StepRequest(BaseModel):
    """What a step is told; the orchestration's input is the first of them.

    Attributes:
        video: Whose step it is; all else is in the record.
        step: Which one.
        attempt: How often this step ran before, from 0.
        failure: Why the video is to end, if it failed.
    """

    model_config = ConfigDict(frozen=True)
    video: VideoRef
    step: Step = Step.SUBMIT
    attempt: int = 0
    failure: Failure | None = None

    def again(self) -> Self:
        """The same step once more."""
        return self.model_copy(update={"attempt": self.attempt + 1})

    def then(self, result: StepResult) -> Self | None:
        """What follows a step that need not run again; None when all is done."""
        if self.step is Step.END:
            return None
        following = Step.END if result.failure else _FOLLOWED_BY[self.step]
        return self.model_copy(update={"step": following, "attempt": 0, "failure": result.failure})
