"""Supervision of a single program, tried on programs that misbehave."""

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

import pytest

from local.stack import child, service
from local.stack.errors import StartError
from local.stack.program import Program
from local.stack.service import Service, kept_running

READY = "print('ready 4711', flush=True)"
WAIT = "import signal; signal.pause()"


def service_of(tmp_path: Path, *statements: str, name: str = "example") -> Service:
    """A service that runs Python statements; it is ready when it says so."""
    code = "; ".join(("import os, sys", *statements))
    program = Program(
        name, [sys.executable, "-c", code], {}, re.compile(r"^ready (?P<number>\d+)$", re.MULTILINE), os.environ
    )
    return Service(program, tmp_path / f"{name}.log", {})


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def test_address_comes_from_the_ready_line_however_it_arrives(tmp_path: Path):
    example = service_of(tmp_path, "os.write(1, b'noise'*9999 + b'\\nready 47')", "os.write(2, b'11\\n')", WAIT)

    async with kept_running([example]):
        assert example.address == {"number": "4711"}


async def test_all_output_is_logged(tmp_path: Path):
    example = service_of(tmp_path, READY, "print('x' * 10**6, flush=True)", "print('the end', flush=True)", WAIT)

    async with kept_running([example]), asyncio.timeout(30):
        while not (tmp_path / "example.log").read_text().endswith("the end\n"):
            await asyncio.sleep(0.01)


async def test_program_that_ends_early_is_explained(tmp_path: Path):
    example = service_of(tmp_path, "print('out of cheese')", "sys.exit(3)")

    with pytest.RaisesGroup(pytest.RaisesExc(StartError, match=r"(?s)exit code 3 before it was ready.*out of cheese$")):
        async with kept_running([example]):
            pytest.fail("the context was entered")


async def test_program_that_says_nothing_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(child, "START_LIMIT_S", 0.2)
    example = service_of(tmp_path, WAIT)

    with pytest.RaisesGroup(pytest.RaisesExc(StartError, match=r"was not ready after 0\.2 s")):
        async with kept_running([example]):
            pytest.fail("the context was entered")

    assert not is_alive(example.pid)


async def test_one_that_cannot_start_takes_the_others_with_it(tmp_path: Path):
    good, bad = service_of(tmp_path, READY, WAIT), service_of(tmp_path, "sys.exit(1)", name="bad")

    with pytest.RaisesGroup(StartError):
        async with kept_running([good, bad]):
            pytest.fail("the context was entered")

    assert not is_alive(good.pid)


async def test_program_that_cannot_start_again_cancels_the_context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(service, "RESTART_DELAYS_S", (0, 0))
    once = f"os.mkdir({str(tmp_path / 'started')!r})"  # fails the second time
    example = service_of(tmp_path, once, READY, WAIT)

    with pytest.RaisesGroup(pytest.RaisesExc(StartError, match="did not start again")):
        async with kept_running([example]), asyncio.timeout(30):
            os.kill(example.pid, signal.SIGKILL)
            await asyncio.get_running_loop().create_future()


async def test_program_deaf_to_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(child, "STOP_LIMIT_S", 0.2)
    example = service_of(tmp_path, "import signal", "signal.signal(signal.SIGTERM, signal.SIG_IGN)", READY, WAIT)

    async with kept_running([example]):
        assert is_alive(example.pid)

    assert not is_alive(example.pid)


async def test_failure_inside_the_context_stops_the_services(tmp_path: Path):
    example = service_of(tmp_path, READY, WAIT)

    with pytest.RaisesGroup(ZeroDivisionError):
        async with kept_running([example]):
            raise ZeroDivisionError

    assert not is_alive(example.pid)
