"""A render job as a deployment tells of it."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from domain.failures import FailureCode
from domain.video import Video


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
        """Whether this may be the job that was asked for on behalf of the video.

        The model is not compared: a deployment may call it by another name than we do.
        """
        asked = (video.prompt, video.seconds, video.size)
        return (self.prompt, self.seconds, self.size) == asked and not self._is_older_than_intent_of(video)

    def _is_older_than_intent_of(self, video: Video) -> bool:
        """Upstreams tell creation times in whole seconds."""
        if self.created_at is None or video.submitting_since is None:
            return False
        return self.created_at < video.submitting_since.replace(microsecond=0)
