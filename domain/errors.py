"""Everything that can go wrong, as types.

ReelayError                       what a caller is told: message, type, code, param, HTTP status
├── InvalidRequest          400   the request can never work as it is
│   ├── ContentPolicyViolation    a guardrail refuses what is asked for
│   ├── FetchFailed               what it points to cannot be had just now
│   ├── ModelRetired        410   the last day of all who rendered the model is over
│   ├── PayloadTooLarge     413
│   ├── RequestConflict     409   the same Idempotency-Key with another body
│   └── UnsupportedMedia    415
├── Unauthorized            401
├── Forbidden               403   only the operator may do this
├── NotAllowed              403   the caller's key may not ask for this
├── NotFound                404
├── ContentNotReady         404   the video is not completed
├── ContentRemoved          410   retention removed the content
├── RangeNotSatisfiable     416
├── LimitReached            429   the caller's limits leave no room for it
│   ├── BudgetExceeded            no money is left for it
│   ├── RateLimited               it was asked too soon
│   └── TooManyInFlight           others have to end first
├── PerhapsDone             502   doing it again might do it twice
└── Busy                    503   try again after `retry_after_s`
    └── GuardrailUnavailable      a check that nothing may pass by cannot be made just now
UpstreamError                     what a deployment did to us; never shown as it is
├── UpstreamRejected              it refused the request for good
├── UpstreamUnauthorized          it refused our credential
├── UpstreamNotFound              it does not know the deployment or the job
├── UpstreamOverloaded            it was asked too often; `retry_after_s` if it said so
│   └── UpstreamFull              it runs as many jobs as it can
├── UpstreamUnavailable           it failed, and certainly did nothing
│   └── NoCredential              it was not even asked: we have no token or key for it just now
├── OutcomeUnknown                it may or may not have created the job
└── ContentInvalid                what it sent is not the whole video
CheckImpossible                   a guardrail's check could not be made
CredentialUnavailable             a token or secret could not be had
ConfigurationError                the settings cannot be used; lists every problem
"""

from collections.abc import Sequence
from http import HTTPStatus
from math import ceil

from domain.rate import Rate


class ReelayError(Exception):
    """An error that is answered to the caller in OpenAI's envelope.

    Args:
        message: What is wrong and what to do about it.
        param: The request field at fault, if one is.
        code: A stable machine-readable word; the class has a default.
    """

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    type = "server_error"
    code: str | None = None

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code or type(self).code

    def envelope(self) -> dict[str, dict[str, str | None]]:
        """OpenAI's envelope, as JSON has it."""
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}

    def headers(self) -> dict[str, str]:
        """Response headers that belong to this error."""
        return {}


class InvalidRequest(ReelayError, ValueError):
    """The request can never work as it is."""

    status = HTTPStatus.BAD_REQUEST
    type = "invalid_request_error"
    code = "invalid_value"


class ContentPolicyViolation(InvalidRequest):
    """A guardrail refuses what is asked for, or what was made of it."""

    code = "content_policy_violation"


class FetchFailed(InvalidRequest):
    """What the request points to cannot be had just now; later it perhaps can."""

    code = "invalid_image_url"


class ModelRetired(InvalidRequest):
    """The last day of every deployment that rendered the model is over."""

    status = HTTPStatus.GONE
    code = "model_retired"


class PayloadTooLarge(InvalidRequest):
    """The request body, or a file in it, is larger than allowed."""

    status = HTTPStatus.CONTENT_TOO_LARGE
    code = "payload_too_large"


class RequestConflict(InvalidRequest):
    """The request contradicts one that was accepted before."""

    status = HTTPStatus.CONFLICT
    code = "idempotency_key_reused"


class UnsupportedMedia(InvalidRequest):
    """The content type of the body is none that we read."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    code = "unsupported_content_type"


class Unauthorized(ReelayError):
    """No key, or one that is not accepted."""

    status = HTTPStatus.UNAUTHORIZED
    type = "invalid_request_error"
    code = "invalid_api_key"

    def headers(self) -> dict[str, str]:
        """RFC 9110 wants a challenge with every 401."""
        return {"www-authenticate": "Bearer"}


class Forbidden(ReelayError):
    """Only the operator may do this."""

    status = HTTPStatus.FORBIDDEN
    type = "invalid_request_error"
    code = "admin_key_required"


class NotAllowed(ReelayError):
    """The caller's key is good, but not for this."""

    status = HTTPStatus.FORBIDDEN
    type = "invalid_request_error"
    code = "not_allowed"


class NotFound(ReelayError, LookupError):
    """The caller's tenant has no such thing."""

    status = HTTPStatus.NOT_FOUND
    type = "invalid_request_error"
    code = "not_found"


class ContentNotReady(NotFound):
    """The video exists, its content does not (yet)."""

    code = "content_not_ready"


class ContentRemoved(ReelayError):
    """The content existed and was removed by retention."""

    status = HTTPStatus.GONE
    type = "invalid_request_error"
    code = "content_removed"


class RangeNotSatisfiable(ReelayError):
    """The asked range lies outside the content.

    Args:
        total_bytes: The size of the content.
    """

    status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
    type = "invalid_request_error"
    code = "range_not_satisfiable"

    def __init__(self, total_bytes: int) -> None:
        super().__init__(f"The range lies outside the content, which has {total_bytes} bytes.")
        self.total_bytes = total_bytes

    def headers(self) -> dict[str, str]:
        """RFC 9110, 15.5.17."""
        return {"content-range": f"bytes */{self.total_bytes}"}


class LimitReached(ReelayError):
    """The request is good, but the caller's limits leave no room for it."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    type = "requests"
    code = "limit_reached"


class BudgetExceeded(LimitReached):
    """No money is left for it, and asking again at once is no use."""

    type = "insufficient_quota"
    code = "insufficient_quota"

    def headers(self) -> dict[str, str]:
        """OpenAI's clients would ask again after any other 429."""
        return {"x-should-retry": "false"}


class RateLimited(LimitReached):
    """A minute's requests were made.

    Args:
        message: By whom, and when to come back.
        rate: What is left of the limit.
        retry_after_s: When to come back, in seconds.
    """

    code = "rate_limit_exceeded"

    def __init__(self, message: str, *, rate: Rate, retry_after_s: float) -> None:
        super().__init__(message)
        self.rate = rate
        self.retry_after_s = retry_after_s

    def headers(self) -> dict[str, str]:
        """When to come back, and what the limit is."""
        return {**_retry_after(self.retry_after_s), **self.rate.headers()}


class TooManyInFlight(LimitReached):
    """Others have to end first.

    Args:
        message: How many there are.
        retry_after_s: When to look again, in seconds.
    """

    code = "too_many_videos_in_flight"

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s

    def headers(self) -> dict[str, str]:
        """When to look again."""
        return _retry_after(self.retry_after_s)


class PerhapsDone(ReelayError):
    """It may have been done; whether to ask again is not for a client to decide by itself."""

    status = HTTPStatus.BAD_GATEWAY
    code = "outcome_unknown"

    def headers(self) -> dict[str, str]:
        """OpenAI's clients obey it."""
        return {"x-should-retry": "false"}


class Busy(ReelayError):
    """The service cannot do this now.

    Args:
        message: What is short.
        retry_after_s: When to come back, in seconds.
    """

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "busy"

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s

    def headers(self) -> dict[str, str]:
        """When to come back."""
        return _retry_after(self.retry_after_s)


class GuardrailUnavailable(Busy):
    """A check that nothing may pass by cannot be made just now."""

    code = "guardrail_unavailable"


class UpstreamError(Exception):
    """A deployment answered, or failed to answer, in a way that needs a decision.

    Args:
        message: What the deployment said, without any secret.
        code: The deployment's own error code, if it gave one.
    """

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class UpstreamRejected(UpstreamError):
    """The deployment refused the request for good."""


class UpstreamUnauthorized(UpstreamError):
    """The deployment refused our credential, role or network."""


class UpstreamNotFound(UpstreamError, LookupError):
    """The deployment does not know the deployment name, or the job."""


class UpstreamOverloaded(UpstreamError):
    """The deployment was asked too often, or has no capacity now.

    Args:
        retry_after_s: Its own wish, in seconds; None if it gave none.
    """

    def __init__(self, message: str, *, code: str | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after_s = retry_after_s


class UpstreamFull(UpstreamOverloaded):
    """The deployment runs as many jobs as it can: not a rate, but a concurrency."""


class UpstreamUnavailable(UpstreamError):
    """The deployment failed and certainly changed nothing; asking again is safe.

    Args:
        retry_after_s: Its own wish, in seconds; None if it gave none.
    """

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class NoCredential(UpstreamUnavailable):
    """No token or key can be had for the deployment just now, so it was not asked."""


class OutcomeUnknown(UpstreamError):
    """The deployment may or may not have created the job: look before asking again."""


class ContentInvalid(UpstreamError):
    """What the deployment sent is not the whole video."""


class CheckImpossible(Exception):
    """A guardrail's check could not be made; the message holds nothing of what was to be checked."""


class CredentialUnavailable(Exception):
    """A token or a secret could not be had; the message never holds one."""


class ConfigurationError(ValueError):
    """The settings cannot be used.

    Args:
        problems: One line for each, with the path to the setting.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("The configuration cannot be used:\n" + "\n".join(f"  - {problem}" for problem in problems))
        self.problems = tuple(problems)


def _retry_after(seconds: float) -> dict[str, str]:
    """Both forms that OpenAI's clients obey."""
    return {"retry-after": str(ceil(seconds)), "retry-after-ms": str(ceil(seconds * 1000))}
