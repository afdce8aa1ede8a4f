"""uvicorn as the HTTP server, on a socket that is bound before anything else starts."""

import asyncio
import contextlib
import socket
from collections.abc import Generator

import uvicorn

from local.functions_host.configuration import ConfigurationError
from local.functions_host.http_messages import Application

_BACKLOG = 2048

# Kestrel's: a client that reuses a connection after a pause must not meet a closed one.
_KEEP_ALIVE_S = 130


def bind(port: int) -> socket.socket:
    """Take a port of 127.0.0.1.

    Args:
        port: TCP port; 0 takes a free one.

    Raises:
        ConfigurationError: The port is taken.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise ConfigurationError(f"port {port} cannot be taken ({error.strerror}): choose another --port") from error
    return listener


class HttpServer(uvicorn.Server):
    """Serves an ASGI application until it is told to stop.

    Args:
        application: The ASGI application.
        grace_s: How long running requests may go on after `stop`, in seconds.
    """

    def __init__(self, application: Application, grace_s: int) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                http="httptools",
                ws="none",
                lifespan="off",
                backlog=_BACKLOG,
                timeout_keep_alive=_KEEP_ALIVE_S,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=grace_s,
            )
        )
        self.accepting = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the listeners, and say so."""
        await super().startup(sockets)
        self.accepting.set()

    def stop(self) -> None:
        """Accept nothing more; `serve` returns when the running requests are answered."""
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave the signals to the host: uvicorn would end the process with the signal it caught."""
        yield
