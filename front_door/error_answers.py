"""Errors as OpenAI's clients expect them: one envelope for whatever goes wrong."""

import logging
from http import HTTPStatus

from azure.core.exceptions import AzureError
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from domain.errors import Busy, InvalidRequest, ReelayError

_log = logging.getLogger(__name__)
_STORAGE_RETRY_AFTER_S = 5


def error_response(error: ReelayError) -> JSONResponse:
    """The envelope of an error."""
    return JSONResponse(error.envelope(), error.status, error.headers())


def install_error_answers(app: FastAPI) -> None:
    """Let every error of an app answer in the envelope."""
    app.add_exception_handler(ReelayError, _reelay_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(AzureError, storage_error)
    app.add_middleware(UnexpectedErrors)


class UnexpectedErrors:
    """ASGI middleware that answers what nobody foresaw.

    Starlette's own handler answers, too, but raises again for its server to log; ours would then drop the answer.

    Args:
        app: What may fail.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        try:
            await self._app(scope, receive, send)
        except Exception:  # noqa: BLE001 - whatever it is, the caller gets an answer and the log the trace
            _log.exception("%s %s failed", scope.get("method"), scope.get("path"))
            message = "Something went wrong here; it was logged. Try again."
            await error_response(ReelayError(message, code="internal_error"))(scope, receive, send)


def _reelay_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ReelayError)  # noqa: S101 - registered for this type
    return error_response(error)


def storage_error(request: Request, error: Exception) -> JSONResponse:
    """Our own storage failed, and the SDK's retries with it."""
    _log.error("%s %s failed: %s", request.method, request.url.path, error, exc_info=error)
    return error_response(Busy("The storage cannot be reached just now.", retry_after_s=_STORAGE_RETRY_AFTER_S))


def _validation_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this type
    first = error.errors()[0]
    param = str(first["loc"][-1])
    return error_response(InvalidRequest(f"{param}: {first['msg']}.", param=param))


def _http_error(request: Request, error: Exception) -> JSONResponse:
    """Unknown routes and methods."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type
    status = HTTPStatus(error.status_code)
    message = f"{status.phrase}: {request.method} {request.url.path}. The API is described at /docs."
    answer = error_response(InvalidRequest(message, code=status.name.lower()))
    answer.status_code = status
    answer.headers.update(error.headers or {})  # a 405 says what is allowed
    return answer
