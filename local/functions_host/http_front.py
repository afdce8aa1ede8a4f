"""The host's HTTP front: finds the endpoint of a request, checks its key and sends what it answers."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

from local.functions_host.http_messages import (
    ClientDisconnectedError,
    HttpError,
    Receive,
    Request,
    Response,
    Scope,
    Send,
    read_body,
    read_headers,
    read_query,
    read_url,
    send_response,
    text_response,
)
from local.functions_host.keys import Access, Keys
from local.functions_host.routes import Router
from local.functions_host.worker import InvocationFailedError

_logger = logging.getLogger(__name__)

# Paths under these belong to the host, whatever routes the app declares.
_SYSTEM_PATHS = ("/admin/", "/runtime/")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What a route leads to.

    Attributes:
        handle: Answers a request; may raise HttpError or InvocationFailedError.
        access: Who may call it.
    """

    handle: Callable[[Request], Awaitable[Response]]
    access: Access


class HttpFront:
    """The ASGI application.

    Args:
        functions: The routes of the app's HTTP functions.
        system: The routes of the host's own endpoints.
        keys: The keys to ask for; None lets everybody in.
        body_limit: Largest request body, in bytes.
    """

    def __init__(
        self, functions: Router[Endpoint], system: Router[Endpoint], keys: Keys | None, body_limit: int
    ) -> None:
        self._functions = functions
        self._system = system
        self._keys = keys
        self._body_limit = body_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; that its client has gone is no error."""
        try:
            response = await self._answer(scope, receive)
        except ClientDisconnectedError:
            return
        await send_response(send, response, scope["method"])

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        try:
            return await self._handle(scope, receive)
        except HttpError as error:
            return text_response(error.status, error.message)
        except InvocationFailedError:
            return Response(HTTPStatus.INTERNAL_SERVER_ERROR)
        except ClientDisconnectedError:
            raise
        except Exception:
            _logger.exception("%s %s failed in the host", scope["method"], scope["path"])
            return Response(HTTPStatus.INTERNAL_SERVER_ERROR)

    async def _handle(self, scope: Scope, receive: Receive) -> Response:
        path: str = scope["raw_path"].decode("latin-1")
        router = self._system if path.startswith(_SYSTEM_PATHS) else self._functions
        match = router.match(scope["method"], path)
        if match is None:
            raise HttpError(HTTPStatus.NOT_FOUND)
        endpoint, params = match
        headers, query = read_headers(scope), read_query(scope)
        if not self._allows(endpoint.access, headers, query):
            raise HttpError(HTTPStatus.UNAUTHORIZED)
        body = await read_body(receive, headers, self._body_limit)
        url = read_url(scope, headers)
        return await endpoint.handle(Request(scope["method"], url, headers, query, params, body))

    def _allows(self, access: Access, headers: dict[str, str], query: dict[str, str]) -> bool:
        if self._keys is None:
            return True
        return self._keys.allow(access, headers.get("x-functions-key") or query.get("code", ""))
