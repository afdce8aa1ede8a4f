"""The host: the engine's address, the app, the pump, the timers and the HTTP front, started and stopped together."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from local.functions_host.configuration import JsonObject, load_app_settings, load_host_json, section
from local.functions_host.durable_client import DurableClientConfiguration
from local.functions_host.engine import Engine
from local.functions_host.functions import HTTP_TRIGGER, Function
from local.functions_host.http_front import Endpoint, HttpFront
from local.functions_host.http_trigger import HttpFunction
from local.functions_host.keys import Access, Keys
from local.functions_host.pump import Pump, Quotas
from local.functions_host.routes import Route, Router
from local.functions_host.server import HttpServer, bind
from local.functions_host.work_items import DurableFunctions
from local.functions_host.worker import index_app

# How long running invocations may go on after a signal to stop, in seconds.
_GRACE_S = 5

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
        ConfigurationError: The app cannot be run as it is configured.
        OSError: The port is taken.
    """
    stop = _stop_signal()
    load_app_settings(options.app)
    host_json = load_host_json(options.app, os.environ)
    with bind(options.port) as listener, _engine(options) as engine:
        base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        durable_task = section(host_json, "extensions", "durableTask")
        keys = _keys(options)
        client = DurableClientConfiguration(base_url, engine, durable_task, keys and keys.durabletask_extension)
        functions = index_app(options.app, os.environ, client)
        pump = Pump(engine, DurableFunctions(functions), Quotas.read(durable_task))
        limit = int(os.environ.get("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", _BODY_LIMIT_BYTES))
        front = HttpFront(_function_routes(functions, host_json), Router([]), keys, limit)
        server = HttpServer(front, _GRACE_S)
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(server.serve([listener]))
            pumping = tasks.create_task(pump.run())
            await server.accepting.wait()
            print(f"ready {base_url}", flush=True)
            await stop.wait()
            server.stop()
            await asyncio.gather(serving, pump.drain(_GRACE_S))
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
        yield engine.start()
    finally:
        engine.stop()


def _keys(options: HostOptions) -> Keys | None:
    if not options.auth:
        return None
    return Keys.generate() if options.state is None else Keys.load(options.state / "keys.json")


def _function_routes(functions: list[Function], host_json: JsonObject) -> Router[Endpoint]:
    prefix: str = section(host_json, "extensions", "http").get("routePrefix", "api")
    return Router(_function_route(each, prefix) for each in functions if each.trigger.type == HTTP_TRIGGER)


def _function_route(function: Function, prefix: str) -> Route[Endpoint]:
    declared = function.trigger.properties
    template = f"{prefix}/{declared.get('route') or function.name}"
    methods: list[str] | None = declared.get("methods")
    access = Access(str(declared.get("authLevel", "function")).lower())
    endpoint = Endpoint(HttpFunction(function), access)
    return Route(template, methods and [method.upper() for method in methods], endpoint)
