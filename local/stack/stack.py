"""The stack: which services there are and what one needs of another."""

import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import cached_property

import httpx

from local.stack import programs
from local.stack.addresses import Addresses
from local.stack.app_settings import PRO_DEPLOYMENT, PRO_SECRET, app_environment
from local.stack.description import Pids, StackDescription
from local.stack.errors import StartError
from local.stack.files import write_private
from local.stack.memory import Memory
from local.stack.ports import free_or_any, is_free
from local.stack.program import Program
from local.stack.service import Service, kept_running
from local.stack.settings import StackSettings
from local.stack.sole_user import sole_user_of


@asynccontextmanager
async def running(settings: StackSettings) -> AsyncGenerator[StackDescription]:
    """Starts a stack, keeps it running for the length of the context, then stops all of it.

    Raises:
        StartError: The stack cannot run with these settings.
        ExceptionGroup: Of `StartError`: a process could not be started.
    """
    _check(settings)
    with sole_user_of(settings.folder):
        stack = _Stack(settings, Memory.of(settings.folder))
        async with kept_running(stack.backing), kept_running(stack.hosts):
            with stack.published():
                yield stack.describe()


def _check(settings: StackSettings) -> None:
    if not programs.AZURITE.exists():
        raise StartError("Azurite is not installed: run `make setup`")
    if settings.port and not is_free(settings.port):
        raise StartError(
            f"port {settings.port} is taken, perhaps by another stack: choose one with PORT=…, or any with PORT=0"
        )


class _Stack:
    def __init__(self, settings: StackSettings, memory: Memory) -> None:
        self._settings = settings
        self._memory = memory
        self._is_published = False
        self._azurite = self._backing_service(programs.azurite(settings.folder))
        self._engine = self._backing_service(programs.engine(settings.folder))
        self._fakes = self._backing_service(programs.fakes(settings.folder), on_ready=self._set_up_fakes)
        self.backing = (self._azurite, self._engine, self._fakes)

    @cached_property
    def hosts(self) -> list[Service]:
        """The function hosts; to be had once the backing services run."""
        return [self._host(number) for number in range(self._settings.workers)]

    def describe(self) -> StackDescription:
        """Tells how things are now."""
        host, services = f"http://127.0.0.1:{self.hosts[0].ports['host']}", self._addresses
        return StackDescription(
            base_url=f"{host}/v1",
            api_key=self._app_environment["REELAY_LOCAL_API_KEY"],
            admin_key=self._app_environment["REELAY_LOCAL_ADMIN_KEY"],
            host=host,
            upstream=services.upstream,
            blob=services.blob,
            table=services.table,
            eventgrid=services.eventgrid,
            identity=services.identity,
            entra=services.entra,
            pids=Pids(
                host=[service.pid for service in self.hosts],
                engine=self._engine.pid,
                azurite=self._azurite.pid,
                fakes=self._fakes.pid,
            ),
        )

    @contextmanager
    def published(self) -> Generator[None]:
        """Keeps `stack.json` true for the length of the context, and remembers the ports for the next run."""
        self._memory.ports = {service.program.name: dict(service.ports) for service in self.backing}
        self._memory.save(self._settings.folder)
        self._is_published = True
        self._publish()
        try:
            yield
        finally:
            self._is_published = False
            self._settings.stack_file.unlink(missing_ok=True)

    def _publish(self) -> None:
        if self._is_published:
            write_private(self._settings.stack_file, self.describe().model_dump_json(indent=2))

    def _backing_service(self, program: Program, on_ready: Callable[[], Awaitable[None]] | None = None) -> Service:
        remembered = self._memory.ports.get(program.name, {})
        return self._service(program, {name: free_or_any(port) for name, port in remembered.items()}, on_ready)

    def _host(self, number: int) -> Service:
        program = programs.host(number, self._engine.ports["engine"], self._app_environment)
        return self._service(program, {"host": self._settings.port if number == 0 else 0})

    def _service(
        self, program: Program, ports: Mapping[str, int], on_ready: Callable[[], Awaitable[None]] | None = None
    ) -> Service:
        log = self._settings.folder / "logs" / f"{program.name}.log"
        log.parent.mkdir(exist_ok=True)
        log.write_bytes(b"")
        return Service(program, log, ports, on_spawn=self._publish, on_ready=on_ready)

    @cached_property
    def _addresses(self) -> Addresses:
        return Addresses.of(self._azurite.address | self._fakes.address)

    @cached_property
    def _app_environment(self) -> dict[str, str]:
        return app_environment(
            os.environ,
            self._addresses,
            self._memory,
            expected_render_s=self._settings.render_time_s,
            telemetry=self._settings.telemetry,
        )

    async def _set_up_fakes(self) -> None:
        settings = {
            "render_time_s": self._settings.render_time_s,
            "api_keys": {PRO_DEPLOYMENT: self._memory.upstream_key},
            "secrets": {PRO_SECRET: self._memory.upstream_key},
            "identity_header": self._memory.identity_header,
            "eventgrid_key": self._memory.event_grid_key,
            "content_safety_key": self._memory.content_safety_key,
        }
        control = f"http://127.0.0.1:{self._fakes.address['fakes']}/_control/settings"
        try:
            async with httpx.AsyncClient() as client:
                (await client.post(control, json=settings)).raise_for_status()
        except httpx.HTTPError as error:
            raise StartError(f"the fakes did not take their settings: {error}") from error
