"""What follows when a deployment did not take a job, or may have."""

from domain.errors import (
    NoCredential,
    UpstreamError,
    UpstreamNotFound,
    UpstreamOverloaded,
    UpstreamRejected,
    UpstreamUnauthorized,
    UpstreamUnavailable,
)
from domain.failures import FailureCode, VideoFailed

ANSWER_LIMIT_S = 30.0
"""A creation that is not answered by then counts as unanswered."""
UNANSWERED_LIMIT = 3
"""A deployment that leaves so many creations of one video unanswered is not asked again."""
SETTLE_S = 15.0
"""A job whose creation was not answered may show up this late; only then is it asked for again."""
LOOK_AGAIN_S = 1.0
"""How long after an unanswered creation to look for the job."""
FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 60.0
LONGEST_WISH_S = 3600.0
"""A deployment that wishes to be left alone for longer is asked all the same."""
PATIENCE = 3
"""How often a refusal that an operator can mend is met with another attempt."""
PATIENCE_WITHOUT_CREDENTIAL = 10
"""How often a token or key is asked for again: five minutes, for a vault or an identity endpoint to come back."""


def delay_after_refusal_s(error: UpstreamError, *, attempt: int, queued_s: float, max_queued_s: float) -> float:
    """When to try again after the deployment certainly created nothing, in seconds.

    Args:
        error: Why not.
        attempt: How often it was tried before, from 0.
        queued_s: How long the video has been waiting.
        max_queued_s: How long it may.

    Raises:
        VideoFailed: There is no use in trying again.
    """
    match error:
        case UpstreamRejected():
            raise VideoFailed(error.code or FailureCode.REJECTED, error.message) from error
        case UpstreamUnauthorized() if attempt >= PATIENCE:
            raise VideoFailed(FailureCode.UNAUTHORIZED, error.message) from error
        case NoCredential() if attempt >= PATIENCE_WITHOUT_CREDENTIAL:
            raise VideoFailed(FailureCode.UNAUTHORIZED, error.message) from error
        case UpstreamNotFound() if attempt >= PATIENCE:
            raise VideoFailed(FailureCode.DEPLOYMENT_NOT_FOUND, error.message) from error
        case _ if queued_s >= max_queued_s:
            raise VideoFailed(FailureCode.NO_CAPACITY, error.message) from error
        case _:
            return retry_delay_s(error, attempt=attempt)


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
