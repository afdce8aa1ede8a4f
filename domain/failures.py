"""Why a video failed, in words that a caller's program can act on."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class FailureCode(StrEnum):
    """The `error.code` of a failed video; an upstream's own moderation codes are passed on as they are."""

    CANCELLED = "cancelled"
    """Somebody cancelled or deleted the video before it was completed."""
    REJECTED = "upstream_rejected"
    """The deployment refused the request for good."""
    UNAUTHORIZED = "upstream_unauthorized"
    """The deployment refused our credential; the operator has to mend it."""
    DEPLOYMENT_NOT_FOUND = "deployment_not_found"
    """The deployment is gone, or the configuration no longer has it."""
    NO_CAPACITY = "no_capacity"
    """No deployment took the job within the time a video may be queued."""
    OUTCOME_UNKNOWN = "outcome_unknown"
    """The deployment may have taken the job, and cannot be asked whether it did."""
    RENDER_FAILED = "render_failed"
    """The deployment gave up on the job."""
    RENDER_TIMEOUT = "render_timeout"
    """The job did not end within the deployment's `render_timeout_s`."""
    RENDER_LOST = "render_lost"
    """The deployment no longer knows the job."""
    CONTENT_EXPIRED = "content_expired"
    """The deployment dropped the content before it could be copied."""
    CONTENT_INVALID = "content_invalid"
    """What the deployment sends is not a whole MP4, however often it is asked."""
    INPUT_MISSING = "input_missing"
    """The stored reference image, or the video to work from, is gone."""
    SOURCE_EXPIRED = "source_expired"
    """The deployment no longer has the video to be remixed."""
    MODERATED = "moderation_blocked"
    """The deployment's own moderation did not let it pass."""
    CONTENT_POLICY_VIOLATION = "content_policy_violation"
    """A guardrail of ours refuses what was rendered."""
    GUARDRAIL_UNAVAILABLE = "guardrail_unavailable"
    """What was rendered could not be checked, and must not be shown unchecked."""


MODERATION_CODES = frozenset({"moderation_blocked", "content_filter", "content_policy_violation"})
"""What upstreams, and our own checks, say of what they do not let pass."""


class Failure(BaseModel):
    """Why a video failed.

    Attributes:
        code: A `FailureCode`, or the upstream's own code.
        message: One sentence for a person; without secrets.
    """

    model_config = ConfigDict(frozen=True)
    code: str
    message: str


CANCELLATION = Failure(code=FailureCode.CANCELLED, message="The video was cancelled before it was completed.")


class VideoFailed(Exception):
    """A step found that the video will never be completed.

    Args:
        code: A `FailureCode`, or the upstream's own code.
        message: One sentence for a person; without secrets.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.failure = Failure(code=code, message=message)
