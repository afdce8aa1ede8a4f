"""Drives the activities as the orchestration does, in a time of its own: waiting moves the clock, and takes none."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
from azure.identity.aio import ManagedIdentityCredential
from azure.keyvault.secrets.aio import SecretClient

from activities.check_render_job import check_render_job
from activities.copy_content import copy_content
from activities.end_video import end_video
from activities.run import Activity, run_activity
from activities.services import Services
from activities.submit_render_job import submit_render_job
from clients.blob_store import BlobStore
from clients.credentials import Credentials
from clients.render_times import RenderTimeTable
from clients.secret_store import SecretStore
from clients.video_table import VideoTable
from clients.videos_api import VideosApi
from domain.capacity import GUARD_S, Fleet, Pool
from domain.catalog import Catalog
from domain.video import Video, VideoRef
from domain.video_id import new_video_id
from domain.workflow import PoolCall, Step, StepRequest, StepResult
from entities.capacity_pool import serve
from local.azure_fakes.fakes import Fakes
from tests.unit.listeners import Listeners

PROMPT: Final = "a paper boat"
SIZE: Final = "1280x720"
MANAGED, KEYED, TIDY = "sora-2", "sora-2-pro", "sora-2-tidy"
"""Models whose deployments take a managed identity, take a key from the vault, and are tidied up after a copy."""
RENDER_TIME_S: Final = 60.0
MAX_QUEUED_S: Final = 600.0
CONTENT_LIFETIME_S: Final = 600.0
PATIENCE_S: Final = 0.5
"""How long a deployment may be silent."""

_ACTIVITIES: Mapping[Step, Activity] = {
    Step.SUBMIT: submit_render_job,
    Step.CHECK: check_render_job,
    Step.COPY: copy_content,
    Step.END: end_video,
}


@dataclass
class Workflow:
    """A world of its own.

    Attributes:
        services: What the activities work with.
        fakes: The deployments; their clock is everybody's.
        pools: The capacity pools.
        waits: How long was waited after each step, in seconds.
    """

    services: Services
    fakes: Fakes
    pools: dict[str, Pool] = field(default_factory=dict)
    waits: list[tuple[Step, float]] = field(default_factory=list)

    async def accept(self, *, model: str = MANAGED, prompt: str = PROMPT, **making: Any) -> Video:
        """A video as the front door leaves it; `making` says what it is made from."""
        now = self.services.clock()
        ref = VideoRef(tenant="ann", video_id=new_video_id(now, secrets.token_bytes(10)))
        video = Video(**ref.model_dump(), model=model, prompt=prompt, seconds=4, size=SIZE, created_at=now, **making)
        await self.services.videos.insert(video, alarm_at=now)
        return video

    async def run(self, video: Video, *, runs_of_a_step: int = 1) -> Video:
        """Take a video to its end."""
        async for _ in self.steps(video, runs_of_a_step):
            pass
        return await self.services.videos.get(video.ref)

    async def steps(self, video: Video, runs_of_a_step: int = 1) -> AsyncIterator[Step]:
        """Take a video to its end, and say after each step which one it was.

        A step may run several times at once, as it does when its host was taken for dead.
        """
        request: StepRequest | None = StepRequest.first(video)
        while request:
            if request.step.is_of_pool:
                result = self._ask_pool(request)
            else:
                result = await self._run(request, times=runs_of_a_step)
            self.waits.append((request.step, result.delay_s))
            await self._wait(result.delay_s)
            yield request.step
            request = request.after(result)

    async def _wait(self, delay_s: float) -> None:
        """Move the clock; but who waits in the line waits for the others, who move it, and looks often."""
        if delay_s == GUARD_S:
            await asyncio.sleep(0.02)
        else:
            self.fakes.world.clock.offset_s += delay_s

    async def _run(self, request: StepRequest, *, times: int) -> StepResult:
        sent = request.model_dump(mode="json", exclude_defaults=True)
        activity = _ACTIVITIES[request.step]
        answers = await asyncio.gather(*(run_activity(activity, sent, self.services) for _ in range(times)))
        return StepResult.model_validate(answers[-1])

    def _ask_pool(self, request: StepRequest) -> StepResult:
        catalog, model = self.services.catalog, request.pool
        fleet = Fleet.of(catalog, model, timedelta(seconds=MAX_QUEUED_S))
        call = PoolCall(request=request, now=self.services.clock())
        return serve(call, self.pools.setdefault(model, Pool()), fleet, catalog, model)

    def waited_after(self, step: Step) -> list[float]:
        """How long was waited each time after a step."""
        return [delay_s for waited_after, delay_s in self.waits if waited_after is step]

    def creates(self) -> int:
        """How many jobs somebody has to pay for."""
        return len(list(self.fakes.world.jobs))

    async def faults(self, *faults: dict[str, Any]) -> None:
        """Let the deployments fail."""
        async with httpx.AsyncClient() as http:
            (await http.post(f"{self.fakes.url}/_control/faults", json=faults)).raise_for_status()


@asynccontextmanager
async def open_workflow(
    videos: VideoTable, render_times: RenderTimeTable, blobs: BlobStore, fakes: Fakes
) -> AsyncGenerator[Workflow]:
    """Wire the app's pieces to real storage and to the fakes."""
    fakes.world.change_settings(
        {"render_time_s": RENDER_TIME_S, "api_keys": {KEYED: "first key"}, "secrets": {"pro-key": "first key"}}
    )
    async with ManagedIdentityCredential() as identity, httpx.AsyncClient(timeout=PATIENCE_S) as http:
        trust: dict[str, Any] = {"connection_verify": str(fakes.vault_ca), "verify_challenge_resource": False}
        secret_store = SecretStore(lambda url: SecretClient(url, identity, **trust))
        credentials = Credentials(secret_store)

        def clock() -> datetime:
            return datetime.fromtimestamp(fakes.world.clock.now(), UTC)

        services = Services(
            catalog=_catalog(fakes),
            videos=videos,
            contents=blobs,
            inputs=blobs,
            api=VideosApi(http, credentials),
            render_times=render_times,
            announcer=Listeners(clock).announcer(videos, blobs),
            clock=clock,
            copies=asyncio.Semaphore(4),
            max_queued_s=MAX_QUEUED_S,
        )
        yield Workflow(services, fakes)
        await credentials.close()
        await secret_store.close()


def _catalog(fakes: Fakes) -> Catalog:
    identity = {"kind": "managed_identity"}
    key = {"kind": "api_key", "secret": f"keyvault:{fakes.vault_url}/secrets/pro-key"}
    deployments = {
        MANAGED: {"auth": identity},
        KEYED: {"auth": key},
        TIDY: {"auth": identity, "delete_after_copy": True},
    }
    common = {
        "operations": ["create", "remix", "edit", "extension"],
        "usd_per_second": {"*": "0.10"},
        "expected_render_s": RENDER_TIME_S,
        "content_lifetime_s": CONTENT_LIFETIME_S,
    }
    return Catalog.model_validate(
        {
            "models": {
                name: {
                    "deployments": [
                        common
                        | own
                        | {"name": name, "endpoint": f"{fakes.url}/{name}/openai/v1/", "upstream_model": name}
                    ]
                }
                for name, own in deployments.items()
            }
        }
    )
