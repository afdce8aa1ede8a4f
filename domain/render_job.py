"""A render job as a deployment tells of it."""

from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from domain.failures import FailureCode
from domain.video import Video

CLOCK_SKEW = timedelta(seconds=30)
"""An upstream's clock may be so far behind ours; an older job that was ours has been claimed by its video."""
ROUNDING = timedelta(seconds=1)
"""Upstreams tell whole seconds, so the time between two of them is off by up to one."""
SHORTEST_TIME_S = 0.01


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
        remixed_from: The upstream id of the job that it was made from.
        failure_code: Why it failed, if it did, in the upstream's own word if it has one.
        failure_message: The same as a sentence.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)
    upstream_id: str
    status: RenderStatus
    progress: int = 0
    created_at: datetime | None = None
    completed_at: datetime | None = None
    expires_at: datetime | None = None
    model: str | None = None
    prompt: str | None = None
    seconds: int | None = None
    size: str | None = None
    remixed_from: str | None = None
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

    def render_time_s(self, video: Video, now: datetime) -> float:
        """How long the job of a video took, in seconds, when it is found done now for the first time.

        The deployment tells to a second, if at all; the checks tell that it is no less than until the last that found
        the job running, and no more than since it was asked for. It is the middle of what is left.
        """
        began_at = video.in_progress_since or now
        least, most = (video.seen_running_at or began_at) - began_at, now - (video.submitting_since or began_at)
        told = self._told_time()
        if told is not None and least - ROUNDING <= told <= most + ROUNDING:
            least, most = max(least, told - ROUNDING), min(most, told + ROUNDING)
        return max((least + most).total_seconds() / 2, SHORTEST_TIME_S)

    def _told_time(self) -> timedelta | None:
        return self.completed_at - self.created_at if self.created_at and self.completed_at else None

    def _compared_with(self, video: Video) -> set[bool | None]:
        """Field by field; None for what is not told. A server may trim a prompt, or end its lines otherwise."""
        words = None if self.prompt is None else self.prompt.split()
        pairs = ((words, video.prompt.split()), (self.seconds, video.length_s), (self.size, video.size))
        compared: set[bool | None] = {None if told is None else told == asked for told, asked in pairs}
        return compared | {self._comes_from_what_it_should(video)}

    def _comes_from_what_it_should(self, video: Video) -> bool | None:
        """Whether it is made from what the video is made from; a job made from another tenant's file must not pass.

        No server tells of characters or of a file that was sent along, and some may not tell of the job that an edit is
        made from.
        """
        source = video.source.upstream_id if video.source else None
        if self.remixed_from:
            return self.remixed_from == source
        return None if video.source or video.input_reference or video.cast else True

    def _is_older_than_intent_of(self, video: Video) -> bool:
        return self.created_at is not None and self.created_at < earliest_creation(video)
