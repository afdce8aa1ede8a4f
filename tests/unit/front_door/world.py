"""The front door on fakes, and a client that knocks at it without a network."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from secrets import token_bytes
from typing import Any

import httpx

from clients.admin_key import AdminKey
from clients.administration import Administration
from clients.caller_keys import CallerKeys
from clients.callers import Callers
from clients.credentials import Credentials
from clients.entra_tokens import EntraTokens
from clients.files import Files
from clients.remote_files import RemoteFiles
from clients.secret_store import SecretStore
from clients.settings import CallerKey
from clients.videos_api import VideosApi
from domain.video import Variant, Video
from front_door.app import create_app
from front_door.memory_budget import MemoryBudget
from front_door.operators import Operators
from front_door.services import FrontDoorServices
from intake.batches import BatchIntake
from intake.services import Intake
from tests.unit.clients.memory_table import MemoryTable
from tests.unit.examples import TENANT, a_catalog, a_deployment
from tests.unit.fakes import (
    FakeBatchRuns,
    FakeBatchTable,
    FakeBlobStore,
    FakeCapacityPools,
    FakeCharacterTable,
    FakeClock,
    FakeFileTable,
    FakeOrchestrations,
    FakeRenderTimeTable,
    FakeVideoTable,
    a_secret_store,
    keyvault_secret,
)
from tests.unit.ledger_store import LedgerStore
from tests.unit.listeners import Listeners

KEY = "sk-acme"
OTHER_KEY = "sk-globex"
ADMIN_KEY = "sk-admin"
MAX_BODY_BYTES = 200_000
MAX_FILE_BYTES = 300_000
MEMORY_BYTES = 4_000
SWEEP_GRACE = timedelta(minutes=1)


@dataclass
class World:
    """Everything behind the door, in memory."""

    clock: FakeClock = field(default_factory=FakeClock)
    videos: FakeVideoTable = field(default_factory=FakeVideoTable)
    contents: FakeBlobStore = field(default_factory=FakeBlobStore)
    inputs: FakeBlobStore = field(default_factory=FakeBlobStore)
    files: FakeFileTable = field(default_factory=FakeFileTable)
    file_blobs: FakeBlobStore = field(default_factory=FakeBlobStore)
    store: LedgerStore = field(default_factory=LedgerStore)
    characters: FakeCharacterTable = field(default_factory=FakeCharacterTable)
    batches: FakeBatchTable = field(default_factory=FakeBatchTable)
    runs: FakeBatchRuns = field(default_factory=FakeBatchRuns)
    orchestrations: FakeOrchestrations = field(default_factory=FakeOrchestrations)
    pools: FakeCapacityPools = field(default_factory=FakeCapacityPools)
    render_times: FakeRenderTimeTable = field(default_factory=FakeRenderTimeTable)
    operators_table: MemoryTable = field(default_factory=MemoryTable)
    administration: Administration = field(init=False)
    services: FrontDoorServices = field(init=False)
    listeners: Listeners = field(init=False)

    def __post_init__(self) -> None:
        self.listeners = Listeners(self.clock)
        self.administration = Administration.on(self.operators_table.as_client())
        secrets = a_secret_store(acme=KEY, globex=OTHER_KEY, admin=ADMIN_KEY, east="east-key")
        keys = [CallerKey(tenant=tenant, secret=keyvault_secret(tenant)) for tenant in (TENANT, "globex")]
        intake = Intake(
            catalog=a_catalog(a_deployment(auth={"kind": "api_key", "secret": keyvault_secret("east")})),
            videos=self.videos.as_table(),
            inputs=self.inputs.as_store(),
            files=Files(self.files.as_table(), self.file_blobs.as_store()),
            characters=self.characters.as_table(),
            orchestrations=self.orchestrations.as_orchestrations(),
            remote_files=RemoteFiles(httpx.AsyncClient(transport=httpx.MockTransport(_nobody)), max_bytes=1_000),
            clock=self.clock,
            randomness=bytes,
            sweep_grace=SWEEP_GRACE,
        )
        self.services = FrontDoorServices(
            intake=intake,
            catalog=intake.catalog,
            callers=self.callers_of(CallerKeys(keys, secrets)),
            administration=self.administration,
            operators=Operators(AdminKey(keyvault_secret("admin"), secrets), None),
            videos=intake.videos,
            contents=self.contents.as_store(),
            files=intake.files,
            batches=BatchIntake(
                catalog=intake.catalog,
                records=self.batches.as_table(),
                files=intake.files,
                characters=intake.characters,
                runs=self.runs.as_runs(),
                images=intake.remote_files.limits,
                clock=self.clock,
                randomness=token_bytes,
            ),
            characters=intake.characters,
            ledger=self.store.ledger(self.clock),
            orchestrations=intake.orchestrations,
            capacity_pools=self.pools.as_pools(),
            render_times=self.render_times.as_table(),
            webhooks=self.listeners.webhooks(),
            credentials=Credentials(secrets),
            api=an_api(_nobody, secrets),
            clock=self.clock,
            content_delivery="redirect",
            content_memory=MemoryBudget(MEMORY_BYTES, patience_s=0.001),
            link_lifetime=timedelta(minutes=15),
            sweep_grace=intake.sweep_grace,
            max_body_bytes=MAX_BODY_BYTES,
            max_file_bytes=MAX_FILE_BYTES,
        )

    def callers_of(self, configured: CallerKeys, tokens: EntraTokens | None = None) -> Callers:
        """Who have these keys, or keys of the operator's."""
        return Callers(configured, self.administration, self.clock, tokens=tokens, monotonic=self._seconds)

    def _seconds(self) -> float:
        return self.clock().timestamp()

    def change(self, **services: Any) -> None:
        """Let some services be others."""
        intake = replace(self.services.intake, **_of(self.services.intake, services))
        self.services = replace(self.services, intake=intake, **_of(self.services, services))

    async def ask(
        self, method: str, path: str, *, key: str | None = KEY, headers: Mapping[str, str] | None = None, **body: Any
    ) -> httpx.Response:
        """Send one request."""
        authorization = {"authorization": f"Bearer {key}"} if key else {}
        transport = httpx.ASGITransport(create_app(self.services))
        async with httpx.AsyncClient(transport=transport, base_url="http://front.example") as client:
            return await client.request(method, path, headers={**authorization, **(headers or {})}, **body)

    async def completed(self, video: Video, content: bytes) -> Video:
        """The video as it is once its content is stored."""
        stored = await self.contents.put("acme/v.mp4", content, "video/mp4")
        changes = {"state": "completed", "contents": {Variant.VIDEO: stored}}
        return self.videos.add(Video.model_validate(video.model_dump() | changes))


def an_api(upstream: Callable[[httpx.Request], httpx.Response], secrets: SecretStore) -> VideosApi:
    """The deployments as one function."""
    return VideosApi(httpx.AsyncClient(transport=httpx.MockTransport(upstream)), Credentials(secrets))


def error_of(response: httpx.Response) -> dict[str, Any]:
    """The error of an answer, which must be in OpenAI's envelope and nothing else."""
    body = response.json()
    assert body.keys() == {"error"}
    assert body["error"].keys() == {"message", "type", "param", "code"}
    return body["error"]


def _nobody(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("there is no internet here", request=request)


def _of(owner: object, services: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: service for name, service in services.items() if hasattr(owner, name)}
