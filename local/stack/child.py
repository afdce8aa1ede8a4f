"""One process from its start to its end, everything it prints kept in a log."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from local.stack.errors import StartError
from local.stack.program import Program
from local.stack.settings import ROOT

START_LIMIT_S = 60
STOP_LIMIT_S = 10
TAIL_LINES = 20
TIED = (sys.executable, "-I", "-S", str(Path(__file__).with_name("tied.py")))


class Child:
    """A running, or ended, process of a program."""

    def __init__(self, program: Program, process: Process, log: Path) -> None:
        """Takes over a process just started; its output is read from now on."""
        self._program = program
        self._process = process
        self._log = log
        self._address: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()
        self._reader = asyncio.create_task(self._read_output())

    @classmethod
    async def spawn(cls, program: Program, ports: Mapping[str, int], log: Path) -> Self:
        """Starts a process that cannot outlive this one.

        Args:
            program: What to run.
            ports: The ports to take, by name.
            log: Gets all that the process prints, at its end.
        """
        process = await asyncio.create_subprocess_exec(
            *TIED,
            str(program.last_wish.value),
            str(os.getpid()),
            *program.arguments(ports),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            cwd=ROOT,
            env=program.env,
            process_group=0,  # Ctrl-C is for the supervisor, which stops its children in order
        )
        return cls(program, process, log)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    async def ready(self) -> dict[str, str]:
        """Waits until the process serves and returns its address.

        Raises:
            StartError: It ended before that, or took more than `START_LIMIT_S`.
        """
        try:
            async with asyncio.timeout(START_LIMIT_S):
                return await self._address
        except TimeoutError:
            raise StartError(self._explain(f"was not ready after {START_LIMIT_S} s")) from None

    async def ended(self) -> str:
        """Waits for the end of the process and says how it was."""
        code = await self._process.wait()
        return f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"

    async def stop(self) -> None:
        """Asks the process to end and, after `STOP_LIMIT_S`, makes it. Harmless when it has ended."""
        self._address.cancel()
        if self._process.returncode is None:
            self._process.terminate()
        try:
            async with asyncio.timeout(STOP_LIMIT_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
        await self._reader

    async def _read_output(self) -> None:
        seen = ""
        with self._log.open("ab", buffering=0) as log:
            while chunk := await self._output.read(2**16):
                log.write(chunk)
                if not self._address.done():
                    seen += chunk.decode(errors="replace")
                    self._look_for_address(seen)
        how = await self.ended()
        if not self._address.done():
            self._address.set_exception(StartError(self._explain(f"ended {how} before it was ready")))

    def _look_for_address(self, seen: str) -> None:
        complete_lines = seen[: seen.rfind("\n") + 1]
        if found := self._program.ready.search(complete_lines):
            self._address.set_result(found.groupdict())

    @property
    def _output(self) -> asyncio.StreamReader:
        if self._process.stdout is None:
            raise TypeError("the process was started without a pipe")
        return self._process.stdout

    def _explain(self, what: str) -> str:
        with self._log.open(errors="replace") as log:
            tail = "".join(deque(log, TAIL_LINES))
        return f"{self._program.name} {what}. The end of {self._log}:\n{tail.rstrip()}"
