"""Programs kept running: started together, started again when they die, stopped together."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Never

from local.stack.child import Child
from local.stack.errors import StartError
from local.stack.program import Program

RESTART_DELAYS_S = (0.0, 0.2, 0.5, 1.0, 2.0)


class Service:
    """A program that is kept running, on the same ports once it has some."""

    def __init__(
        self,
        program: Program,
        log: Path,
        ports: Mapping[str, int],
        *,
        on_spawn: Callable[[], None] | None = None,
        on_ready: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Prepares a service; nothing runs yet.

        Args:
            program: What to run.
            log: Gets the output of all its processes.
            ports: The ports wished for, by name.
            on_spawn: Called when there is a new process.
            on_ready: Awaited when a process is ready, before the service counts as started.
        """
        self.program = program
        self.address: dict[str, str] = {}
        self.ports = ports
        self._log = log
        self._on_spawn = on_spawn
        self._on_ready = on_ready
        self._child: Child | None = None

    @property
    def pid(self) -> int:
        """The id of the newest process, 0 before the first."""
        return self._child.pid if self._child else 0

    async def start(self) -> None:
        """Starts a process and returns when it is ready.

        Raises:
            StartError: It did not get ready.
        """
        self._child = await Child.spawn(self.program, self.ports, self._log)
        if self._on_spawn:
            self._on_spawn()
        try:
            self.address = await self._child.ready()
            self.ports = {name: int(self.address[name]) for name in self.program.port_options}
            if self._on_ready:
                await self._on_ready()
        except StartError:
            await self._child.stop()
            raise

    async def keep_alive(self) -> Never:
        """Starts a new process whenever the last one has ended.

        Raises:
            StartError: None got ready, however often it was tried.
        """
        while True:
            if self._child:
                self._report(f"{self.program.name} ended {await self._child.ended()}: starting it again")
            await self._restart()

    async def stop(self) -> None:
        """Ends the process, if there is one."""
        if self._child:
            await self._child.stop()

    async def _restart(self) -> None:
        for delay_s in RESTART_DELAYS_S:
            await asyncio.sleep(delay_s)
            try:
                return await self.start()
            except StartError as error:
                self._report(str(error))
        raise StartError(f"{self.program.name} did not start again")

    def _report(self, message: str) -> None:
        print(message, file=sys.stderr, flush=True)


@asynccontextmanager
async def kept_running(services: Sequence[Service]) -> AsyncGenerator[None]:
    """Starts services side by side and keeps them running for the length of the context.

    Raises:
        ExceptionGroup: Of `StartError`: a service did not start, or not again later; that cancels what runs inside.
    """
    try:
        async with asyncio.TaskGroup() as starts:
            for service in services:
                starts.create_task(service.start())
        async with asyncio.TaskGroup() as watches:
            tasks = [watches.create_task(service.keep_alive()) for service in services]
            yield
            for task in tasks:
                task.cancel()
    finally:
        await asyncio.gather(*(service.stop() for service in services))
