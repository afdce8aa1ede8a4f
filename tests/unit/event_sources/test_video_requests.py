"""An event makes one video, however often it is delivered; one that can never work is put away."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import azure.functions as func
import httpx
import pytest
from azure.core.exceptions import HttpResponseError
from azure.functions.eventgrid import EventGridEventInConverter
from azure.functions.meta import Datum
from grpc import StatusCode
from grpc.aio import AioRpcError, Metadata

from domain.errors import BudgetExceeded, LimitReached, RateLimited, TooManyInFlight
from domain.rate import Rate
from event_sources.accept_once import NotNow
from event_sources.grid_event import GridEvent
from event_sources.rejections import NotPublished
from tests.unit.event_sources.events import REQUEST, World, an_event, let_answer
from tests.unit.examples import NOW, TENANT, a_catalog, a_deployment, an_image

WITH_IMAGE = REQUEST | {"tenant": TENANT, "input_reference": {"image_url": "https://pictures.example/fox.png"}}


@pytest.fixture
def world() -> World:
    return World()


async def test_an_event_makes_a_video_of_its_tenant(world: World):
    await world.video_requests().receive(an_event(data=REQUEST | {"tenant": "globex", "metadata": {"scene": "7"}}))
    (video,) = world.videos.records.values()
    assert (video.tenant, video.prompt, video.metadata) == ("globex", REQUEST["prompt"], {"scene": "7"})
    assert world.orchestrations.started == [video.ref]


async def test_an_event_that_is_delivered_again_makes_no_other_video(world: World):
    for _ in range(3):
        await world.video_requests().receive(an_event())
        world.clock.advance(60)
    await asyncio.gather(*(world.video_requests().receive(an_event()) for _ in range(3)))
    assert world.asked() == [(TENANT, REQUEST["prompt"])]
    assert world.dead_letters() == []


async def test_what_made_a_video_is_not_asked_again_whether_it_may(world: World):
    await world.video_requests().receive(an_event())
    retired = a_catalog(a_deployment(retires_on=NOW.date() - timedelta(days=1)))
    world.intake = replace(world.intake, catalog=retired)
    await world.video_requests().receive(an_event())
    assert world.dead_letters() == []


async def test_only_the_same_id_of_the_same_source_is_the_same_event(world: World):
    for event in (an_event(), an_event(id="e-2"), an_event(source="/other")):
        await world.video_requests().receive(event)
    assert len(world.asked()) == 3


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"type": "Reelay.Video.Completed"}, "type"),
        ({"id": None}, "id"),
        ({"source": ""}, "id"),
        ({"data": None}, None),
        ({"data": "a fox"}, None),
        ({"data": [REQUEST]}, None),
        ({"data": REQUEST}, "tenant"),
        ({"data": REQUEST | {"tenant": "nobody"}}, "tenant"),
        ({"data": REQUEST | {"tenant": {"name": "acme"}}}, "tenant"),
        ({"data": REQUEST | {"tenant": TENANT, "prompt": ""}}, "prompt"),
        ({"data": REQUEST | {"tenant": TENANT, "prompt": "\ud800"}}, None),
        ({"data": REQUEST | {"tenant": TENANT, "seconds": float("nan")}}, None),
        ({"data": REQUEST | {"tenant": TENANT, "input_reference": {"file_id": "file-1"}}}, None),
        ({"data": REQUEST | {"tenant": TENANT, "input_reference": {"blob": "fox.png"}}}, "input_reference"),
    ],
)
async def test_what_can_never_work_is_put_away_and_logged(
    world: World, changes: dict[str, Any], param: str | None, caplog: pytest.LogCaptureFixture
):
    event = an_event(**changes)
    for _ in range(2):
        await world.video_requests().receive(event)
    (letter,) = world.dead_letters()
    assert world.asked() == []
    assert letter["event"]["specversion"] == "1.0"
    assert json.dumps(letter["event"].get("data")) == json.dumps(event.data)
    if param:
        assert letter["error"]["param"] == param
    assert "dead-letter/" in caplog.text


async def test_whoever_asks_in_vain_is_told(world: World):
    for _ in range(2):
        await world.video_requests().receive(an_event(data=REQUEST | {"tenant": TENANT, "prompt": ""}))
    first, second = world.topic.events
    assert (first.id, first.type, first.data) == (second.id, "Reelay.RequestRejected", second.data)
    (blob,) = world.inputs.blobs
    assert first.data == {
        "error": world.dead_letters()[0]["error"],
        "blob_url": world.intake.inputs.url(blob),
        "cause": {"id": "e-1", "source": "/studio"},
    }


async def test_an_event_of_another_type_is_not_answered_with_one(world: World):
    await world.video_requests().receive(an_event(type="Reelay.RequestRejected"))
    assert world.topic.events == []


async def test_a_topic_that_is_down_asks_for_another_delivery(world: World):
    event = an_event(data=REQUEST)
    world.topic.is_down()
    with pytest.raises(NotPublished):
        await world.video_requests().receive(event)
    world.topic.error = None
    await world.video_requests().receive(event)
    assert len(world.topic.events) == len(world.dead_letters()) == 1


async def test_a_fault_of_ours_asks_for_another_delivery(world: World):
    world.inputs.broken = HttpResponseError("storage is down")
    with pytest.raises(HttpResponseError):
        await world.video_requests().receive(an_event(type="?"))


async def test_an_image_that_cannot_be_fetched_just_now_has_to_wait(world: World):
    event = an_event(data=WITH_IMAGE)
    for answer in (httpx.Response(503), httpx.Response(429)):
        let_answer(world, answer)
        with pytest.raises(NotNow, match="answered"):
            await world.video_requests().receive(event)
    assert (world.asked(), world.dead_letters(), world.topic.events) == ([], [], [])
    let_answer(world, httpx.Response(200, content=an_image()))
    await world.video_requests().receive(event)
    assert len(world.asked()) == 1


@pytest.mark.parametrize("answer", [httpx.Response(404), httpx.Response(200, content=b"no image")])
async def test_an_image_that_will_never_be_there_ends_its_request(world: World, answer: httpx.Response):
    let_answer(world, answer)
    await world.video_requests().receive(an_event(data=WITH_IMAGE))
    assert (world.asked(), len(world.dead_letters()), len(world.topic.events)) == ([], 1, 1)


async def test_a_video_that_cannot_be_started_is_left_to_the_sweeper(world: World):
    world.orchestrations.broken[None] = AioRpcError(StatusCode.UNAVAILABLE, Metadata(), Metadata())
    await world.video_requests().receive(an_event())
    (video,) = world.videos.records.values()
    assert video.ref in world.videos.alarms


def test_both_schemas_are_the_same_event():
    common: dict[str, Any] = {"id": "e-1", "subject": "s", "data": {"n": 1}}
    cloud = func.CloudEvent(source="/t", type="Made", specversion="1.0", time=NOW, **common)
    grid = func.EventGridEvent(topic="/t", event_type="Made", event_time=NOW, data_version="", **common)
    expected = GridEvent("e-1", "/t", "Made", "s", NOW, {"n": 1})
    assert [GridEvent.of(event)._replace(rest={}) for event in (cloud, grid)] == [expected._replace(rest={})] * 2


def test_an_event_is_put_away_as_it_came():
    came = {
        "specversion": "1.0",
        "id": "e-1",
        "source": "/t",
        "type": "Made",
        "time": "2026-01-02T03:04:05Z",
        "datacontenttype": "application/octet-stream",
        "dataschema": "https://schemas.example/made",
        "data_base64": "e30=",
        "traceparent": "00-1-2-00",
        "rest": "an extension",
    }
    event = EventGridEventInConverter.decode(Datum(json.dumps(came), "json"), trigger_metadata={})
    assert GridEvent.of(event).as_cloud_event() == came
    assert GridEvent.of_cloud_event(came) == GridEvent.of(event)


@pytest.mark.parametrize(
    "refusal", [TooManyInFlight("Wait.", retry_after_s=10), RateLimited("Wait.", rate=Rate(1, 0, 60), retry_after_s=60)]
)
async def test_an_event_whose_tenant_has_to_wait_is_not_refused(world: World, refusal: LimitReached):
    world.videos.limit = _raising(refusal)
    with pytest.raises(NotNow):
        await world.video_requests().receive(an_event())
    assert world.dead_letters() == []


async def test_an_event_that_no_budget_pays_is_refused(world: World):
    world.videos.limit = _raising(BudgetExceeded("No money is left."))
    await world.video_requests().receive(an_event())
    (letter,) = world.dead_letters()
    assert letter["error"]["code"] == "insufficient_quota"


def _raising(refusal: LimitReached) -> Callable[[object], None]:
    def limit(_: object) -> None:
        raise refusal

    return limit
