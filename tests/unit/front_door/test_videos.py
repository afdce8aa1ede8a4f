"""Reading, listing, cancelling and deleting videos."""

from datetime import timedelta

import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError, Metadata

from domain.failures import Failure
from domain.media import content_blob
from domain.video import Variant, Video
from domain.workflow import News
from tests.unit.examples import NOW, PRICE, a_video, an_id
from tests.unit.front_door.world import KEY, OTHER_KEY, SWEEP_GRACE, World, error_of

FAILURE = Failure(code="moderation_blocked", message="Blocked.")


def rendering(**changes: object) -> Video:
    return a_video(**changes).submitting("east", NOW, usd_per_second=PRICE).in_progress("job-1", NOW)


async def test_a_pending_video_says_when_to_ask_again(world: World):
    video = world.videos.add(rendering())
    world.clock.advance(50)
    response = await world.ask("GET", f"/v1/videos/{video.video_id}")
    assert response.json()["status"] == "in_progress"
    assert response.headers["openai-poll-after-ms"] == "1000"


async def test_a_failed_video_says_why_and_need_not_be_asked_again(world: World):
    video = world.videos.add(a_video().failed(FAILURE, NOW))
    response = await world.ask("GET", f"/v1/videos/{video.video_id}")
    assert (response.json()["status"], response.json()["error"]) == ("failed", FAILURE.model_dump())
    assert "openai-poll-after-ms" not in response.headers


async def test_a_completed_video_tells_what_and_where_it_is(world: World):
    video = await world.completed(rendering(), b"content")
    told = (await world.ask("GET", f"/v1/videos/{video.video_id}")).json()
    assert (told["status"], told["progress"]) == ("completed", 100)
    assert told["reelay"]["blob_url"] == world.contents.url("acme/v.mp4")
    assert told["reelay"]["bytes"] == len(b"content")


@pytest.mark.parametrize(("order", "numbers"), [("asc", [0, 1, 2]), ("desc", [2, 1, 0])])
async def test_a_list_is_read_page_by_page(world: World, order: str, numbers: list[int]):
    for number in range(3):
        world.videos.add(a_video(video_id=an_id(number)))
    world.videos.add(a_video(video_id=an_id(9), tenant="globex"))
    seen, after = list[str](), ""
    for has_more in (True, False):
        page = (await world.ask("GET", f"/v1/videos?limit=2&order={order}{after}")).json()
        seen += [video["id"] for video in page["data"]]
        after = f"&after={page['last_id']}"
        assert page["has_more"] is has_more
    assert seen == [an_id(number) for number in numbers]


async def test_a_cancelled_video_is_woken_to_end(world: World):
    video = world.videos.add(rendering())
    response = await world.ask("POST", f"/v1/videos/{video.video_id}/cancel")
    assert response.status_code == 200
    assert world.videos.records[video.ref].cancel_requested_at == NOW
    assert world.orchestrations.woken == [(video.ref, News(cancelled=True))]


async def test_cancelling_what_has_ended_changes_nothing(world: World):
    video = world.videos.add(a_video().failed(FAILURE, NOW))
    assert (await world.ask("POST", f"/v1/videos/{video.video_id}/cancel")).json()["status"] == "failed"
    assert world.videos.records[video.ref] == video
    assert world.orchestrations.woken == []


async def test_a_cancellation_whose_wake_is_lost_is_kept_all_the_same(world: World):
    video = world.videos.add(rendering())
    world.orchestrations.broken[None] = AioRpcError(StatusCode.UNAVAILABLE, Metadata(), Metadata())
    assert (await world.ask("POST", f"/v1/videos/{video.video_id}/cancel")).status_code == 200
    assert world.videos.records[video.ref].cancel_requested_at == NOW


async def test_a_deleted_video_is_gone_at_once_and_its_content_too(world: World):
    video = world.videos.add(rendering())
    world.contents.blobs = {content_blob(video.ref, variant): b"x" for variant in Variant}
    deleted = await world.ask("DELETE", f"/v1/videos/{video.video_id}")
    assert deleted.json() == {"id": video.video_id, "object": "video.deleted", "deleted": True}
    assert (await world.ask("GET", f"/v1/videos/{video.video_id}")).status_code == 404
    assert (await world.ask("GET", "/v1/videos")).json()["data"] == []
    assert world.contents.blobs == {}
    assert world.orchestrations.woken == [(video.ref, News(cancelled=True))]
    assert world.videos.alarms[video.ref] == NOW + SWEEP_GRACE


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/content"), ("HEAD", "/content")]
)
@pytest.mark.parametrize(("key", "video_id"), [(OTHER_KEY, an_id()), (KEY, an_id(7)), (KEY, "no-id-of-ours")])
async def test_another_tenants_video_is_as_unknown_as_one_that_never_was(
    world: World, method: str, path: str, key: str, video_id: str
):
    video = world.videos.add(a_video())
    response = await world.ask(method, f"/v1/videos/{video_id}{path}", key=key)
    assert response.status_code == 404
    if method != "HEAD":
        assert error_of(response)["code"] == "video_not_found"
    assert world.videos.records[video.ref] == video


async def test_stages_are_timed(world: World):
    video = rendering().model_copy(update={"rendered_at": NOW + timedelta(seconds=42)})
    world.videos.add(video)
    timings = (await world.ask("GET", f"/v1/videos/{video.video_id}")).json()["reelay"]["timings"]
    assert timings == {"queued_s": 0.0, "rendering_s": 42.0, "copying_s": None}
