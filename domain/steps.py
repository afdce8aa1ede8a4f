"""What a step of the workflow says to the orchestration: go on, come back later, or give up."""

from typing import Self

from pydantic import BaseModel, ConfigDict

from domain.failures import Failure
from domain.video import VideoRef


class StepRequest(BaseModel):
    """What a step is told.

    Attributes:
        video: Whose step it is.
        attempt: How often the step was run before for this video, from 0.
    """

    model_config = ConfigDict(frozen=True)
    video: VideoRef
    attempt: int = 0


class StepResult(BaseModel):
    """What a step answers; with neither field set, the next step may begin.

    Attributes:
        wait_s: Run this step again after so many seconds.
        failure: The video has failed.
    """

    model_config = ConfigDict(frozen=True)
    wait_s: float | None = None
    failure: Failure | None = None

    @classmethod
    def proceed(cls) -> Self:
        """This step is done."""
        return cls()

    @classmethod
    def wait(cls, seconds: float) -> Self:
        """Run this step again after so many seconds."""
        return cls(wait_s=max(seconds, 0.0))

    @classmethod
    def stop(cls, failure: Failure) -> Self:
        """The video has failed."""
        return cls(failure=failure)
