"""The local host as a child process, the way its users run it."""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

APPS = Path(__file__).parent / "apps"

type Start = Callable[..., "Child"]


def wait_until[T](condition: Callable[[], T], timeout_s: float = 15) -> T:
    """What the condition gives, once that is true."""
    deadline = time.monotonic() + timeout_s
    while not (result := condition()):
        assert time.monotonic() < deadline, f"did not come true within {timeout_s} s"
        time.sleep(0.02)
    return result


def lasting_port() -> int:
    """A free port that stays free while its server is restarted: the system gives it to no outgoing connection."""
    while True:
        with socket.socket() as probe:
            port = secrets.choice(range(20_000, 32_000))
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port


def last_words(*arguments: object) -> str:
    """What the host says when it cannot start."""
    command = [sys.executable, "-m", "local.functions_host", *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    return ended.stderr


class Child:
    """One process of `python -m local.functions_host`."""

    def __init__(self, arguments: list[str], log: Path, environment: dict[str, str]) -> None:
        self.log = log
        with log.open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "local.functions_host", *arguments],
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=os.environ | environment,
            )
        self.http = httpx.Client(timeout=15)

    def wait_until_ready(self) -> None:
        line = self.process.stdout.readline().decode().strip()
        assert line.startswith("ready "), self.log.read_text()
        self.url = line.removeprefix("ready ")
        self.address = self.url.removeprefix("grpc://")
        self.port = httpx.URL(self.url).port
        self.http.base_url = self.url

    def end(self, signal: int) -> int:
        """Send a signal and give the exit status."""
        self.process.send_signal(signal)
        return self.process.wait(timeout=15)

    def close(self) -> None:
        self.http.close()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def orchestration(self, name: str, content: Any = None) -> "Orchestration":
        """Start an orchestration."""
        answer = self.http.post(f"/runtime/webhooks/durabletask/orchestrators/{name}", json=content)
        assert answer.status_code == 202, answer.text
        return Orchestration(self.http, answer.json()["id"])


class Orchestration:
    """One orchestration, watched and managed through the Durable HTTP API."""

    def __init__(self, http: httpx.Client, instance_id: str) -> None:
        self.id = instance_id
        self._http = http
        self._path = f"/runtime/webhooks/durabletask/instances/{instance_id}"

    def get(self, **query: Any) -> httpx.Response:
        return self._http.get(self._path, params=query)

    def post(self, action: str, **content: Any) -> int:
        return self._http.post(f"{self._path}/{action}", **content).status_code

    def purge(self) -> httpx.Response:
        return self._http.delete(self._path)

    def reach(self, status: str) -> dict[str, Any]:
        """Its status object, once it has this status."""
        return wait_until(lambda: (state := self.get().json())["runtimeStatus"] == status and state)
