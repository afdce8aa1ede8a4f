"""Looks at finished content before anybody sees it."""

from clients.guardrails.chain import Guardrails
from domain.errors import ContentPolicyViolation, GuardrailUnavailable
from domain.failures import FailureCode, VideoFailed
from domain.video import Video
from domain.workflow import StepRequest, StepResult

ATTEMPTS = 18
"""A render is paid for, so an hour goes by before it is given up as nobody can look at it."""
_FIRST_RETRY_S, _LONGEST_RETRY_S = 5.0, 300.0


async def examine_content(video: Video, request: StepRequest, guardrails: Guardrails) -> StepResult | None:
    """Have a video checked whose files are stored; looking twice is harmless.

    Args:
        video: Whose content.
        request: How often it was tried before.
        guardrails: What may be shown.

    Returns:
        None if it may be shown, else when to look again.

    Raises:
        VideoFailed: It must not be shown.
    """
    try:
        await guardrails.check_video(video)
    except ContentPolicyViolation as error:
        raise VideoFailed(FailureCode.CONTENT_POLICY_VIOLATION, error.message) from error
    except GuardrailUnavailable as error:
        attempt = request.attempts_at(error)
        if attempt + 1 >= ATTEMPTS:
            message = "The content policy could not be checked, and nothing is shown unchecked."
            raise VideoFailed(FailureCode.GUARDRAIL_UNAVAILABLE, message) from error
        return StepResult.retry(min(_FIRST_RETRY_S * 2**attempt, _LONGEST_RETRY_S), error)
    return None
