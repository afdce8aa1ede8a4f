"""A stack started as its users start it: a process of its own, described by its stack.json."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx

ROOT = Path(__file__).parents[2]
START_LIMIT_S = 60
QUICK = {
    "PORT": "0",
    "RENDER_TIME_S": "0.3",
    "REELAY_SWEEP_SCHEDULE": "* * * * * *",  # a video accepted while the engine is away is not long delayed
    "REELAY_SWEEP_GRACE_S": "1",
}


def wait_until[T](condition: Callable[[], T], what: str, *, limit_s: float = 30) -> T:
    """Return the condition's first true answer; refused connections count as not yet."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        try:
            if answer := condition():
                return answer
        except httpx.TransportError:
            pass  # whoever is asked is being replaced
        time.sleep(0.02)
    raise TimeoutError(f"waited {limit_s} s in vain until {what}")


@dataclass
class RunningStack:
    """A stack's process; the fields of its stack.json are read anew at each access."""

    process: subprocess.Popen[bytes]
    state: Path

    def __getattr__(self, field: str) -> Any:
        return self.description()[field]

    def description(self) -> dict[str, Any]:
        return json.loads((self.state / "stack.json").read_text())

    @property
    def output(self) -> str:
        return _output_file(self.state).read_text()

    def processes(self) -> list[int]:
        """All processes that descend from the stack, whoever their parent is now: each inherits its STATE."""
        return [pid for pid in _all_pids() if self._mark in _environment(pid)]

    @property
    def _mark(self) -> bytes:
        return f"STATE={self.state}".encode()

    def send(self, signal_number: signal.Signals) -> int:
        """Signal the stack's own process and return its exit code."""
        self.process.send_signal(signal_number)
        return self.process.wait(timeout=30)


def launch(state: Path, output: int | IO[bytes], **environment: str) -> subprocess.Popen[bytes]:
    """Start a stack's own process, for somebody else to stop."""
    return subprocess.Popen(
        [sys.executable, "-m", "local.stack"],
        cwd=ROOT,
        env=os.environ | QUICK | {"STATE": str(state)} | environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
    )


@contextmanager
def launched(state: Path, **environment: str) -> Iterator[RunningStack]:
    """Start a stack without waiting for it; nothing of it is left afterwards."""
    state.mkdir(parents=True, exist_ok=True)
    with _output_file(state).open("wb") as output:
        process = launch(state, output, **environment)
    stack = RunningStack(process, state)
    try:
        yield stack
    finally:
        if process.poll() is None:
            stack.send(signal.SIGTERM)
        for pid in stack.processes():
            os.kill(pid, signal.SIGKILL)


@contextmanager
def running_stack(state: Path, **environment: str) -> Iterator[RunningStack]:
    """Start a stack and wait until it is ready; nothing of it is left afterwards."""
    with launched(state, **environment) as stack:
        wait_until(
            lambda: "ready base_url=" in stack.output or stack.process.poll() is not None,
            "the stack is ready",
            limit_s=START_LIMIT_S,
        )
        assert stack.process.poll() is None, f"{stack.process.returncode}: {stack.output}"
        yield stack


def _output_file(state: Path) -> Path:
    return state.with_name(f"{state.name}.output")


def _all_pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # it has ended, or belongs to somebody else
        return []
