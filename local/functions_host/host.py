"""The host: the Durable engine, the app, the pump, the timers and the HTTP front, started and stopped together."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import grpc

from local.functions_host.admin_api import AdminApi
from local.functions_host.background import BackgroundTasks
from local.functions_host.configuration import (
    ConfigurationError,
    JsonObject,
    load_app_settings,
    load_host_json,
    section,
)
from local.functions_host.durable_api import DurableApi
from local.functions_host.durable_client import DurableClientConfiguration
from local.functions_host.engine import Engine
from local.functions_host.engine_channel import open_channel
from local.functions_host.event_grid import EventGridWebhook
from local.functions_host.functions import (
    EVENT_GRID_TRIGGER,
    HTTP_TRIGGER,
    ORCHESTRATION_TRIGGER,
    TIMER_TRIGGER,
    TRIGGERS,
    Function,
)
from local.functions_host.http_front import HttpFront
from local.functions_host.http_trigger import http_route
from local.functions_host.keys import Keys
from local.functions_host.pump import Pump, Quotas
from local.functions_host.routes import Router
from local.functions_host.server import HttpServer, bind
from local.functions_host.timers import Timer
from local.functions_host.work_items import DurableFunctions
from local.functions_host.worker import index_app

# How long running invocations may go on after a signal to stop, in seconds.
_GRACE_S = 3

# How long the process may take to end once everything is stopped, in seconds.
_EXIT_S = 1

# The real host's limit, unless FUNCTIONS_REQUEST_BODY_SIZE_LIMIT sets another one.
_BODY_LIMIT_BYTES = 210 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class HostOptions:
    """How to run the host.

    Attributes:
        app: Folder of the function app.
        port: TCP port of the HTTP front; 0 takes a free one.
        state: Folder that keeps orchestrations and keys across restarts; None keeps nothing.
        auth: Whether to ask for keys.
        engine: "HOST:PORT" of an engine that runs elsewhere; None runs one in this process.
    """

    app: Path
    port: int
    state: Path | None
    auth: bool
    engine: str | None


async def run_host(options: HostOptions) -> None:
    """Serve the app until SIGTERM or SIGINT; prints `ready http://127.0.0.1:PORT` when its routes are served.

    Raises:
        ConfigurationError: The app cannot be run as it is configured, or the port is taken.
    """
    stop = _stop_signal()
    load_app_settings(options.app)
    host_json = load_host_json(options.app, os.environ)
    keys = _keys(options)
    with bind(options.port) as listener, _engine(options) as engine:
        client = DurableClientConfiguration(
            base_url=f"http://127.0.0.1:{listener.getsockname()[1]}",
            engine=engine,
            durable_task=section(host_json, "extensions", "durableTask"),
            key=None if keys is None else keys.durabletask_extension,
        )
        functions = index_app(options.app, os.environ, client)
        async with open_channel(engine) as channel:
            await _Host(functions, host_json, keys, channel, client).serve(listener, stop)
    _leave_threads_behind()


class _Host:
    def __init__(
        self,
        functions: list[Function],
        host_json: JsonObject,
        keys: Keys | None,
        channel: grpc.aio.Channel,
        client: DurableClientConfiguration,
    ) -> None:
        of_trigger = {trigger: [each for each in functions if each.trigger.type == trigger] for trigger in TRIGGERS}
        self._base_url = client.base_url
        self._background = BackgroundTasks()
        self._timers = {each.name: Timer(each, self._background) for each in of_trigger[TIMER_TRIGGER]}
        self._pump = Pump(channel, DurableFunctions(functions), Quotas.read(client.durable_task), self._background)
        system = Router(
            [
                *DurableApi(channel, client, of_trigger[ORCHESTRATION_TRIGGER]).routes(),
                *EventGridWebhook(of_trigger[EVENT_GRID_TRIGGER]).routes(),
                *AdminApi(functions, self._timers, self._background).routes(),
            ]
        )
        prefix = section(host_json, "extensions", "http").get("routePrefix", "api")
        routes = Router(http_route(each, prefix) for each in of_trigger[HTTP_TRIGGER])
        limit = int(os.environ.get("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", _BODY_LIMIT_BYTES))
        self._server = HttpServer(HttpFront(routes, system, keys, limit), _GRACE_S)

    async def serve(self, listener: socket.socket, stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(self._server.serve([listener]))
            pumping = tasks.create_task(self._pump.run())
            timing = [tasks.create_task(timer.run()) for timer in self._timers.values()]
            await self._server.accepting.wait()
            print(f"ready {self._base_url}", flush=True)
            await stop.wait()
            for schedule in timing:
                schedule.cancel()
            self._pump.stop()
            self._server.stop()
            await asyncio.gather(serving, self._background.drain(_GRACE_S))
            pumping.cancel()


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


@contextlib.contextmanager
def _engine(options: HostOptions) -> Generator[str]:
    if options.engine is not None:
        yield options.engine
        return
    engine = Engine(options.state)
    try:
        address = engine.start()
    except OSError as error:
        raise ConfigurationError(str(error)) from error
    try:
        yield address
    finally:
        engine.stop()


def _keys(options: HostOptions) -> Keys | None:
    if not options.auth:
        return None
    if options.state is not None:
        return Keys.load(options.state / "keys.json")
    keys = Keys.generate()
    print(f"keys of this run: {keys.to_json()}", file=sys.stderr)
    return keys


def _leave_threads_behind() -> None:
    """End the process even if a synchronous function still runs: it cannot be cancelled, and Python waits for it."""
    watchdog = threading.Timer(_EXIT_S, os._exit, args=(0,))
    watchdog.daemon = True
    watchdog.start()
