"""A stack of its own for each measurement: fresh state, free ports, stopped afterwards whatever happens."""

import json
import os
import re
import socket
import sys
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from local.stack.child import Child
from local.stack.description import StackDescription
from local.stack.memory import Memory
from local.stack.program import Program

REQUEST_TIMEOUT_S = 60.0

type Models = Callable[[str, float], Mapping[str, Any]]
"""Makes the models of a configuration from the base URL of the deployments and their render time in seconds."""


@dataclass(frozen=True)
class Stack:
    """A running stack.

    Attributes:
        state: The folder of all that it keeps.
        description: As it was when it was ready.
        start_up_s: How long it took from the start of its first process until it was ready.
        engine: The Durable engine's "HOST:PORT".
        api: Calls the front door with the key it takes.
        control: Steers the fakes.
    """

    state: Path
    description: StackDescription
    start_up_s: float
    engine: str
    api: httpx.AsyncClient
    control: httpx.AsyncClient

    @property
    def host_pid(self) -> int:
        """The process id of the function host."""
        return self.description.pids.host[0]


@asynccontextmanager
async def running_stack(
    *, render_time_s: float = 6, content_bytes: int = 0, models: Models | None = None, **settings: str
) -> AsyncGenerator[Stack]:
    """Runs `python -m local.stack` for the length of the context.

    Nobody hears of events there: who wants that pays for it.

    Args:
        render_time_s: How long a render takes, in seconds; the app is told to expect the same.
        content_bytes: The least size of a rendered video.
        models: What the app offers, if not the usual.
        settings: More of the environment.

    Raises:
        StartError: It did not start.
    """
    with TemporaryDirectory(prefix="reelay-bench-") as folder:
        state = Path(folder) / "state"
        if models:
            settings["REELAY_MODELS"] = json.dumps(models(_upstream(state), render_time_s))
        started = time.perf_counter()
        child = await Child.spawn(_program(state, render_time_s, settings), {}, Path(folder) / "stack.log")
        try:
            await child.ready()
            async with _connected(state, time.perf_counter() - started) as stack:
                await steer(stack, content_bytes=content_bytes)
                yield stack
        finally:
            await child.stop()


def described(state: Path) -> StackDescription:
    """What the stack with this state says of itself now."""
    return StackDescription.model_validate_json((state / "stack.json").read_text())


async def steer(stack: Stack, **settings: object) -> None:
    """Changes the settings of the fakes."""
    (await stack.control.post("/_control/settings", json=settings)).raise_for_status()


def _upstream(state: Path) -> str:
    """Chooses where the deployments of a stack that is yet to start will be, and returns their base URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    state.mkdir()
    Memory(ports={"fakes": {"fakes": port, "vault": 0}}).save(state)
    return f"http://127.0.0.1:{port}"


def _program(state: Path, render_time_s: float, settings: dict[str, str]) -> Program:
    return Program(
        name="the stack",
        command=(sys.executable, "-u", "-m", "local.stack"),
        port_options={},
        ready=re.compile(r"^ready base_url=", re.MULTILINE),
        env=os.environ
        | {"PORT": "0", "STATE": str(state), "RENDER_TIME_S": str(render_time_s), "REELAY_EVENT_GRID_ENDPOINT": ""}
        | settings,
        last_wish=SIGTERM,
    )


@asynccontextmanager
async def _connected(state: Path, start_up_s: float) -> AsyncGenerator[Stack]:
    description = described(state)
    engine = f"127.0.0.1:{Memory.of(state).ports['engine']['engine']}"
    key = {"authorization": f"Bearer {description.api_key}"}
    limits = httpx.Limits(max_connections=16)
    async with (
        httpx.AsyncClient(base_url=description.base_url, headers=key, timeout=REQUEST_TIMEOUT_S, limits=limits) as api,
        httpx.AsyncClient(base_url=description.upstream, timeout=REQUEST_TIMEOUT_S) as control,
    ):
        yield Stack(state, description, start_up_s, engine, api, control)
