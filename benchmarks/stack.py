"""A stack of its own for each measurement: fresh state, free ports, stopped afterwards whatever happens."""

import os
import re
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM
from tempfile import TemporaryDirectory

import httpx

from local.stack.child import Child
from local.stack.description import StackDescription
from local.stack.memory import Memory
from local.stack.program import Program

REQUEST_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Stack:
    """A running stack.

    Attributes:
        start_up_s: How long it took from the start of its first process until it was ready.
        engine: The Durable engine's "HOST:PORT".
        api: Calls the front door with the key it takes.
        control: Steers the fakes.
    """

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
async def running_stack(*, render_time_s: float = 6, content_bytes: int = 0, **settings: str) -> AsyncGenerator[Stack]:
    """Runs `python -m local.stack` for the length of the context.

    Args:
        render_time_s: How long a render takes, in seconds; the app is told to expect the same.
        content_bytes: The least size of a rendered video.
        settings: More of the environment.

    Raises:
        StartError: It did not start.
    """
    with TemporaryDirectory(prefix="reelay-bench-") as folder:
        state = Path(folder) / "state"
        started = time.perf_counter()
        child = await Child.spawn(_program(state, render_time_s, settings), {}, Path(folder) / "stack.log")
        try:
            await child.ready()
            async with _connected(state, time.perf_counter() - started) as stack:
                await steer(stack, content_bytes=content_bytes)
                yield stack
        finally:
            await child.stop()


async def steer(stack: Stack, **settings: float) -> None:
    """Changes the settings of the fakes."""
    (await stack.control.post("/_control/settings", json=settings)).raise_for_status()


def _program(state: Path, render_time_s: float, settings: dict[str, str]) -> Program:
    return Program(
        name="the stack",
        command=(sys.executable, "-u", "-m", "local.stack"),
        port_options={},
        ready=re.compile(r"^ready base_url=", re.MULTILINE),
        env=os.environ | {"PORT": "0", "STATE": str(state), "RENDER_TIME_S": str(render_time_s)} | settings,
        last_wish=SIGTERM,
    )


@asynccontextmanager
async def _connected(state: Path, start_up_s: float) -> AsyncGenerator[Stack]:
    description = StackDescription.model_validate_json((state / "stack.json").read_text())
    engine = f"127.0.0.1:{Memory.of(state).ports['engine']['engine']}"
    key = {"authorization": f"Bearer {description.api_key}"}
    limits = httpx.Limits(max_connections=16)
    async with (
        httpx.AsyncClient(base_url=description.base_url, headers=key, timeout=REQUEST_TIMEOUT_S, limits=limits) as api,
        httpx.AsyncClient(base_url=description.upstream, timeout=REQUEST_TIMEOUT_S) as control,
    ):
        yield Stack(description, start_up_s, engine, api, control)
