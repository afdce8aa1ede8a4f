"""What has to wait is kept, and is accepted or refused without another delivery, however many wait."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from azure.core.exceptions import HttpResponseError

from domain.caller import Caller
from domain.errors import RateLimited, TooManyInFlight
from domain.rate import Rate
from domain.video import Video
from event_sources import held_events
from event_sources.accept_once import NotNow
from event_sources.grid_event import GridEvent
from event_sources.held_events import GIVEN_UP_AFTER, PATIENCE
from tests.unit.event_sources.events import REQUEST, World, an_event, let_answer
from tests.unit.examples import TENANT, an_image

FULL = TooManyInFlight("Others have to end first.", retry_after_s=10)
FOX = f"inbox/{TENANT}/fox.json"


@pytest.fixture
def world() -> World:
    return World()


def room_for(world: World, count: int) -> Callable[[Video], None]:
    """A limit that lets so many more in."""
    most = len(world.videos.records) + count

    def limit(video: Video) -> None:
        if video.tenant == TENANT and len(world.videos.records) >= most:
            raise FULL

    return limit


async def deliver(world: World, *events: GridEvent) -> None:
    for event in events:
        await world.held_events().let_have(world.video_requests(), event)
        world.clock.advance(1)


async def offer(world: World, after: timedelta = timedelta(minutes=1)) -> None:
    world.clock.advance(after.total_seconds())
    await world.held_events().offer_again()


def requests(count: int, **data: Any) -> list[GridEvent]:
    return [an_event(id=f"e-{n}", data=REQUEST | {"tenant": TENANT, "prompt": f"{n}"} | data) for n in range(count)]


def prompts(world: World) -> list[str]:
    return [prompt for _, prompt in world.asked()]


@pytest.mark.parametrize("error", [FULL, RateLimited("Too soon.", rate=Rate(1, 0, 60), retry_after_s=60)])
async def test_what_limits_hold_up_is_accepted_when_there_is_room(world: World, error: Exception):
    def limit(_: object) -> None:
        raise error

    world.videos.limit = limit
    await deliver(world, an_event())
    await offer(world)
    assert (world.asked(), len(world.held()), world.dead_letters()) == ([], 1, [])
    world.videos.limit = room_for(world, 1)
    await offer(world)
    assert (world.asked(), world.held()) == ([(TENANT, REQUEST["prompt"])], [])


async def test_all_are_accepted_in_their_order_however_many_and_however_little_room(world: World):
    world.videos.limit = room_for(world, 0)
    await deliver(world, *requests(40))
    for _ in range(20):
        world.videos.limit = room_for(world, 2)
        await offer(world)
    assert prompts(world) == [str(n) for n in range(40)]
    assert (world.held(), world.topic.events) == ([], [])


async def test_a_caller_who_has_to_wait_holds_up_nobody_else(world: World):
    world.videos.limit = room_for(world, 0)
    await deliver(world, *requests(3))
    let_answer(world, httpx.Response(503))
    image = {"input_reference": {"image_url": "https://pictures.example/fox.png"}}
    await deliver(world, an_event(data=REQUEST | {"tenant": "globex"} | image))
    let_answer(world, httpx.Response(200, content=an_image()))
    await offer(world)
    assert world.asked() == [("globex", REQUEST["prompt"])]


async def test_what_somebody_elses_server_holds_up_lets_the_others_go_first(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(held_events, "OFFERED_AT_ONCE", 2)
    let_answer(world, httpx.Response(503))
    await deliver(world, *requests(3, input_reference={"image_url": "https://pictures.example/fox.png"}))
    world.videos.limit = room_for(world, 0)
    await deliver(world, an_event(id="e-9"))
    world.videos.limit = room_for(world, 9)
    await offer(world)
    await offer(world)
    assert (prompts(world), len(world.held())) == ([REQUEST["prompt"]], 3)
    let_answer(world, httpx.Response(200, content=an_image()))
    await offer(world)
    await offer(world)
    assert sorted(prompts(world)[1:]) == ["0", "1", "2"]


async def test_an_event_that_is_kept_twice_makes_one_video(world: World):
    world.videos.limit = room_for(world, 0)
    await deliver(world, an_event(), an_event())
    world.videos.limit = room_for(world, 9)
    await offer(world)
    assert (len(world.asked()), world.held()) == (1, [])


async def test_after_a_day_an_event_is_refused_as_any_other_is(world: World):
    world.videos.limit = room_for(world, 0)
    await deliver(world, an_event())
    await offer(world, PATIENCE)
    (letter,), (told,) = world.dead_letters(), world.topic.events
    assert letter["error"]["code"] == told.data["error"]["code"] == "too_many_videos_in_flight"
    assert letter["event"] == an_event().as_cloud_event()
    assert world.held() == []


async def test_a_file_waits_too_and_after_a_day_is_answered_beside_it(world: World):
    world.inputs.blobs[FOX] = json.dumps(REQUEST).encode()
    world.videos.limit = room_for(world, 0)
    url = f"https://acct.blob.core.windows.net/requests/{FOX}"
    created = an_event(type="Microsoft.Storage.BlobCreated", data={"url": url})
    await world.held_events().let_have(world.inbox(), created)
    await offer(world, PATIENCE - timedelta(minutes=1))
    assert len(world.held()) == 1
    await offer(world, timedelta(minutes=2))
    assert world.error(f"inbox/{TENANT}/fox.error.json")["code"] == "too_many_videos_in_flight"
    assert world.held() == []


async def test_what_is_of_no_tenant_any_more_is_put_away(world: World):
    world.videos.limit = room_for(world, 0)
    await deliver(world, an_event())
    world.tenants = ("globex",)
    await offer(world)
    assert (len(world.dead_letters()), world.held()) == (1, [])


async def test_what_can_be_neither_accepted_nor_refused_is_put_away_in_the_end(
    world: World, caplog: pytest.LogCaptureFixture
):
    def fail(_: object) -> None:
        raise HttpResponseError("storage is down")

    world.videos.limit = room_for(world, 0)
    await deliver(world, *requests(2))
    world.videos.limit = fail
    await offer(world)
    assert "could not be offered" in caplog.text
    assert len(world.held()) == 2
    await offer(world, GIVEN_UP_AFTER)
    assert (len(world.dead_letters()), world.held()) == (2, [])


async def test_what_cannot_be_read_holds_up_nobody(world: World, caplog: pytest.LogCaptureFixture):
    world.videos.limit = room_for(world, 0)
    await deliver(world, *requests(3))
    world.inputs.blobs[world.held()[0]] = b"{}"
    world.videos.limit = room_for(world, 2)
    await offer(world)
    assert "cannot be read" in caplog.text
    assert (len(world.videos.records), len(world.held())) == (2, 1)


async def test_a_fault_of_ours_asks_for_another_delivery(world: World):
    world.videos.limit = room_for(world, 0)
    world.inputs.broken = HttpResponseError("storage is down")
    with pytest.raises(HttpResponseError):
        await deliver(world, an_event())


async def test_each_key_has_a_line_of_its_own(world: World):
    world.videos.limit = room_for(world, 0)
    await deliver(world, an_event())
    assert world.held()[0].startswith(f"held/{TENANT}/")
    assert NotNow(Caller(tenant=TENANT, key_id="key_1"), FULL).line == f"{TENANT}.key_1"
