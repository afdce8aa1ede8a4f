"""Content is handed out by a link or through the app, and only when there is some."""

import httpx
import pytest

from domain.failures import Failure
from domain.video import Video
from front_door.memory_budget import MemoryBudget
from tests.unit.examples import NOW, PRICE, a_video
from tests.unit.front_door.world import MEMORY_BYTES, World, error_of

CONTENT = bytes(index % 251 for index in range(MEMORY_BYTES))


@pytest.fixture
async def video(world: World) -> Video:
    """A completed video."""
    return await world.completed(a_video(), CONTENT)


async def get(world: World, video: Video, query: str = "", method: str = "GET", **headers: str) -> httpx.Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await world.ask(method, f"/v1/videos/{video.video_id}/content{query}", headers=sent)


async def test_a_reader_is_sent_to_a_link_that_does_not_last(world: World, video: Video):
    response = await get(world, video)
    assert response.status_code == 302
    assert response.headers["location"].endswith("/acme/v.mp4?st=1200&se=1215")
    assert response.headers["cache-control"] == "no-store"


async def test_through_the_app_all_of_it_comes_at_once(world: World, video: Video):
    world.change(content_delivery="proxy")
    response = await get(world, video)
    assert (response.status_code, response.content) == (200, CONTENT)
    assert response.headers["content-type"] == "video/mp4"
    assert response.headers["content-length"] == str(len(CONTENT))
    assert response.headers["accept-ranges"] == "bytes"


async def test_a_part_says_which_it_is(world: World, video: Video):
    world.change(content_delivery="proxy")
    response = await get(world, video, range="bytes=100-199")
    assert (response.status_code, response.content) == (206, CONTENT[100:200])
    assert response.headers["content-range"] == f"bytes 100-199/{len(CONTENT)}"


async def test_a_part_of_another_version_is_not_mixed_in(world: World, video: Video):
    world.change(content_delivery="proxy")
    etag = (await get(world, video)).headers["etag"]
    same = await get(world, video, range="bytes=0-9", if_range=etag)
    other = await get(world, video, range="bytes=0-9", if_range='"another"')
    assert (same.status_code, other.status_code) == (206, 200)


async def test_a_part_outside_is_416_with_the_length(world: World, video: Video):
    world.change(content_delivery="proxy")
    response = await get(world, video, range=f"bytes={len(CONTENT)}-")
    assert response.status_code == 416
    assert response.headers["content-range"] == f"bytes */{len(CONTENT)}"
    assert error_of(response)["code"] == "range_not_satisfiable"


async def test_a_head_request_tells_the_length_and_reads_nothing(world: World, video: Video):
    world.change(content_delivery="proxy")
    world.contents.blobs.clear()
    response = await get(world, video, method="HEAD")
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-length"] == str(len(CONTENT))


async def test_what_exceeds_the_memory_is_given_in_parts_only(world: World, video: Video):
    world.change(content_delivery="proxy", content_memory=MemoryBudget(len(CONTENT) - 1))
    refused = await get(world, video)
    assert (refused.status_code, error_of(refused)["code"]) == (413, "range_required")
    assert "Range: bytes=0-" in error_of(refused)["message"]
    assert (await get(world, video, range="bytes=0-99")).content == CONTENT[:100]


async def test_a_reader_that_finds_no_memory_is_told_to_come_back(world: World, video: Video):
    world.change(content_delivery="proxy")
    async with world.services.content_memory.borrow(1):
        response = await get(world, video)
    assert (response.status_code, error_of(response)["code"]) == (503, "busy")
    assert response.headers["retry-after-ms"] == "2000"


PENDING = {
    "queued": a_video(),
    "rendering": a_video().submitting("east", NOW, usd_per_second=PRICE).in_progress("job-1", NOW),
    "copying": a_video()
    .submitting("east", NOW, usd_per_second=PRICE)
    .in_progress("job-1", NOW)
    .copying(NOW, rendered_s=4),
}


@pytest.mark.parametrize("pending", PENDING.values(), ids=PENDING.keys())
async def test_a_video_that_is_not_completed_has_no_content_yet(world: World, pending: Video):
    response = await get(world, world.videos.add(pending))
    assert (response.status_code, error_of(response)["code"]) == (404, "content_not_ready")


async def test_a_failed_video_has_none_and_says_why(world: World):
    response = await get(
        world, world.videos.add(a_video().failed(Failure(code="moderation_blocked", message="No."), NOW))
    )
    assert (response.status_code, error_of(response)["code"]) == (404, "video_failed")
    assert "moderation_blocked" in error_of(response)["message"]


async def test_content_that_retention_removed_is_gone(world: World, video: Video):
    world.videos.add(video.model_copy(update={"content_removed_at": NOW}))
    response = await get(world, video)
    assert (response.status_code, error_of(response)["code"]) == (410, "content_removed")


async def test_a_file_that_was_never_made_is_named(world: World, video: Video):
    response = await get(world, video, "?variant=thumbnail")
    assert (response.status_code, error_of(response)["param"]) == (404, "variant")


async def test_a_file_that_no_video_has_is_refused(world: World, video: Video):
    response = await get(world, video, "?variant=poster")
    assert (response.status_code, error_of(response)["param"]) == (400, "variant")
