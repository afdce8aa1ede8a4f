"""A render job as a deployment tells of it."""

from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from domain.failures import FailureCode
from domain.video import Video

CLOCK_SKEW = timedelta(seconds=30)
"""An upstream's clock may be so far behind ours; an older job that was ours has been claimed by its video."""


def earliest_creation(video: Video) -> datetime:
    """When a video's render job was created at the earliest, by the clock of whichever upstream."""
    return (video.submitting_since or video.created_at) - CLOCK_SKEW


class RenderStatus(StrEnum):
    """What matters of the many words that servers use; one we do not know counts as running."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class RenderJob(BaseModel):
    """One job at a deployment. Servers differ in what they tell: only id and status are sure.

    Attributes:
        progress: Percent.
        seconds: Length of what is (to be) rendered.
        expires_at: When the deployment drops the content.
        failure_code: Why it failed, if it did, in the upstream's own word if it has one.
        failure_message: The same as a sentence.
    """

    model_config = ConfigDict(frozen=True)
    upstream_id: str
    status: RenderStatus
    progress: int = 0
    created_at: datetime | None = None
    expires_at: datetime | None = None
    model: str | None = None
    prompt: str | None = None
    seconds: int | None = None
    size: str | None = None
    failure_code: str = FailureCode.RENDER_FAILED
    failure_message: str = "The deployment gave up on the job."

    def could_be_of(self, video: Video) -> bool:
        """Whether this is what was asked for on behalf of the video.

        The model is not compared: a deployment may call it by another name than we do.
        """
        return self._compared_with(video) == {True} and not self._is_older_than_intent_of(video)

    def hides_whose_it_is(self, video: Video) -> bool:
        """Whether this may be the video's job or another's: the server does not repeat all that it was asked for."""
        compared = self._compared_with(video)
        return None in compared and False not in compared and not self._is_older_than_intent_of(video)

    def _compared_with(self, video: Video) -> set[bool | None]:
        """Field by field; None for what is not told."""
        pairs = ((self.prompt, video.prompt), (self.seconds, video.seconds), (self.size, video.size))
        return {None if told is None else told == asked for told, asked in pairs}

    def _is_older_than_intent_of(self, video: Video) -> bool:
        return self.created_at is not None and self.created_at < earliest_creation(video)
