"""What happened is told once to everybody who listens, and left for later where that does not work."""

import asyncio
import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from azure.core.exceptions import HttpResponseError

from activities.announce import Announcer
from activities.end_video import end_video
from activities.run import run_activity
from domain.failures import Failure
from domain.video import Variant, Video
from domain.webhook import DeliveryStatus, WebhookType
from domain.workflow import Step
from tests.unit.activities.world import World, a_step
from tests.unit.examples import NOW, PRICE, a_stored_content, a_video
from tests.unit.listeners import FakeTopic, an_endpoint

FAILURE = Failure(code="render_failed", message="No.")


@pytest.fixture
def topic(world: World) -> FakeTopic:
    world.listeners.topic = FakeTopic()
    return world.listeners.topic


@pytest.fixture
def video(world: World) -> Video:
    return world.videos.add(a_video().failed(FAILURE, NOW))


def announcer(world: World) -> Announcer:
    return world.services().announcer


def listen(world: World, **changes: object) -> None:
    endpoint = an_endpoint(**changes)
    world.listeners.endpoints.kept[endpoint.endpoint_id] = endpoint


def bodies(world: World) -> list[str]:
    return [json.loads(request.content)["type"] for request in world.listeners.received]


async def test_the_topic_hears_of_everything_in_its_order(world: World, topic: FakeTopic, video: Video):
    assert await announcer(world).announce(video)
    assert [(event.type, event.time) for event in topic.events] == [
        ("Reelay.Video.Queued", NOW),
        ("Reelay.Video.Failed", NOW),
    ]
    assert {(event.source, event.subject) for event in topic.events} == {
        ("/reelay", f"tenants/acme/videos/{video.video_id}")
    }
    assert world.record(video).announced == 3


async def test_what_was_told_is_not_told_again(world: World, topic: FakeTopic, video: Video):
    listen(world)
    for _ in range(2):
        assert await announcer(world).announce(world.record(video))
    assert topic.calls == 1
    assert bodies(world) == ["video.failed"]


async def test_where_nobody_listens_nothing_is_read_or_written(world: World, video: Video):
    listen(world, tenant="globex")
    world.videos.broken[video.ref] = AssertionError("read")
    await announcer(world).announce_latest(video.ref)
    assert await announcer(world).announce(video)
    assert world.record(video).announced == 0


async def test_what_no_endpoint_asked_for_is_not_noted_either(world: World, video: Video):
    listen(world, events=[WebhookType.VIDEO_COMPLETED])
    assert await announcer(world).announce(video)
    assert world.record(video).announced == 0


async def test_the_blob_is_named_once_the_video_is_completed(world: World, topic: FakeTopic):
    rendering = a_video().submitting("east", NOW, usd_per_second=PRICE).in_progress("job-1", NOW)
    stored = rendering.copying(NOW, rendered_s=4).copied({Variant.VIDEO: a_stored_content(blob="acme/v.mp4")})
    await announcer(world).announce(world.videos.add(stored.completed(NOW)))
    assert [event.data and event.data["blob_url"] for event in topic.events] == [
        None,
        None,
        "https://acct.blob.core.windows.net/videos/acme/v.mp4",
    ]


async def test_what_the_topic_does_not_take_stays_to_be_told(world: World, topic: FakeTopic, video: Video):
    topic.is_down()
    assert not await announcer(world).announce(video)
    assert world.record(video).announced == 0
    topic.error = None
    assert await announcer(world).announce(video)
    assert [event.data and event.data["sequence"] for event in topic.events] == [1, 3]


async def test_a_topic_that_is_down_does_not_keep_webhooks_waiting_and_repeats_none(
    world: World, topic: FakeTopic, video: Video
):
    listen(world)
    topic.is_down()
    for _ in range(2):
        assert not await announcer(world).announce(video)
    assert bodies(world) == ["video.failed"]


async def test_a_webhook_that_does_not_arrive_is_queued_and_keeps_nothing_waiting(world: World, video: Video):
    listen(world)
    world.listeners.answers = [httpx.ConnectError("down")]
    assert await announcer(world).announce(video)
    assert world.record(video).announced == 3
    (delivery,) = world.listeners.deliveries.kept.values()
    assert (delivery.status, len(delivery.attempts)) == (DeliveryStatus.PENDING, 1)
    world.clock.advance(20)
    await world.listeners.webhooks().retry(world.clock())
    assert bodies(world) == ["video.failed"]


async def test_a_delivery_that_cannot_be_written_down_leaves_its_event_to_be_told(
    world: World, topic: FakeTopic, video: Video
):
    listen(world)
    world.listeners.deliveries.broken = HttpResponseError("storage is down")
    with pytest.raises(HttpResponseError):
        await announcer(world).announce(video)
    assert world.record(video).announced == 0


async def test_a_step_announces_what_it_did(world: World, topic: FakeTopic):
    video = world.videos.add(a_video())
    step = a_step(Step.END, video, failure=FAILURE)
    await run_activity(end_video, step.model_dump(mode="json"), world.services())
    assert [event.type for event in topic.events] == ["Reelay.Video.Queued", "Reelay.Video.Failed"]


async def test_a_step_succeeds_whoever_hears_of_it(world: World, topic: FakeTopic, caplog: pytest.LogCaptureFixture):
    listen(world)
    world.listeners.deliveries.broken = HttpResponseError("storage is down")
    video = world.videos.add(a_video())
    step = a_step(Step.END, video, failure=FAILURE)
    assert await run_activity(end_video, step.model_dump(mode="json"), world.services()) == {}
    assert world.record(video).failure == FAILURE
    assert "left for the sweeper" in caplog.text


async def announced_soon(world: World, video: Video) -> None:
    """Let some turns of the event loop pass."""
    replace(announcer(world), patience_s=0).announce_soon(video.ref)
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_new_video_that_has_to_wait_is_told_of_soon(world: World, topic: FakeTopic):
    video = world.videos.add(a_video())
    await announced_soon(world, video)
    assert [event.type for event in topic.events] == ["Reelay.Video.Queued"]
    assert world.record(video).announced == 1


async def test_what_a_step_has_told_meanwhile_is_not_even_read(world: World, topic: FakeTopic):
    video = world.videos.add(a_video(announced=2))
    world.videos.broken[video.ref] = AssertionError("read")
    await announced_soon(world, video)
    assert topic.calls == 0


async def test_what_cannot_be_told_soon_is_left_to_the_sweeper(
    world: World, topic: FakeTopic, caplog: pytest.LogCaptureFixture
):
    video = world.videos.add(a_video())
    world.videos.broken[video.ref] = HttpResponseError("storage is down")
    await announced_soon(world, video)
    assert "left for the sweeper" in caplog.text


async def test_of_a_new_video_only_a_topic_hears(world: World):
    listen(world)
    video = world.videos.add(a_video())
    world.videos.broken[video.ref] = AssertionError("read")
    await announced_soon(world, video)
    assert (bodies(world), world.record(video).announced) == ([], 0)


async def test_an_hour_without_topic_and_endpoint_loses_no_event(world: World, topic: FakeTopic):
    """Whatever order they come back in."""
    listen(world)
    videos = [a_video(video_id=f"video_{number:032x}").failed(FAILURE, NOW) for number in range(5)]
    topic.is_down()
    world.listeners.answers = [500] * 25
    for video in videos:
        world.videos.add(video)
    for minute in range(90):
        if minute == 60:
            topic.error = None
        for video in videos:
            await announcer(world).announce(world.record(video))
        await world.listeners.webhooks().retry(world.clock())
        world.clock.advance(60)
    told = Counter(event.id for event in topic.events)
    assert set(told) == {f"evt_{video.video_id}_{status}" for video in videos for status in ("queued", "failed")}
    arrived = [delivery.status for delivery in world.listeners.deliveries.kept.values()]
    assert arrived == [DeliveryStatus.DELIVERED] * 5
    assert world.clock() - NOW == timedelta(minutes=90)
