"""One process from its start to its end, everything it prints kept in a log."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from local.stack.errors import StartError
from local.stack.program import Program
from local.stack.settings import ROOT

START_LIMIT_S = 60
STOP_LIMIT_S = 10
LOOK_AGAIN_S = 0.02
TAIL_LINES = 20
TIED = (sys.executable, "-I", "-S", str(Path(__file__).with_name("tied.py")))


class Child:
    """A running, or ended, process of a program."""

    def __init__(self, program: Program, process: Process, log: Path, log_start: int) -> None:
        """Takes over a process just started, whose part of the log begins at byte `log_start`."""
        self._program = program
        self._process = process
        self._log = log
        self._log_start = log_start

    @classmethod
    async def spawn(cls, program: Program, ports: Mapping[str, int], log: Path) -> Self:
        """Starts a process that cannot outlive this one.

        Its output goes straight into the file, not through this process: when this one is killed, the other may still
        have things to say while it puts its data in order.

        Args:
            program: What to run.
            ports: The ports to take, by name.
            log: Gets all that the process prints, at its end.
        """
        with log.open("ab") as output:
            log_start = output.tell()
            process = await asyncio.create_subprocess_exec(
                *TIED,
                str(program.last_wish.value),
                str(os.getpid()),
                *program.arguments(ports),
                stdin=DEVNULL,
                stdout=output,
                stderr=STDOUT,
                cwd=ROOT,
                env=program.env,
                process_group=0,  # Ctrl-C is for the supervisor, which stops its children in order
            )
            return cls(program, process, log, log_start)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    async def ready(self) -> dict[str, str]:
        """Waits until the process serves and returns its address.

        Raises:
            StartError: It ended before that, or took more than `START_LIMIT_S`.
        """
        end = asyncio.create_task(self.ended())
        try:
            async with asyncio.timeout(START_LIMIT_S):
                while (address := self._announced()) is None and not end.done():
                    await asyncio.wait([end], timeout=LOOK_AGAIN_S)
        except TimeoutError:
            raise StartError(self._explain(f"was not ready after {START_LIMIT_S} s")) from None
        finally:
            end.cancel()
        if address is None:
            raise StartError(self._explain(f"ended {end.result()} before it was ready"))
        return address

    async def ended(self) -> str:
        """Waits for the end of the process and says how it was."""
        code = await self._process.wait()
        return f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"

    async def stop(self) -> None:
        """Asks the process to end and, after `STOP_LIMIT_S`, makes it. Harmless when it has ended."""
        if self._process.returncode is None:
            self._process.terminate()
        try:
            async with asyncio.timeout(STOP_LIMIT_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    def _announced(self) -> dict[str, str] | None:
        with self._log.open("rb") as log:
            log.seek(self._log_start)
            complete_lines = log.read().rpartition(b"\n")[0].decode(errors="replace")
        found = self._program.ready.search(complete_lines + "\n")
        return found.groupdict() if found else None

    def _explain(self, what: str) -> str:
        with self._log.open(errors="replace") as log:
            tail = "".join(deque(log, TAIL_LINES))
        return f"{self._program.name} {what}. The end of {self._log}:\n{tail.rstrip()}"
