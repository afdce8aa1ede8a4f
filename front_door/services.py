"""What the front door works with."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import Depends, Request

from clients.administration import Administration
from clients.blob_store import BlobStore
from clients.callers import Callers
from clients.capacity_pools import CapacityPools
from clients.character_table import CharacterTable
from clients.credentials import Credentials
from clients.files import Files
from clients.ledger import Ledger
from clients.orchestrations import Orchestrations
from clients.render_times import RenderTimeTable
from clients.video_table import VideoTable
from clients.videos_api import VideosApi
from clients.webhooks import Webhooks
from domain.caller import Caller
from domain.catalog import Catalog
from front_door.memory_budget import MemoryBudget
from front_door.operators import Operators
from intake.batches import BatchIntake
from intake.services import Intake


@dataclass(frozen=True)
class FrontDoorServices:
    """Everything a request may need; made once, by the composition root.

    Attributes:
        intake: What accepting a video needs.
        catalog: What can be rendered.
        callers: Who is calling.
        administration: Keys and tenants.
        operators: Who runs this.
        videos: The records.
        contents: Finished videos.
        files: What tenants uploaded.
        batches: Files full of requests.
        characters: Whose they are.
        ledger: What tenants have set aside and spent.
        orchestrations: The durable client.
        capacity_pools: Who has the slots of the deployments, for the operator.
        render_times: How long their renders take, for the operator.
        webhooks: Tells the tenants' endpoints what happened, for the operator.
        credentials: Of the deployments, for /readyz.
        api: The deployments, for characters and for /readyz?deep=1.
        clock: The present time, UTC.
        content_delivery: How content reaches the caller.
        content_memory: Bounds the content that is in memory at once.
        link_lifetime: How long a link to content works.
        sweep_grace: How long the sweeper leaves a new video alone.
        max_body_bytes: The largest request body, but for uploads.
        max_file_bytes: The largest file.
        metrics_text: This process's metrics, if the operator may read them.
    """

    intake: Intake
    catalog: Catalog
    callers: Callers
    administration: Administration
    operators: Operators
    videos: VideoTable
    contents: BlobStore
    files: Files
    batches: BatchIntake
    characters: CharacterTable
    ledger: Ledger
    orchestrations: Orchestrations
    capacity_pools: CapacityPools
    render_times: RenderTimeTable
    webhooks: Webhooks
    credentials: Credentials
    api: VideosApi
    clock: Callable[[], datetime]
    content_delivery: Literal["redirect", "proxy"]
    content_memory: MemoryBudget
    link_lifetime: timedelta
    sweep_grace: timedelta
    max_body_bytes: int
    max_file_bytes: int
    metrics_text: Callable[[], bytes] | None = None


# They are coroutines because FastAPI would take plain functions to a thread, which costs more than they do.
async def _services(request: Request) -> FrontDoorServices:
    return request.app.state.services


async def _caller(request: Request) -> Caller:
    return request.state.caller


async def _tenant(request: Request) -> str:
    return request.state.caller.tenant


type Services = Annotated[FrontDoorServices, Depends(_services)]
type FromCaller = Annotated[Caller, Depends(_caller)]
type Tenant = Annotated[str, Depends(_tenant)]
