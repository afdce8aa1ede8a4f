"""The engine as a gRPC server on 127.0.0.1."""

import signal
from concurrent import futures
from pathlib import Path
from typing import TYPE_CHECKING, cast

import grpc
from durabletask.internal import orchestrator_service_pb2_grpc as stubs
from durabletask.testing.in_memory_backend import InMemoryOrchestrationBackend

if TYPE_CHECKING:
    from collections.abc import Callable


class Engine:
    """A Durable Task engine that listens on 127.0.0.1.

    Args:
        state: Folder that keeps the task hub across restarts; None keeps it in memory only.
        port: TCP port; 0 takes a free one.
    """

    def __init__(self, state: Path | None = None, port: int = 0) -> None:
        self._state = state
        self._port = port
        self._server = grpc.server(futures.ThreadPoolExecutor(max_workers=256))
        self._backend = InMemoryOrchestrationBackend()

    def start(self) -> str:
        """Serve, and return the address as "127.0.0.1:PORT"."""
        add_servicer = cast(
            "Callable[[stubs.TaskHubSidecarServiceServicer, grpc.Server], None]",
            stubs.add_TaskHubSidecarServiceServicer_to_server,  # pyright: ignore[reportUnknownMemberType] # generated, untyped
        )
        add_servicer(self._backend, self._server)
        self._port = self._server.add_insecure_port(f"127.0.0.1:{self._port}")
        self._server.start()
        return f"127.0.0.1:{self._port}"

    def stop(self) -> None:
        """Stop serving; every open stream ends."""
        self._backend.stop()
        self._server.stop(grace=None).wait()


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
