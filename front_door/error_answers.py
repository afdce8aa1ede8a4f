"""Errors as OpenAI's clients expect them: one envelope for whatever goes wrong."""

import logging
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from domain.errors import InvalidRequest, ReelayError
from front_door.wire import ErrorAnswer, ErrorDetail

_log = logging.getLogger(__name__)


def error_response(error: ReelayError) -> JSONResponse:
    """The envelope of an error."""
    detail = ErrorDetail(message=error.message, type=error.type, param=error.param, code=error.code)
    return JSONResponse(ErrorAnswer(error=detail).model_dump(), error.status, error.headers())


def install_error_answers(app: FastAPI) -> None:
    """Let every error of an app answer in the envelope."""
    app.add_exception_handler(ReelayError, _reelay_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unexpected_error)


def _reelay_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ReelayError)  # noqa: S101 - registered for this type
    return error_response(error)


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
    return answer


def _unexpected_error(request: Request, error: Exception) -> JSONResponse:
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return error_response(ReelayError("Something went wrong here; it was logged. Try again.", code="internal_error"))
