"""A span says what was done for whom, and goes on in the trace of whoever wanted it."""

import asyncio
from collections.abc import Sequence

import httpx
import pytest
from opentelemetry.trace import SpanKind, StatusCode, format_span_id, format_trace_id

from activities.run import run_activity
from activities.services import Services
from clients.telemetry.spans import pass_on, span, traceparent
from clients.transactions import Write
from domain.booking import Order
from domain.failures import VideoFailed
from domain.movement import Movement
from domain.workflow import Step, StepRequest, StepResult
from tests.unit.activities.world import World, a_step
from tests.unit.examples import a_deployment, a_video
from tests.unit.fakes import FakeClock, a_secret_store, keyvault_secret
from tests.unit.front_door.world import an_api
from tests.unit.ledger_store import LedgerStore
from tests.unit.telemetry.conftest import Told

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"
JOB = {"id": "job-1", "status": "queued"}


def test_a_span_has_what_is_known(told: Told):
    with span("work", {"reelay.video": "video_1", "reelay.deployment": None}):
        pass
    assert told.spans()["work"].attributes == {"reelay.video": "video_1"}


def test_an_error_is_told_by_its_type_alone(told: Told):
    with pytest.raises(ValueError, match="a key"), span("work", {}):
        raise ValueError("the prompt, or a key")
    failed = told.spans()["work"]
    assert (failed.status.status_code, failed.status.description) == (StatusCode.ERROR, None)
    assert (failed.attributes, failed.events) == ({"error.type": "ValueError"}, ())


def test_where_no_span_is_open_nothing_is_passed_on():
    headers = dict[str, str]()
    pass_on(headers)
    assert (traceparent(), headers) == (None, {})


async def test_who_was_not_waited_for_is_an_error(told: Told):
    async def wait() -> None:
        with span("work", {}):
            await asyncio.get_running_loop().create_future()

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(wait(), timeout=0.001)
    assert told.spans()["work"].attributes == {"error.type": "CancelledError"}


async def test_an_activity_belongs_to_the_request_that_was_accepted(told: Told):
    video = a_video(traceparent=TRACEPARENT)
    step = a_step(Step.CHECK, video).model_copy(update={"traceparent": StepRequest.first(video).traceparent})

    async def body(request: StepRequest, services: Services) -> StepResult:
        raise VideoFailed("cancelled", "Cancelled.")

    await run_activity(body, step.model_dump(mode="json"), World().services())
    activity = told.spans()["check_render_job"]
    assert activity.parent
    assert (format_trace_id(activity.parent.trace_id), format_span_id(activity.parent.span_id)) == (TRACE, PARENT)
    assert activity.attributes == {
        "reelay.video": video.video_id,
        "reelay.tenant": video.tenant,
        "reelay.deployment": "east",
        "error.type": "cancelled",
    }


async def test_what_is_booked_together_belongs_to_no_trace(told: Told, monkeypatch: pytest.MonkeyPatch):
    store, traces = LedgerStore(), list[str | None]()
    commit = store.commit

    async def noting(writes: Sequence[Write]) -> Sequence[str]:
        traces.append(traceparent())
        return await commit(writes)

    monkeypatch.setattr(store, "commit", noting)
    with span("who came first", {}):
        await store.ledger(FakeClock()).book("acme", Order(Movement.accepting(a_video())), [])
    assert (traces, [*told.spans()]) == ([None], ["who came first"])


async def test_a_deployment_is_asked_within_the_trace(told: Told):
    asked = list[httpx.Request]()

    def upstream(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=JOB, headers={"apim-request-id": "r-1"})

    secrets = a_secret_store(east="east-key")
    deployment = a_deployment(
        auth={"kind": "api_key", "secret": keyvault_secret("east")}, api_version="the-query-is-not-told"
    )
    with span("work", {}):
        await an_api(upstream, secrets).create(deployment, a_video())

    exchange, work = told.spans()["POST east"], told.spans()["work"]
    assert exchange.kind is SpanKind.CLIENT
    assert exchange.parent == work.context
    assert exchange.attributes == {
        "http.request.method": "POST",
        "server.address": "east.openai.azure.com",
        "url.path": "/openai/v1/videos",
        "reelay.deployment": "east",
        "gen_ai.request.model": "sora-2-east",
        "http.response.status_code": 200,
        "reelay.upstream_request_id": "r-1",
    }
    assert exchange.context
    assert asked[0].headers["traceparent"].split("-")[1:3] == [
        format_trace_id(exchange.context.trace_id),
        format_span_id(exchange.context.span_id),
    ]
