"""What a videos server answers, read leniently and turned into our words.

Sources: learn.microsoft.com, Azure OpenAI v1 videos reference; error bodies as seen on the live service.
"""

import logging
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any

import httpx
from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from clients.retry_after import retry_after_s
from clients.telemetry.logs import masked
from domain.errors import (
    OutcomeUnknown,
    UpstreamError,
    UpstreamFull,
    UpstreamNotFound,
    UpstreamOverloaded,
    UpstreamRejected,
    UpstreamUnauthorized,
    UpstreamUnavailable,
)
from domain.failures import FailureCode
from domain.render_job import RenderJob, RenderStatus

_log = logging.getLogger(__name__)
_RUNNING = {"queued", "preprocessing", "in_progress", "processing", "running"}
_SUCCEEDED = {"completed", "succeeded"}
_FAILED = {"failed", "cancelled", "canceled", "expired"}
_NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_MESSAGE_LIMIT = 500
_TEXT_LIMIT = 65_536
"""Searched for credentials before it is cut to a message: half of one would not be found."""
_TOO_MANY_RUNNING = "too many running"
"""By this alone a full deployment is told from one that was asked too often: code and type are the same (seen live)."""


_MODERATION = {"content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation"}
"""What servers say beside `moderation_blocked`, which OpenAI's clients know."""


def _word(code: object) -> object:
    """Azure and vLLM repeat the HTTP status as a code, which says nothing to a caller."""
    if isinstance(code, str) and code in _MODERATION:
        return FailureCode.MODERATED
    return None if isinstance(code, int) or (isinstance(code, str) and code.isdecimal()) else code


class _WireFinding(BaseModel):
    filtered: bool = False
    severity: str | None = None


class _WireInnerError(BaseModel):
    content_filter_result: Mapping[str, _WireFinding] = {}


def _or_nothing(value: object, read: ValidatorFunctionWrapHandler) -> _WireInnerError:
    """It only adds to a message, so no form of it is wrong."""
    try:
        return read(value)
    except ValidationError:
        return _WireInnerError()


class _WireError(BaseModel):
    code: Annotated[str | None, BeforeValidator(_word)] = None
    message: str | None = None
    innererror: Annotated[_WireInnerError, WrapValidator(_or_nothing)] = _WireInnerError()

    @property
    def told(self) -> str | None:
        """The message without what looks like a secret, and what Azure's filter found."""
        found = [
            f"category '{name}', severity {result.severity}"
            for name, result in self.innererror.content_filter_result.items()
            if result.filtered
        ]
        said = masked(self.message) if self.message else None
        return f"{said} ({'; '.join(found)})" if found else said


class _Misfit(BaseModel):
    msg: str


class _WireMisfits(BaseModel):
    detail: Annotated[str | list[_Misfit], Field(validation_alias=AliasChoices("detail", "error", "message"))]

    @property
    def told(self) -> str:
        """What does not fit; FastAPI repeats the request beside it, which is nobody else's to read."""
        return self.detail if isinstance(self.detail, str) else "; ".join(misfit.msg for misfit in self.detail)


class _WireJob(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)
    id: str
    status: str
    progress: FiniteFloat | None = None
    created_at: FiniteFloat | None = None
    completed_at: FiniteFloat | None = None
    expires_at: FiniteFloat | None = None
    model: str | None = None
    prompt: str | None = None
    seconds: FiniteFloat | None = None
    size: str | None = None
    remixed_from_video_id: str | None = None
    error: _WireError | None = None


class _WireCharacter(BaseModel):
    id: str
    created_at: FiniteFloat | None = None


class _WireList(BaseModel):
    data: list[Any]
    has_more: bool | None = None


def read_job(response: httpx.Response) -> RenderJob:
    """A job from a successful answer.

    Raises:
        ValueError: The body is none.
    """
    return to_job(response.json())


def read_jobs(response: httpx.Response) -> tuple[list[RenderJob], bool]:
    """A page of jobs from a successful answer, and whether there are more.

    Raises:
        ValueError: The body is no list.
    """
    page = _WireList.model_validate(response.json())
    return [to_job(item) for item in page.data], bool(page.has_more)


def read_character(response: httpx.Response) -> tuple[str, datetime | None]:
    """A character's id from a successful answer, and when it was made.

    Raises:
        ValueError: The body is none.
    """
    wire = _WireCharacter.model_validate(response.json())
    return wire.id, _time(wire.created_at)


def to_job(item: Any) -> RenderJob:
    """A job from its JSON.

    Raises:
        ValueError: It is none.
    """
    wire = _WireJob.model_validate(item)
    status = _status(wire.status)
    return RenderJob(
        upstream_id=wire.id,
        status=status,
        progress=int(wire.progress or 0),
        created_at=_time(wire.created_at),
        completed_at=_time(wire.completed_at),
        expires_at=_time(wire.expires_at),
        model=wire.model,
        prompt=wire.prompt,
        seconds=int(wire.seconds) if wire.seconds else None,
        size=wire.size,
        remixed_from=wire.remixed_from_video_id,
        **_failure(wire),
    )


def to_error(response: httpx.Response) -> UpstreamError:
    """What an unsuccessful answer means."""
    status = response.status_code
    error = _error_body(response)
    told = _without_credential(error.told, response.request) if error.told else response.reason_phrase
    message = f"HTTP {status}: {told}"[:_MESSAGE_LIMIT]
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return UpstreamUnauthorized(message, code=error.code)
    if status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        return UpstreamNotFound(message, code=error.code)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        kind = UpstreamFull if _TOO_MANY_RUNNING in message.lower() else UpstreamOverloaded
        return kind(message, code=error.code, retry_after_s=retry_after_s(response))
    if _is_unclear(status):
        return _unclear(response.request, message, retry_after_s(response))
    if "timed out" in message.lower():  # an upload that was too slow is a 400 on the live service
        return UpstreamUnavailable(message)
    return UpstreamRejected(message, code=error.code)


@contextmanager
def translated_transport_errors(request: httpx.Request) -> Generator[None]:
    """Turn a broken exchange into what it means for the request.

    Raises:
        OutcomeUnknown: The request asked for a change and may have been carried out.
        UpstreamUnavailable: It certainly was not.
    """
    try:
        yield
    except _NOTHING_SENT as error:
        raise UpstreamUnavailable(f"{request.url.host} cannot be reached: {type(error).__name__}") from error
    except httpx.HTTPError as error:
        message = f"the exchange with {request.url.host} broke off: {type(error).__name__}"
        raise _unclear(request, message) from error


def _is_unclear(status: int) -> bool:
    """Whether the server failed, or gave up; one that cannot do such a thing at all (501) said no."""
    failed = status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.NOT_IMPLEMENTED
    return failed or status == HTTPStatus.REQUEST_TIMEOUT


def _unclear(request: httpx.Request, message: str, retry_after_s: float | None = None) -> UpstreamError:
    """A server that fails may have done what it was asked to do all the same."""
    if request.method == "POST":
        return OutcomeUnknown(message)
    return UpstreamUnavailable(message, retry_after_s=retry_after_s)


def _status(word: str) -> RenderStatus:
    if word in _SUCCEEDED:
        return RenderStatus.SUCCEEDED
    if word in _FAILED:
        return RenderStatus.FAILED
    if word not in _RUNNING:
        _log.warning("the unknown status %r counts as running", word[:40])
    return RenderStatus.RUNNING


def _failure(wire: _WireJob) -> dict[str, str]:
    error = wire.error or _WireError(code=FailureCode.CONTENT_EXPIRED if wire.status == "expired" else None)
    fields = {"failure_code": error.code, "failure_message": error.told}
    return {name: value[:_MESSAGE_LIMIT] for name, value in fields.items() if value}


def _error_body(response: httpx.Response) -> _WireError:
    try:
        body = response.json()
    except ValueError:
        return _WireError(message=response.text[:_TEXT_LIMIT] or None)
    try:
        return _WireError.model_validate(body["error"])
    except (KeyError, TypeError, ValidationError):
        return _WireError(message=_misfits(body))


def _misfits(body: object) -> str | None:
    try:
        return _WireMisfits.model_validate(body).told
    except ValidationError:
        return None


def _without_credential(said: str, request: httpx.Request) -> str:
    """What a server said, but for the token or key that it was sent: some repeat what they do not like."""
    for header in ("authorization", "api-key"):
        if secret := request.headers.get(header, "").rpartition(" ")[2]:
            said = said.replace(secret, "***")
    return said


def _time(seconds: float | None) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds else None
    except (ValueError, OverflowError):  # no time in seconds
        return None
