"""Composition root: settings, then clients, then every trigger, orchestrator, entity and activity."""

import asyncio
import os
import secrets
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.durable_functions as df
import azure.functions as func
import httpx
from durabletask.task import ActivityContext
from opentelemetry.trace import SpanKind

from activities.advance_batch import advance_batch
from activities.announce import Announcer
from activities.batch_services import BatchActivity, BatchServices, run_batch_activity
from activities.check_render_job import check_render_job
from activities.copy_content import copy_content
from activities.end_video import end_video
from activities.late_renders import LateRenders
from activities.leftovers import Leftovers
from activities.run import Activity, run_activity
from activities.services import Services
from activities.submit_render_job import submit_render_job
from activities.validate_batch import validate_batch
from clients.admin_key import AdminKey
from clients.azure import INPUTS, Azure
from clients.batch_runs import BatchRuns
from clients.caller_keys import CallerKeys
from clients.callers import Callers
from clients.capacity_pools import CapacityPools
from clients.credentials import Credentials
from clients.durable import Durable
from clients.guarded_transport import NO_REUSE, GuardedTransport
from clients.guardrails.opening import Helpers, open_guardrails
from clients.orchestrations import Orchestrations
from clients.remote_files import RemoteFiles
from clients.secret_store import SecretStore
from clients.settings import load_settings
from clients.telemetry.journal import VideoJournal
from clients.telemetry.logs import log_json
from clients.telemetry.spans import span
from clients.telemetry.start import start_telemetry
from clients.videos_api import VideosApi
from clients.webhook_sender import WebhookSender
from clients.webhooks import Webhooks
from domain.batch_workflow import RUN_BATCH, BatchStep
from domain.workflow import CAPACITY_POOL, GENERATE_VIDEO, Step
from entities.capacity_pool import capacity_pool
from event_sources.batch_keeper import BatchKeeper
from event_sources.dead_letters import DeadLetters
from event_sources.grid_event import GridEvent
from event_sources.held_events import HeldEvents
from event_sources.inbox import BLOB_CREATED, Inbox
from event_sources.inbox_batches import InboxBatches
from event_sources.lease_keeper import LeaseKeeper
from event_sources.locked_notice import LockedNotice
from event_sources.purge import Purge
from event_sources.rejections import Rejections
from event_sources.removal import Removal
from event_sources.retirement_notice import RetirementNotice
from event_sources.sweeper import Sweeper
from event_sources.video_requests import VIDEO_REQUESTED, VideoRequests
from front_door.app import create_app
from front_door.memory_budget import MemoryBudget
from front_door.operators import Operators
from front_door.request_spans import RequestSpans
from front_door.services import FrontDoorServices
from front_door.show import show_video
from intake.batches import BatchIntake
from intake.services import Intake
from orchestrators.generate_video import generate_video
from orchestrators.run_batch import run_batch

CONTENT_MEMORY_BYTES = 64 * 1024 * 1024
COPIES_AT_ONCE = 4
FILES_AT_ONCE = 8
UPSTREAM_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
UPSTREAM_CONNECTIONS = httpx.Limits(max_connections=200, max_keepalive_connections=8)  # idle ones are polled
FETCH_TIMEOUT = httpx.Timeout(20.0)
PURGE_LIMIT_S, SWEEP_LIMIT_S, OFFER_LIMIT_S = 240.0, 180.0, 180.0
"""Plans end a function after five minutes, unless told otherwise."""


def clock() -> datetime:
    """The present time."""
    return datetime.now(UTC)


log_json()
settings = load_settings()
telemetry = start_telemetry(settings, os.environ)
azure = Azure(settings)
if settings.create_storage:
    azure.create_storage()

journal = VideoJournal(clock, log_prompts=settings.log_prompts)
ledger = azure.ledger(clock)
catalog, contents, inputs = settings.catalog, azure.contents(), azure.inputs()
videos = azure.videos(ledger, journal.wrote)
render_times, files = azure.render_times(), azure.files()
secret_store = SecretStore(azure.vault)
credentials = Credentials(secret_store)
administration = azure.administration()
configured_keys = CallerKeys(settings.api_keys, secret_store)
callers = Callers(configured_keys, administration, clock, tokens=azure.entra_tokens())
api = VideosApi(httpx.AsyncClient(timeout=UPSTREAM_TIMEOUT, limits=UPSTREAM_CONNECTIONS), credentials)
durable_client = Durable()
orchestrations, capacity_pools = Orchestrations(durable_client), CapacityPools(durable_client)
guarded = GuardedTransport(httpx.AsyncHTTPTransport(limits=NO_REUSE), allow_private=settings.allow_private_addresses)
url_schemes = ("https", "http") if settings.allow_private_addresses else ("https",)
guardrails = open_guardrails(
    settings.guardrails,
    Helpers(
        content_safety=lambda: azure.content_safety(secret_store),
        http=httpx.AsyncClient(transport=guarded, timeout=UPSTREAM_TIMEOUT),
        secrets=secret_store,
        contents=contents,
        clock=clock,
    ),
)

webhooks = Webhooks(
    endpoints=azure.webhook_endpoints(),
    deliveries=azure.webhook_deliveries(),
    sender=WebhookSender(httpx.AsyncClient(transport=guarded), secret_store, clock),
    clock=clock,
    schemes=url_schemes,
)
announcer = Announcer(videos=videos, contents=contents, event_grid=azure.event_grid(secret_store), webhooks=webhooks)

activity_services = Services(
    catalog=catalog,
    videos=videos,
    contents=contents,
    inputs=inputs,
    api=api,
    render_times=render_times,
    announcer=announcer,
    clock=clock,
    copies=asyncio.Semaphore(COPIES_AT_ONCE),
    max_queued_s=settings.max_queued_s,
    guardrails=guardrails,
)
sweep_grace = timedelta(seconds=settings.sweep_grace_s)
intake = Intake(
    catalog=catalog,
    videos=videos,
    inputs=inputs,
    files=files,
    characters=azure.characters(),
    orchestrations=orchestrations,
    remote_files=RemoteFiles(
        httpx.AsyncClient(transport=guarded, timeout=FETCH_TIMEOUT, follow_redirects=True, max_redirects=3),
        max_bytes=settings.max_body_bytes,
        schemes=url_schemes,
    ),
    clock=clock,
    randomness=secrets.token_bytes,
    sweep_grace=sweep_grace,
    announce_soon=announcer.announce_soon,
    guardrails=guardrails,
)
batch_intake = BatchIntake(
    catalog=catalog,
    records=azure.batches(),
    files=files,
    characters=intake.characters,
    runs=BatchRuns(durable_client),
    images=intake.remote_files.limits,
    clock=clock,
    randomness=secrets.token_bytes,
)
batch_services = BatchServices(
    batches=batch_intake.records,
    files=files,
    intake=intake,
    callers=callers,
    show=lambda video: show_video(video, contents),
    tell=webhooks.tell,
)
http_api = create_app(
    FrontDoorServices(
        intake=intake,
        catalog=catalog,
        callers=callers,
        administration=administration,
        operators=Operators(AdminKey(settings.admin_key, secret_store), settings.operator_role),
        videos=videos,
        ledger=ledger,
        contents=contents,
        characters=intake.characters,
        files=files,
        batches=batch_intake,
        orchestrations=orchestrations,
        capacity_pools=capacity_pools,
        render_times=render_times,
        webhooks=webhooks,
        credentials=credentials,
        api=api,
        clock=clock,
        content_delivery=settings.content_delivery,
        content_memory=MemoryBudget(CONTENT_MEMORY_BYTES),
        link_lifetime=timedelta(seconds=settings.link_lifetime_s),
        sweep_grace=sweep_grace,
        max_body_bytes=settings.max_body_bytes,
        max_file_bytes=settings.max_file_bytes,
        metrics_text=telemetry.metrics_text,
    )
)
front_door = func.AsgiMiddleware(RequestSpans(http_api) if telemetry.is_on else http_api)
removal = Removal(videos=videos, contents=contents, inputs=inputs, orchestrations=orchestrations)
late_renders = LateRenders(catalog, videos, api)
purge = Purge(
    retention=settings.retention,
    videos=videos,
    files=files,
    batches=batch_intake.records,
    progress=azure.purge_progress(),
    removal=removal,
    late_renders=late_renders,
    limit_s=PURGE_LIMIT_S,
)
sweeper = Sweeper(
    videos=videos,
    orchestrations=orchestrations,
    removal=removal,
    announcer=announcer,
    leftovers=Leftovers(catalog, videos, contents, api),
    late_renders=late_renders,
    look_again_after=sweep_grace,
    history_retention=settings.history_retention,
    limit_s=SWEEP_LIMIT_S,
)

retirement_notice = RetirementNotice(catalog)
retirement_notice.give(clock())
locked_notice = LockedNotice(callers)
lease_keeper = LeaseKeeper(
    catalog=catalog,
    videos=videos,
    pools=capacity_pools,
    orchestrations=orchestrations,
)

dead_letters, rejections = DeadLetters(inputs), Rejections(inputs, announcer.event_grid)
video_requests = VideoRequests(intake, callers, dead_letters, rejections)
inbox = Inbox(
    intake=intake,
    container=INPUTS,
    callers=callers,
    batches=InboxBatches(inputs, batch_intake, settings.max_file_bytes),
    dead_letters=dead_letters,
    rejections=rejections,
    max_bytes=settings.max_body_bytes,
    at_once=asyncio.Semaphore(FILES_AT_ONCE),
)
held_events = HeldEvents(
    blobs=inputs,
    receivers={VIDEO_REQUESTED: video_requests, BLOB_CREATED: inbox},
    dead_letters=dead_letters,
    clock=clock,
    limit_s=OFFER_LIMIT_S,
)

batch_keeper = BatchKeeper(
    batches=batch_intake.records,
    runs=batch_intake.runs,
    tell=webhooks.tell,
    history_retention=settings.history_retention,
)

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.function_name("api")
@app.route("{*path}", methods=["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"])
@app.generic_input_binding(arg_name="durable", type="durableClient")
async def serve(req: func.HttpRequest, context: func.Context, durable: str) -> func.HttpResponse:
    """Answer every request."""
    durable_client.connect(durable)
    return await front_door.handle_async(req, context)


@app.function_name("sweep")
@app.timer_trigger(arg_name="timer", schedule=settings.sweep_schedule)
@app.generic_input_binding(arg_name="durable", type="durableClient")
async def sweep(timer: func.TimerRequest, durable: str) -> None:  # noqa: ARG001 - the binding's name
    """Repair and tidy up, and once a day say what retires; at first, whether anybody can call."""
    retirement_notice.give(clock())
    await locked_notice.give()
    durable_client.connect(durable)
    await lease_keeper.reconcile(clock())
    await batch_keeper.sweep(clock())
    await sweeper.sweep(clock())


@app.function_name("try_again")
@app.timer_trigger(arg_name="timer", schedule=settings.sweep_schedule)
@app.generic_input_binding(arg_name="durable", type="durableClient")
async def try_again(timer: func.TimerRequest, durable: str) -> None:  # noqa: ARG001 - the binding's name
    """Deliver what has not arrived and accept what had to wait, beside the sweeper: others may be slow."""
    durable_client.connect(durable)
    outcomes = await asyncio.gather(webhooks.retry(clock()), held_events.offer_again(), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome


def invocation(context: func.Context) -> AbstractContextManager[object]:
    """The span of an invocation; it goes on with the host's."""
    return span(context.function_name, {}, parent=context.trace_context.trace_parent, kind=SpanKind.CONSUMER)


@app.function_name("on_video_requested")
@app.event_grid_trigger(arg_name="event")
@app.generic_input_binding(arg_name="durable", type="durableClient")
async def on_video_requested(event: func.CloudEvent, context: func.Context, durable: str) -> None:
    """Accept what an event asks for."""
    durable_client.connect(durable)
    with invocation(context):
        await held_events.let_have(video_requests, GridEvent.of(event))


@app.function_name("on_blob_created")
@app.event_grid_trigger(arg_name="event")
@app.generic_input_binding(arg_name="durable", type="durableClient")
async def on_blob_created(event: func.EventGridEvent, context: func.Context, durable: str) -> None:
    """Accept what a file in the inbox asks for."""
    durable_client.connect(durable)
    with invocation(context):
        await held_events.let_have(inbox, GridEvent.of(event))


@app.function_name("purge")
@app.timer_trigger(arg_name="timer", schedule=settings.purge_schedule)
@app.generic_input_binding(arg_name="durable", type="durableClient")
async def purge_old(timer: func.TimerRequest, durable: str) -> None:  # noqa: ARG001 - the binding's name
    """Remove what is older than retention allows."""
    durable_client.connect(durable)
    await purge.run(clock())


app.orchestration_trigger("context", GENERATE_VIDEO)(generate_video)
app.orchestration_trigger("context", RUN_BATCH)(run_batch)
app.entity_trigger("context", CAPACITY_POOL)(capacity_pool(catalog, settings.max_queued))


def register_activity(name: Step, body: Activity) -> None:
    """Let the orchestration call an activity by the name of its step."""

    async def activity(_: ActivityContext, request: dict[str, Any]) -> dict[str, Any]:
        return await run_activity(body, request, activity_services)

    activity.__name__ = name
    app.activity_trigger("request", name)(activity)


register_activity(Step.SUBMIT, submit_render_job)
register_activity(Step.CHECK, check_render_job)
register_activity(Step.COPY, copy_content)
register_activity(Step.END, end_video)


def register_batch_activity(name: BatchStep, body: BatchActivity) -> None:
    """Let a batch's orchestration call an activity, which may start the orchestrations of videos."""

    async def activity(request: object, durable: str) -> object:  # the worker wants types here, and no generics
        durable_client.connect(durable)
        return await run_batch_activity(body, request, batch_services)

    activity.__name__ = name
    bound = app.activity_trigger("request", name)(activity)
    app.generic_input_binding(arg_name="durable", type="durableClient")(bound)


register_batch_activity(BatchStep.VALIDATE, validate_batch)
register_batch_activity(BatchStep.ADVANCE, advance_batch)
