"""The HTTP app in this process, on real storage, for states that no render leads to."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

import httpx
from azure.keyvault.secrets.aio import SecretClient

from clients.admin_key import AdminKey
from clients.administration import Administration
from clients.batch_runs import BatchRuns
from clients.batch_table import BatchTable
from clients.blob_store import BlobStore
from clients.caller_keys import CallerKeys
from clients.callers import Callers
from clients.capacity_pools import CapacityPools
from clients.character_table import CharacterTable
from clients.credentials import Credentials
from clients.durable import Durable
from clients.file_table import FileTable
from clients.files import Files
from clients.guarded_transport import GuardedTransport
from clients.orchestrations import Orchestrations
from clients.remote_files import RemoteFiles
from clients.render_times import RenderTimeTable
from clients.secret_store import SecretStore
from clients.settings import CallerKey
from clients.video_table import VideoTable
from clients.videos_api import VideosApi
from domain.catalog import Catalog
from domain.media import content_blob
from domain.secret_reference import SecretReference
from domain.video import Variant, Video, VideoRef
from domain.video_id import new_video_id
from front_door.app import create_app
from front_door.memory_budget import MemoryBudget
from front_door.operators import Operators
from front_door.services import FrontDoorServices
from intake.batches import BatchIntake
from intake.services import Intake
from tests.unit.listeners import Listeners

CALLER_KEY, UPSTREAM_KEY = "KEY_OF_ANN", "KEY_OF_THE_DEPLOYMENT"
"""Environment variables; the tests set them."""
MEMORY_BYTES: Final = 1000
CONTENT: Final = bytes(range(256)) * 3

_CATALOG = {
    "models": {
        "sora-2": {
            "deployments": [
                {
                    "name": "keyed",
                    "endpoint": "https://keyed.example/openai/v1/",
                    "upstream_model": "sora-2",
                    "auth": {"kind": "api_key", "secret": f"env:{UPSTREAM_KEY}"},
                    "usd_per_second": {"*": "0.1"},
                }
            ]
        }
    }
}


@asynccontextmanager
async def open_front_door(
    videos: VideoTable, render_times: RenderTimeTable, blobs: BlobStore, memory: MemoryBudget
) -> AsyncGenerator[httpx.AsyncClient]:
    """Wire the app without orchestrations, and call it as the tenant `ann`; it serves content itself."""
    secrets = SecretStore(_no_vault)
    key = CallerKey(tenant="ann", secret=SecretReference(kind="env", target=CALLER_KEY))
    credentials, http, durable = Credentials(secrets), httpx.AsyncClient(), Durable()
    guarded = httpx.AsyncClient(transport=GuardedTransport(httpx.AsyncHTTPTransport()))
    catalog, orchestrations, sweep_grace = (
        Catalog.model_validate(_CATALOG),
        Orchestrations(durable),
        timedelta(minutes=1),
    )
    files, administration = Files(FileTable(videos._table), blobs), Administration.on(videos._table)
    intake = Intake(
        catalog=catalog,
        videos=videos,
        inputs=blobs,
        files=files,
        characters=CharacterTable(videos._table),
        orchestrations=orchestrations,
        remote_files=RemoteFiles(guarded, max_bytes=1),
        clock=_now,
        randomness=bytes,
        sweep_grace=sweep_grace,
    )
    services = FrontDoorServices(
        intake=intake,
        catalog=catalog,
        callers=Callers(CallerKeys([key], secrets), administration, _now),
        administration=administration,
        operators=Operators(AdminKey(None, secrets), None),
        videos=videos,
        contents=blobs,
        files=files,
        characters=intake.characters,
        ledger=videos._ledger,
        batches=BatchIntake(
            catalog=catalog,
            records=BatchTable(videos._table),
            files=files,
            characters=intake.characters,
            runs=BatchRuns(durable),
            images=intake.remote_files.limits,
            clock=_now,
            randomness=bytes,
        ),
        orchestrations=orchestrations,
        capacity_pools=CapacityPools(durable),
        render_times=render_times,
        webhooks=Listeners(_now).webhooks(),
        credentials=credentials,
        api=VideosApi(http, credentials),
        clock=_now,
        content_delivery="proxy",
        content_memory=memory,
        link_lifetime=timedelta(minutes=15),
        sweep_grace=sweep_grace,
        max_body_bytes=1,
        max_file_bytes=1,
    )
    transport = httpx.ASGITransport(create_app(services))
    headers = {"api-key": await secrets.get(key.secret)}
    async with (
        http,
        guarded,
        httpx.AsyncClient(transport=transport, base_url="http://reelay/v1", headers=headers) as client,
    ):
        yield client


async def completed_video(videos: VideoTable, blobs: BlobStore) -> Video:
    """A video of `CONTENT` without stills."""
    now = _now()
    ref = VideoRef(tenant="ann", video_id=new_video_id(now, bytes(10)))
    stored = await blobs.put(content_blob(ref, Variant.VIDEO), CONTENT, "video/mp4")
    accepted = Video(**ref.model_dump(), model="sora-2", prompt="a", seconds=4, size="1280x720", created_at=now)
    rendered = (
        accepted.submitting("keyed", now, usd_per_second=Decimal(0)).in_progress("job", now).copying(now, rendered_s=4)
    )
    video = rendered.copied({Variant.VIDEO: stored}).completed(now)
    await videos.insert(video, alarm_at=now)
    return video


def _now() -> datetime:
    return datetime.now(UTC)


def _no_vault(url: str) -> SecretClient:
    raise AssertionError(url)
