"""What faults do to the wire between a handler and its caller."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from local.azure_fakes.errors import AzureError, user_error
from local.azure_fakes.faults import Effect, Fault
from local.azure_fakes.server import transport_of

TRICKLE_PIECES: Final = 20

type Answer = Callable[[], Awaitable[Response]]
"""Carries the request out and returns the answer to it."""


async def exchange(fault: Fault | None, answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request, with the wire as bad as the fault says."""
    match fault:
        case Fault(effect=Effect.DROP_BEFORE):
            await _drop(scope, receive)
        case Fault(effect=Effect.DROP_AFTER):
            await answer()
            await _drop(scope, receive)
        case Fault(effect=Effect.DROP_LATE):
            transport_of(scope).abort()
            await asyncio.sleep(fault.seconds)
            await answer()
        case Fault(effect=Effect.STATUS_AFTER):
            await answer()
            await injected_answer(fault).response()(scope, receive, send)
        case Fault(effect=Effect.DELAY_BEFORE):
            await asyncio.sleep(fault.seconds)
            await (await answer())(scope, receive, send)
        case Fault(effect=Effect.DELAY):
            response = await answer()
            await asyncio.sleep(fault.seconds)
            await response(scope, receive, send)
        case Fault(effect=Effect.TRUNCATE):
            response = await answer()
            await response(scope, receive, _cut(send, _length(response) // 2))
            transport_of(scope).close()  # unlike abort, this sends what is buffered
            await _disconnected(receive)
        case Fault(effect=Effect.TRICKLE):
            response = await answer()
            await response(scope, receive, _slow(send, _length(response), fault.seconds))
        case Fault(effect=Effect.GARBAGE):
            await (await answer())(scope, receive, _noise(send))
        case _:
            await (await answer())(scope, receive, send)


def injected_answer(fault: Fault) -> AzureError:
    """Return what a fault says instead of the truth."""
    body = fault.body if fault.body is not None else user_error(fault.status, "This fault was injected.").body
    return AzureError(fault.status, body, fault.headers)


async def _drop(scope: Scope, receive: Receive) -> None:
    transport_of(scope).abort()
    await _disconnected(receive)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _length(response: Response) -> int:
    return int(response.headers["content-length"])


def _cut(send: Send, length: int) -> Send:
    """Return a `send` that loses everything after `length` bytes of the body, and never ends it."""
    left = length

    async def cut(message: Message) -> None:
        nonlocal left
        if message["type"] != "http.response.body":
            await send(message)
        elif body := message.get("body", b"")[:left]:
            left -= len(body)
            await send({**message, "body": body, "more_body": True})

    return cut


def _slow(send: Send, length: int, seconds: float) -> Send:
    """Return a `send` that takes `seconds` for a body of `length` bytes."""
    piece = max(1, length // TRICKLE_PIECES)

    async def slow(message: Message) -> None:
        body = message.get("body", b"")
        for start in range(0, len(body), piece):
            part = body[start : start + piece]
            await send({"type": "http.response.body", "body": part, "more_body": True})
            await asyncio.sleep(seconds * len(part) / length)
        await send({**message, "body": b""} if body else message)

    return slow


def _noise(send: Send) -> Send:
    """Return a `send` that keeps only the lengths."""

    async def noise(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b"#" * len(message.get("body", b""))}
        await send(message)

    return noise
