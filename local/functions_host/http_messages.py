"""HTTP requests and responses between ASGI and the host's endpoints."""

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

type Scope = MutableMapping[str, Any]
type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class ClientDisconnectedError(Exception):
    """The client went away before it had sent its whole request."""


class HttpError(Exception):
    """A request that is answered with an error.

    Args:
        status: The status of the answer.
        message: What the caller should know; the answer's body.
    """

    def __init__(self, status: HTTPStatus, message: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(slots=True)
class Request:
    """One HTTP request, its body read.

    Attributes:
        method: Upper-case method.
        url: The absolute URL as the client sent it.
        headers: By lower-case name; values of a repeated header are joined with commas.
        query: Decoded; values of a repeated parameter are joined with commas.
        params: The route's parameters, decoded.
        body: The whole body.
    """

    method: str
    url: str
    headers: dict[str, str]
    query: dict[str, str]
    params: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            HttpError: 400; it is not JSON.
        """
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise HttpError(HTTPStatus.BAD_REQUEST, f"the body is not valid JSON: {error}") from error


@dataclass(slots=True)
class Response:
    """One HTTP response.

    Attributes:
        status: Status code.
        body: The whole body.
        headers: In order; a name may repeat.
    """

    status: int = HTTPStatus.OK
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


def json_response(content: object, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None) -> Response:
    """A response of a JSON value."""
    fields = [("content-type", "application/json; charset=utf-8"), *(headers or {}).items()]
    return Response(status, json.dumps(content).encode(), fields)


def text_response(status: int, text: str) -> Response:
    """A response of plain text; without a content type where there is none to say."""
    return Response(status, text.encode(), [("content-type", "text/plain; charset=utf-8")] if text else [])


def read_headers(scope: Scope) -> dict[str, str]:
    """The headers of a request, by lower-case name."""
    return _join((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])


def read_query(scope: Scope) -> dict[str, str]:
    """The decoded query of a request."""
    query: bytes = scope["query_string"]
    return _join(parse_qsl(query.decode("latin-1"), keep_blank_values=True)) if query else {}


def read_url(scope: Scope, headers: Mapping[str, str]) -> str:
    """The absolute URL of a request, as sent."""
    url = f"{scope['scheme']}://{headers.get('host', 'localhost')}{scope['raw_path'].decode('latin-1')}"
    query: bytes = scope["query_string"]
    return f"{url}?{query.decode('latin-1')}" if query else url


async def read_body(receive: Receive, headers: Mapping[str, str], limit: int) -> bytes:
    """The body of a request.

    Args:
        receive: The ASGI channel to read from.
        headers: The request's headers.
        limit: Largest accepted body, in bytes.

    Raises:
        HttpError: 413; the body is larger.
        ClientDisconnectedError: The client went away.
    """
    announced = headers.get("content-length")
    if announced is None and "transfer-encoding" not in headers:
        return b""
    if announced is not None and int(announced) > limit:
        raise _too_large(limit)
    chunks, size, more = list[bytes](), 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnectedError
        chunks.append(message["body"])
        size += len(chunks[-1])
        if size > limit:
            raise _too_large(limit)
        more = message["more_body"]
    return b"".join(chunks)


async def send_response(send: Send, response: Response, method: str) -> None:
    """Send a whole response; what a client has gone from is dropped by the server."""
    await send({"type": "http.response.start", "status": response.status, "headers": _wire_headers(response, method)})
    await send({"type": "http.response.body", "body": response.body})


# The server itself frames the message.
_FRAMING = {"connection", "keep-alive", "transfer-encoding", "content-length"}
_BODILESS = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}


def _wire_headers(response: Response, method: str) -> list[tuple[bytes, bytes]]:
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in response.headers
        if name.lower() not in _FRAMING
    ]
    if response.status not in _BODILESS:
        headers.append((b"content-length", _content_length(response, method)))
    return headers


def _content_length(response: Response, method: str) -> bytes:
    """The length; of what a GET would send, if the function says so in its answer to a HEAD."""
    if method == "HEAD":
        for name, value in response.headers:
            if name.lower() == "content-length":
                return value.encode("latin-1")
    return b"%d" % len(response.body)


def _join(pairs: Any) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _too_large(limit: int) -> HttpError:
    return HttpError(HTTPStatus.CONTENT_TOO_LARGE, f"the body is larger than {limit} bytes")
