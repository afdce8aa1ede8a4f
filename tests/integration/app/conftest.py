"""The app's pieces on real storage (the stack's Azurite, but containers and a table of the test's own) and on fakes."""

import secrets
from collections.abc import AsyncGenerator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.data.tables.aio import TableClient, TableServiceClient
from azure.storage.blob.aio import BlobServiceClient

from clients.blob_store import AccountKeySigner, BlobStore
from clients.ledger import Ledger
from clients.render_times import RenderTimeTable
from clients.transactions import Transactions
from clients.video_table import VideoTable
from domain.video import Video
from front_door.memory_budget import MemoryBudget
from local.azure_fakes.fakes import Fakes, run_fakes
from local.azure_fakes.rendering import Scene
from local.stack.addresses import ACCOUNT
from local.stack.app_settings import AZURITE_ACCOUNT_KEY
from local.stack.programs import MEDIA
from tests.e2e.running_stack import RunningStack, running_stack
from tests.integration.app.front_door import CALLER_KEY, MEMORY_BYTES, UPSTREAM_KEY, completed_video, open_front_door
from tests.integration.app.workflow import PROMPT, SIZE, Workflow, open_workflow


@pytest.fixture
async def table(stack: RunningStack) -> AsyncGenerator[TableClient]:
    credential = AzureNamedKeyCredential(ACCOUNT, AZURITE_ACCOUNT_KEY)
    async with TableServiceClient(stack.table, credential=credential) as service:
        async with await service.create_table(f"videos{secrets.token_hex(8)}") as table:
            yield table
        await service.delete_table(table.table_name)


@pytest.fixture
async def ledger(table: TableClient) -> AsyncGenerator[Ledger]:
    ledger = Ledger(table, Transactions(table), lambda: datetime.now(UTC))
    yield ledger
    await ledger.close()


@pytest.fixture
def videos(table: TableClient, ledger: Ledger) -> VideoTable:
    return VideoTable(table, ledger)


@pytest.fixture
def render_times(table: TableClient) -> RenderTimeTable:
    return RenderTimeTable(table)


@pytest.fixture
async def blobs(stack: RunningStack) -> AsyncGenerator[BlobStore]:
    async with BlobServiceClient(stack.blob, credential=AZURITE_ACCOUNT_KEY) as service:
        container = await service.create_container(f"videos-{secrets.token_hex(8)}")
        yield BlobStore(container, AccountKeySigner(AZURITE_ACCOUNT_KEY))
        await container.delete_container()


@pytest.fixture
async def fakes(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Fakes]:
    """Fakes that have rendered already what the tests ask for, so that a job takes as long as its clock says."""
    async with run_fakes(media_folder=Path(MEDIA)) as fakes:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{fakes.url}/identity/token")
        monkeypatch.setenv("IDENTITY_HEADER", "header")
        await fakes.world.media.get(Scene.of(SIZE, 4, PROMPT))
        yield fakes


@pytest.fixture
async def workflow(
    videos: VideoTable, render_times: RenderTimeTable, blobs: BlobStore, fakes: Fakes
) -> AsyncGenerator[Workflow]:
    async with open_workflow(videos, render_times, blobs, fakes) as workflow:
        yield workflow


@pytest.fixture
def memory() -> MemoryBudget:
    return MemoryBudget(MEMORY_BYTES)


@pytest.fixture
async def caller(
    videos: VideoTable,
    render_times: RenderTimeTable,
    blobs: BlobStore,
    memory: MemoryBudget,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncGenerator[httpx.AsyncClient]:
    monkeypatch.setenv(CALLER_KEY, "key of ann")
    monkeypatch.setenv(UPSTREAM_KEY, "key of the deployment")
    async with open_front_door(videos, render_times, blobs, memory) as caller:
        yield caller


@pytest.fixture
async def kept(videos: VideoTable, blobs: BlobStore) -> Video:
    """A completed video."""
    return await completed_video(videos, blobs)


@pytest.fixture(scope="session")
def private_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack as in a closed network: it serves content itself, and takes references from private addresses."""
    settings = {"REELAY_CONTENT_DELIVERY": "proxy", "REELAY_ALLOW_PRIVATE_ADDRESSES": "true"}
    with running_stack(tmp_path_factory.mktemp("private") / "state", **settings) as stack:
        yield stack


@pytest.fixture(scope="session")
def private_api(private_stack: RunningStack) -> Iterator[httpx.Client]:
    headers = {"api-key": private_stack.api_key}
    with httpx.Client(base_url=private_stack.base_url, headers=headers, timeout=60) as client:
        yield client
