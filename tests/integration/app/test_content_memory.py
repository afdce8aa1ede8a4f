"""Content on its way through the app takes a bounded part of its memory, and whoever comes too many is told when to."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http import HTTPStatus

import httpx
import pytest
from azure.keyvault.secrets.aio import SecretClient

from clients.blob_store import BlobStore
from clients.caller_keys import CallerKeys
from clients.credentials import Credentials
from clients.guarded_transport import GuardedTransport
from clients.orchestrations import Orchestrations
from clients.remote_files import RemoteFiles
from clients.secret_store import SecretStore
from clients.settings import CallerKey
from clients.video_table import VideoTable
from domain.catalog import Catalog
from domain.media import content_blob
from domain.secret_reference import SecretReference
from domain.video import Variant, Video, VideoRef
from domain.video_id import new_video_id
from front_door.app import create_app
from front_door.memory_budget import MemoryBudget
from front_door.services import FrontDoorServices
from tests.contract.caller_kit import error_of

MEMORY_BYTES = 1000
CONTENT = bytes(range(256)) * 3

CATALOG = {
    "models": {
        "sora-2": {
            "deployments": [
                {
                    "name": "d",
                    "endpoint": "http://127.0.0.1:1/",
                    "upstream_model": "sora-2",
                    "auth": {"kind": "managed_identity"},
                    "usd_per_second": {"*": "0.1"},
                }
            ]
        }
    }
}


@pytest.fixture
def memory() -> MemoryBudget:
    return MemoryBudget(MEMORY_BYTES)


@pytest.fixture
async def api(
    videos: VideoTable, blobs: BlobStore, memory: MemoryBudget, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[httpx.AsyncClient]:
    monkeypatch.setenv("KEY_OF_ANN", "key")
    secrets = SecretStore(_no_vault)
    key = CallerKey(tenant="ann", secret=SecretReference(kind="env", target="KEY_OF_ANN"))
    guarded = httpx.AsyncClient(transport=GuardedTransport(httpx.AsyncHTTPTransport()))
    services = FrontDoorServices(
        catalog=Catalog.model_validate(CATALOG),
        caller_keys=CallerKeys([key], secrets),
        videos=videos,
        contents=blobs,
        inputs=blobs,
        orchestrations=Orchestrations(),
        remote_files=RemoteFiles(guarded, max_bytes=1),
        credentials=Credentials(secrets),
        clock=lambda: datetime.now(UTC),
        randomness=bytes,
        content_delivery="proxy",
        content_memory=memory,
        link_lifetime=timedelta(minutes=15),
        sweep_grace=timedelta(minutes=1),
        max_body_bytes=1,
    )
    transport = httpx.ASGITransport(create_app(services))
    async with guarded, httpx.AsyncClient(transport=transport, base_url="http://reelay/v1", timeout=30) as client:
        client.headers["api-key"] = "key"
        yield client


def _no_vault(url: str) -> SecretClient:
    raise AssertionError(url)


@pytest.fixture
async def path(videos: VideoTable, blobs: BlobStore) -> str:
    """Of the content of a completed video."""
    now = datetime.now(UTC)
    ref = VideoRef(tenant="ann", video_id=new_video_id(now, bytes(10)))
    stored = await blobs.put(content_blob(ref, Variant.VIDEO), CONTENT, "video/mp4")
    accepted = Video(**ref.model_dump(), model="sora-2", prompt="a", seconds=4, size="1280x720", created_at=now)
    copied = (
        accepted.submitting("d", now)
        .in_progress("job", now)
        .copying(now, cost_usd=Decimal(0))
        .copied(Variant.VIDEO, stored)
    )
    await videos.insert(copied.completed(now), alarm_at=now)
    return f"/videos/{ref.video_id}/content"


async def test_request_beyond_the_bound_is_told_when_to_come_back(
    api: httpx.AsyncClient, memory: MemoryBudget, path: str
):
    async with memory.borrow(MEMORY_BYTES - len(CONTENT) + 1):
        refused = await api.get(path)
        small = await api.get(path, headers={"range": "bytes=0-9"})

    error = error_of(refused)
    assert (refused.status_code, error["code"], error["type"]) == (503, "busy", "server_error")
    assert int(refused.headers["retry-after"]) * 1000 == int(refused.headers["retry-after-ms"]) > 0
    assert (small.status_code, small.content) == (HTTPStatus.PARTIAL_CONTENT, CONTENT[:10])
    assert (await api.get(path)).content == CONTENT


async def test_request_beyond_the_bound_waits_its_turn(api: httpx.AsyncClient, path: str):
    answers = await asyncio.gather(*(api.get(path) for _ in range(10)))

    assert [answer.content for answer in answers] == [CONTENT] * 10


async def test_failed_read_gives_its_memory_back(api: httpx.AsyncClient, blobs: BlobStore, path: str):
    await blobs.delete(f"ann/{path.split('/')[2]}/video.mp4")
    assert (await api.get(path)).status_code == HTTPStatus.NOT_FOUND
    assert (await api.get(path)).status_code == HTTPStatus.NOT_FOUND  # one alone would fill the memory
