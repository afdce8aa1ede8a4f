"""The engine as a gRPC server on 127.0.0.1, on an event loop of its own."""

import asyncio
import signal
import sqlite3
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, cast

import grpc.aio
from durabletask.internal import orchestrator_service_pb2_grpc as stubs

from local.functions_host.engine.hub import TaskHub
from local.functions_host.engine.service import TaskHubService
from local.functions_host.engine.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.so_reuseport", 0),  # a second engine on the port must fail, not share it
]

_add_servicer = cast(
    "Callable[[stubs.TaskHubSidecarServiceServicer, grpc.aio.Server], None]",
    stubs.add_TaskHubSidecarServiceServicer_to_server,  # pyright: ignore[reportUnknownMemberType] # generated, untyped
)


class Engine:
    """A Durable Task engine that listens on 127.0.0.1.

    Args:
        state: Folder that keeps the task hub across restarts, in `engine.sqlite`; None keeps it in memory only.
        port: TCP port; 0 takes a free one.
    """

    def __init__(self, state: Path | None = None, port: int = 0) -> None:
        self._state = state
        self._port = port
        self._started: Future[str] = Future()
        self._thread = threading.Thread(target=self._run, name="durable-engine", daemon=True)

    def start(self) -> str:
        """Serve, and return the address as "127.0.0.1:PORT".

        Raises:
            OSError: The port is taken, or the state folder cannot be used, such as when another engine uses it.
        """
        self._thread.start()
        return self._started.result()

    def stop(self) -> None:
        """Stop serving; every open call and stream ends. Does nothing if the engine does not run."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:
            if self._started.done():
                raise
            self._started.set_exception(error)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        store = self._open_store()
        try:
            await self._serve_hub(TaskHub(store))
        finally:
            if store is not None:
                store.close()

    async def _serve_hub(self, hub: TaskHub) -> None:
        server = grpc.aio.server(options=_OPTIONS)
        _add_servicer(TaskHubService(hub), server)
        port = self._bind(server)
        await server.start()
        self._started.set_result(f"127.0.0.1:{port}")
        await self._stopping.wait()
        await server.stop(grace=None)
        await _all_others()
        await hub.commits.settled()

    def _bind(self, server: grpc.aio.Server) -> int:
        try:
            return server.add_insecure_port(f"127.0.0.1:{self._port}")
        except RuntimeError as error:
            raise OSError(f"port {self._port} of 127.0.0.1 is taken") from error

    def _open_store(self) -> Store | None:
        if self._state is None:
            return None
        self._state.mkdir(parents=True, exist_ok=True)
        try:
            return Store(self._state / "engine.sqlite")
        except sqlite3.Error as error:
            raise OSError(f"the task hub in {self._state} cannot be used: {error}") from error


async def _all_others() -> None:
    """Wait for the end of the calls that the server has cancelled but not waited for."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        await asyncio.wait(others)


def run_engine(port: int, state: Path | None) -> None:
    """Serve until SIGTERM or SIGINT; prints `ready grpc://127.0.0.1:PORT` when requests are accepted.

    Args:
        port: TCP port; 0 takes a free one.
        state: Folder that keeps the task hub across restarts; None keeps it in memory only.
    """
    stop_signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, stop_signals)
    engine = Engine(state=state, port=port)
    print(f"ready grpc://{engine.start()}", flush=True)
    signal.sigwait(stop_signals)
    engine.stop()
