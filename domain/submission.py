"""What follows when a deployment did not take a job, or may have."""

from domain.condition import LONGEST_WISH_S
from domain.errors import (
    UpstreamError,
    UpstreamNotFound,
    UpstreamOverloaded,
    UpstreamRejected,
    UpstreamUnavailable,
)
from domain.failures import Failure, FailureCode
from domain.slot import Verdict
from domain.video import Video
from domain.workflow import StepResult

ANSWER_LIMIT_S = 30.0
"""A creation that is not answered by then counts as unanswered."""
UNANSWERED_LIMIT = 3
"""A deployment that leaves so many creations of one video unanswered is not asked again."""
SETTLE_S = 15.0
"""A job whose creation was not answered may show up this late; only then is it asked for again."""
LOOK_AGAIN_S = 1.0
"""How long after an unanswered creation to look for the job."""
UPLOAD_BYTES_PER_S = 1_000_000
"""A file that goes with a creation may take this long on its way."""
FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 60.0
PATIENCE = 3
"""How often a refusal that may be a stray one is met with another attempt."""
LIST_LIMIT_S = 3600.0
"""A list of jobs that cannot be had for so long is not waited for any longer."""


def after_refusal(error: UpstreamError) -> StepResult:
    """What follows when the deployment certainly created nothing: the end, or another slot."""
    if isinstance(error, UpstreamRejected):  # the deployment is well; it is the request that is not
        return StepResult.failed(Failure(code=error.code or FailureCode.REJECTED, message=error.message))
    return StepResult.give_back(Verdict.on(error))


def outcome_unknown(why: str) -> StepResult:
    """A creation was not answered, and asking again might pay twice."""
    message = f"The deployment did not answer a creation, and {why}"
    return StepResult.failed(Failure(code=FailureCode.OUTCOME_UNKNOWN, message=message))


def answer_limit_s(video: Video) -> float:
    """How long the creation of a video's job may go unanswered, in seconds."""
    upload = video.source and video.source.upload
    return ANSWER_LIMIT_S + (upload.size_bytes / UPLOAD_BYTES_PER_S if upload else 0)


def never_lists(error: UpstreamError, *, attempt: int) -> bool:
    """Whether a deployment that does not list its jobs is not going to.

    Args:
        error: Why not.
        attempt: How often it was asked before, from 0.
    """
    return isinstance(error, UpstreamRejected) or (isinstance(error, UpstreamNotFound) and attempt >= PATIENCE)


def retry_delay_s(error: UpstreamError, *, attempt: int) -> float:
    """How long to wait before a deployment is asked again: as long as it wishes, else ever longer.

    A wish of no time at all is none, or a busy deployment would be asked without a pause.
    """
    if isinstance(error, UpstreamOverloaded | UpstreamUnavailable) and error.retry_after_s:
        return min(error.retry_after_s, LONGEST_WISH_S)
    return min(FIRST_RETRY_S * 2.0 ** min(attempt, 30), LONGEST_RETRY_S)
