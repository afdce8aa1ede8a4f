"""What a batch's orchestration and its activities say to each other."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict

from domain.batch import BatchRef

RUN_BATCH = "run_batch"
"""The orchestration that takes a batch from accepted to ended; its instance id is the batch id."""


class BatchStep(StrEnum):
    """Its activities."""

    VALIDATE = "validate_batch"
    ADVANCE = "advance_batch"


class BatchResult(BaseModel):
    """What an activity answers.

    Attributes:
        following: What comes next; None when the batch has ended.
        waits: Whether that can wait until a video ends.
        left: The videos that ended and were not reported yet.
    """

    model_config = ConfigDict(frozen=True)
    following: BatchStep | None = None
    waits: bool = False
    left: Sequence[str] = ()


class BatchRequest(BaseModel):
    """What an activity is told; the orchestration's input is the first of them.

    Attributes:
        batch: Whose step it is; all else is in the record.
        step: Which one.
        ended: The videos that are said to have ended; None to look at all that are in flight.
    """

    model_config = ConfigDict(frozen=True)
    batch: BatchRef
    step: BatchStep = BatchStep.VALIDATE
    ended: Sequence[str] | None = None

    def after(self, result: BatchResult, news: Sequence[str | None]) -> Self:
        """What to do next.

        Args:
            result: What this step answered; something follows.
            news: The videos that have ended since; None to look at all.
        """
        told = [video_id for video_id in news if video_id]
        ended = [*result.left, *told] if len(told) == len(news) else None
        return self.model_copy(update={"step": result.following, "ended": ended})
