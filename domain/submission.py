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
from domain.failures import Failure, FailureCode
from domain.slot import Fault, Verdict
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
LONGEST_WISH_S = 3600.0
"""A deployment that wishes to be left alone for longer is asked all the same."""
PATIENCE = 3
"""How often a refusal that an operator can mend is met with another attempt."""
PATIENCE_WITHOUT_CREDENTIAL = 5
"""How often a token or key is asked for again: some five minutes, for a vault or an identity endpoint to come back."""
UNANSWERED = Verdict(fault=Fault.FAILED, error="It did not answer a creation.")


def after_refusal(error: UpstreamError, *, attempt: int) -> StepResult:
    """What follows when the deployment certainly created nothing: another slot, or the end.

    Args:
        error: Why not.
        attempt: How often the video met this before, from 0.
    """
    if isinstance(error, UpstreamRejected):  # the deployment is well; it is the request that is not
        return StepResult.failed(Failure(code=error.code or FailureCode.REJECTED, message=error.message))
    verdict = Verdict.on(error)
    if code := _end_of_patience(error, attempt):
        return StepResult.failed(Failure(code=code, message=error.message), verdict)
    return StepResult.refused(verdict, error)


def outcome_unknown(why: str) -> StepResult:
    """A creation was not answered, and asking again might pay twice."""
    failure = Failure(code=FailureCode.OUTCOME_UNKNOWN, message=f"The deployment did not answer a creation, and {why}")
    return StepResult.failed(failure, UNANSWERED)


def _end_of_patience(error: UpstreamError, attempt: int) -> FailureCode | None:
    match error:
        case UpstreamUnauthorized() if attempt >= PATIENCE:
            return FailureCode.UNAUTHORIZED
        case NoCredential() if attempt >= PATIENCE_WITHOUT_CREDENTIAL:
            return FailureCode.UNAUTHORIZED
        case UpstreamNotFound() if attempt >= PATIENCE:
            return FailureCode.DEPLOYMENT_NOT_FOUND
        case _:
            return None


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
