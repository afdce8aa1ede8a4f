"""Each request is a span and a duration, by its route and never by its query."""

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from opentelemetry.trace import SpanKind, StatusCode, format_trace_id
from starlette.types import Receive, Scope, Send

from front_door.app import create_app
from front_door.request_spans import RequestSpans
from tests.unit.examples import a_video
from tests.unit.front_door.world import ADMIN_KEY, KEY, World, error_of
from tests.unit.telemetry.conftest import Told
from tests.unit.telemetry.test_spans import TRACE, TRACEPARENT

OTHER_TRACE = "1" * 32


async def ask(
    world: World,
    path: str,
    *,
    method: str = "GET",
    key: str = KEY,
    invocation: Any = None,
    headers: Mapping[str, str] | None = None,
) -> httpx.Response:
    """Send a request as the host does, with its own idea of the trace."""
    app = RequestSpans(create_app(world.services))

    async def hosted(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "azure_functions.trace_context": invocation}, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(hosted), base_url="http://front.example") as client:
        return await client.request(method, path, headers={"api-key": key, **(headers or {})})


async def test_a_request_is_told_by_its_route(told: Told):
    world = World()
    video = world.videos.add(a_video())
    await ask(world, f"/v1/videos/{video.video_id}?metadata[name]=secret")

    route = {"http.request.method": "GET", "http.route": "/v1/videos/{video_id}", "http.response.status_code": 200}
    (span,) = told.spans().values()
    assert (span.name, span.kind) == ("GET /v1/videos/{video_id}", SpanKind.SERVER)
    assert span.attributes == {**route, "url.path": f"/v1/videos/{video.video_id}", "reelay.tenant": "acme"}
    ((attributes, _),) = told.metrics()["http.server.request.duration"]
    assert attributes == route


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v1/videos/v", "/v1/videos/{video_id}"),
        ("/v1/videos/videos", "/v1/videos/{video_id}"),
        ("/openai/v1/videos/v1/content", "/openai/v1/videos/{video_id}/content"),
        ("/v1/files/content/content", "/v1/files/{file_id}/content"),
        ("/v1/admin/keys/keys", "/v1/admin/keys/{key_id}"),
    ],
)
async def test_an_id_that_looks_like_another_part_of_the_path_is_told_from_it(told: Told, path: str, route: str):
    await ask(World(), path, key=ADMIN_KEY if "admin" in path else KEY)

    assert [*told.spans()] == [f"GET {route}"]


async def test_what_a_stranger_makes_up_is_on_no_metric(told: Told):
    await ask(World(), "/made/up", method="MADEUP")

    ((attributes, _),) = told.metrics()["http.server.request.duration"]
    assert attributes == {
        "http.request.method": "_OTHER",
        "http.route": "unknown",
        "http.response.status_code": 404,
    }


@pytest.mark.parametrize(("path", "key", "status"), [("/v1/videos", "sk-nobody", 401), ("/nothing/here", KEY, 404)])
async def test_where_there_is_no_route_the_path_is_no_name(told: Told, path: str, key: str, status: int):
    await ask(World(), path, key=key)

    (span,) = told.spans().values()
    assert span.name == "GET unknown"
    assert span.attributes
    assert span.attributes["http.response.status_code"] == status


async def test_what_nobody_foresaw_is_an_error(told: Told):
    world = World()
    world.change(clock=None)
    await ask(world, "/readyz")

    (span,) = told.spans().values()
    assert span.status.status_code is StatusCode.ERROR


@pytest.mark.parametrize("path", ["/healthz", "/metrics"])
async def test_what_machines_ask_all_the_time_is_not_told(told: Told, path: str):
    await ask(World(), path, key=ADMIN_KEY)

    assert told.spans() == {}


@pytest.mark.parametrize(
    ("invocation", "trace"),
    [
        (None, TRACE),
        (SimpleNamespace(trace_parent=""), TRACE),
        (SimpleNamespace(trace_parent=f"00-{OTHER_TRACE}-{'2' * 16}-01"), OTHER_TRACE),
    ],
)
async def test_a_request_goes_on_in_the_trace_of_the_host_or_else_of_the_caller(
    told: Told, invocation: Any, trace: str
):
    await ask(World(), "/v1/videos", invocation=invocation, headers={"traceparent": TRACEPARENT})

    (span,) = told.spans().values()
    assert span.parent
    assert format_trace_id(span.parent.trace_id) == trace


async def test_a_video_remembers_the_request_that_asked_for_it(told: Told):
    world = World()
    app = RequestSpans(create_app(world.services))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://front.example") as client:
        await client.post("/v1/videos", json={"prompt": "A fox."}, headers={"api-key": KEY})

    (video,) = world.videos.records.values()
    assert video.traceparent
    span = told.spans()["POST /v1/videos"].context
    assert span
    assert video.traceparent.split("-")[1] == format_trace_id(span.trace_id)


async def test_the_operator_reads_the_metrics_where_that_is_on():
    world = World()
    off = await world.ask("GET", "/metrics", key=ADMIN_KEY)
    assert (off.status_code, error_of(off)["code"]) == (404, "not_found")

    world.services = replace(world.services, metrics_text=lambda: b"reelay_videos_accepted_total 1.0\n")
    on = await world.ask("GET", "/metrics", key=ADMIN_KEY)
    assert (on.status_code, on.text) == (200, "reelay_videos_accepted_total 1.0\n")
    assert on.headers["content-type"].startswith("text/plain; version=0.0.4")


async def test_nobody_else_does():
    world = World()
    world.services = replace(world.services, metrics_text=lambda: b"")
    assert (await world.ask("GET", "/metrics")).status_code == 403
    assert (await world.ask("GET", "/metrics", key=None)).status_code == 401
