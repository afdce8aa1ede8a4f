"""Serves an ASGI app with uvicorn's protocol, and lets the app break the connection."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, cast

import uvicorn
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

TRANSPORT: Final = "local.transport"
"""The ASGI extension that offers the connection's transport."""
KEEP_ALIVE_S: Final = 120


class OpenTransportProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1, with the transport in the scope."""

    def on_message_begin(self) -> None:
        """Begin a request (called by the parser)."""
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT: {"transport": self.transport}}


def transport_of(scope: Mapping[str, Any]) -> asyncio.Transport:
    """Return the transport that a request came in by.

    Raises:
        RuntimeError: The app runs on another server.
    """
    extension = scope.get("extensions", {}).get(TRANSPORT)
    if extension is None:
        raise RuntimeError("only local.azure_fakes.server lets a fault break the connection")
    return cast("asyncio.Transport", extension["transport"])


@asynccontextmanager
async def serve(app: ASGIApp, port: int = 0, tls: ssl.SSLContext | None = None) -> AsyncGenerator[int]:
    """Serve `app` on 127.0.0.1 inside the block.

    Args:
        app: The app.
        port: TCP port; 0 takes a free one.
        tls: Serve https with this.

    Yields:
        The port.
    """
    config = uvicorn.Config(
        _as_long_as_there_is_a_caller(app),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_keep_alive=KEEP_ALIVE_S,
    )
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: OpenTransportProtocol(config, state, {}), "127.0.0.1", port, ssl=tls, backlog=2048
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await _abort(state)
        await server.wait_closed()


def _as_long_as_there_is_a_caller(app: ASGIApp) -> Any:
    """Return the app for uvicorn, which would report callers that have gone as errors of the app."""

    async def quiet(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except (asyncio.CancelledError, ClientDisconnect):
            transport_of(scope).abort()

    return quiet


async def _abort(state: ServerState) -> None:
    """Break every connection and end every request: nobody waits for a fake to finish."""
    tasks = set(state.tasks)
    for connection in set(state.connections):
        cast("OpenTransportProtocol", connection).transport.abort()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
