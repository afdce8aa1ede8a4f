"""A completed video's blob is whole, however often its copy was interrupted."""

from datetime import timedelta

import pytest

from activities.copy_content import ATTEMPTS_AT_EXTRAS, ATTEMPTS_AT_INVALID, copy_content
from domain.errors import UpstreamNotFound, UpstreamUnavailable
from domain.failures import FailureCode, VideoFailed
from domain.media import content_blob
from domain.render_job import RenderStatus
from domain.video import Variant, Video
from domain.workflow import Step, StepResult
from tests.unit.activities.world import World, a_step
from tests.unit.examples import JPEG, MP4, NOW, WEBP, a_video, usd

DAY_S = 86_400
VIDEO, THUMBNAIL, SPRITESHEET = Variant


@pytest.fixture
def video(world: World) -> Video:
    """A video whose job has just succeeded."""
    submitting = a_video().submitting("east", NOW)
    job = world.api.add_job(submitting, status=RenderStatus.SUCCEEDED)
    return world.videos.add(submitting.in_progress(job.upstream_id, NOW).copying(NOW, cost_usd=usd("0.40")))


async def copy(world: World, video: Video, attempt: int = 0) -> StepResult:
    return await copy_content(a_step(Step.COPY, video, attempt=attempt), world.services())


async def failure_of(world: World, video: Video, attempt: int = 0) -> str:
    with pytest.raises(VideoFailed) as failed:
        await copy(world, video, attempt)
    return failed.value.failure.code


async def test_all_files_come_home_and_the_record_knows_them(world: World, video: Video):
    assert await copy(world, video) == StepResult.done()
    assert world.contents.blobs == {
        content_blob(video.ref, VIDEO): MP4,
        content_blob(video.ref, THUMBNAIL): WEBP,
        content_blob(video.ref, SPRITESHEET): JPEG,
    }
    contents = world.record(video).contents or {}
    assert {variant: stored.content_type for variant, stored in contents.items()} == {
        VIDEO: "video/mp4",
        THUMBNAIL: "image/webp",
        SPRITESHEET: "image/jpeg",
    }
    assert contents[VIDEO].size_bytes == len(MP4)


async def test_a_rerun_goes_on_where_the_last_one_stopped(world: World, video: Video):
    world.api.fails[f"content of {THUMBNAIL}"] = UpstreamUnavailable("HTTP 500")
    assert await copy(world, video) == StepResult.retry(1)
    del world.api.fails[f"content of {THUMBNAIL}"]
    assert await copy(world, video, attempt=1) == StepResult.done()
    assert world.contents.writes == [content_blob(video.ref, variant) for variant in Variant]


async def test_a_rerun_after_a_copy_that_the_record_does_not_know_writes_the_same_again(world: World, video: Video):
    blob = content_blob(video.ref, VIDEO)
    await world.contents.put(blob, MP4, "video/mp4")
    await copy(world, video)
    assert world.contents.writes.count(blob) == 2
    assert world.contents.blobs[blob] == MP4


async def test_a_step_that_runs_again_after_its_success_copies_nothing(world: World, video: Video):
    await copy(world, video)
    world.videos.add(world.record(video).completed(NOW))
    assert await copy(world, video) == StepResult.done()
    assert len(world.contents.writes) == len(Variant)


@pytest.mark.parametrize(
    "content", [b"", b"<html>Sorry</html>", b'{"error": {"message": "no"}}', b"\x00\x00\x00\x18moov"]
)
async def test_what_is_no_video_is_never_stored(world: World, video: Video, content: bytes):
    world.api.contents[VIDEO] = content
    assert (await copy(world, video)).again
    assert world.contents.blobs == {}


async def test_a_truncated_video_is_never_stored_and_asked_for_again(world: World, video: Video):
    world.api.claimed_bytes = len(MP4) + 1
    assert await copy(world, video) == StepResult.retry(1)
    assert world.contents.blobs == {}
    world.api.claimed_bytes = None
    assert await copy(world, video, attempt=1) == StepResult.done()


async def test_a_video_that_stays_invalid_fails(world: World, video: Video):
    world.api.claimed_bytes = len(MP4) + 1
    assert (await copy(world, video, attempt=ATTEMPTS_AT_INVALID - 2)).again
    assert await failure_of(world, video, attempt=ATTEMPTS_AT_INVALID - 1) == FailureCode.CONTENT_INVALID


@pytest.mark.parametrize("variant", [THUMBNAIL, SPRITESHEET])
async def test_a_file_that_the_deployment_does_not_make_is_done_without(world: World, video: Video, variant: Variant):
    del world.api.contents[variant]
    assert await copy(world, video) == StepResult.done()
    assert set(world.record(video).contents or {}) == set(Variant) - {variant}


async def test_a_thumbnail_that_cannot_be_had_delays_the_video_only_so_often(world: World, video: Video):
    world.api.fails[f"content of {THUMBNAIL}"] = UpstreamUnavailable("HTTP 500")
    for attempt in range(ATTEMPTS_AT_EXTRAS):
        assert (await copy(world, video, attempt)).again
    assert await copy(world, video, attempt=ATTEMPTS_AT_EXTRAS) == StepResult.done()
    assert set(world.record(video).contents or {}) == {VIDEO, SPRITESHEET}


async def test_an_unavailable_deployment_is_asked_until_its_content_expires(world: World, video: Video):
    world.api.fails[f"content of {VIDEO}"] = UpstreamUnavailable("HTTP 500")
    world.clock.advance(DAY_S - 1)
    assert await copy(world, video, attempt=1_000) == StepResult.retry(60)
    world.clock.advance(1)
    assert await failure_of(world, video, attempt=1_001) == FailureCode.CONTENT_EXPIRED


async def test_content_that_the_deployment_dropped_fails_the_video(world: World, video: Video):
    world.api.fails[f"content of {VIDEO}"] = UpstreamNotFound("HTTP 404: gone")
    assert await failure_of(world, video) == FailureCode.CONTENT_EXPIRED


async def test_a_cancelled_video_is_not_copied(world: World, video: Video):
    world.videos.add(video.cancelling(NOW + timedelta(seconds=1)))
    assert await failure_of(world, video) == FailureCode.CANCELLED
    assert world.contents.blobs == {}


async def test_a_fault_of_our_own_storage_is_not_the_deployments(world: World, video: Video):
    world.contents.broken = ConnectionError("our storage")
    with pytest.raises(ConnectionError):
        await copy(world, video)
    world.contents.broken = None
    assert await copy(world, video) == StepResult.done()
