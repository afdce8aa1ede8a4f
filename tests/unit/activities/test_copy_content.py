"""A completed video's blob is whole, however often its copy was interrupted."""

from datetime import timedelta

import pytest

from activities.copy_content import ATTEMPTS_AT_EXTRAS, ATTEMPTS_AT_INVALID, copy_content
from domain.errors import ContentInvalid, UpstreamError, UpstreamNotFound, UpstreamUnavailable
from domain.failures import FailureCode, VideoFailed
from domain.media import content_blob
from domain.render_job import RenderStatus
from domain.submission import PATIENCE
from domain.video import Variant, Video, VideoState
from domain.workflow import Step, StepResult
from tests.unit.activities.world import World, a_step, run_step
from tests.unit.examples import JPEG, MP4, NOW, PRICE, WEBP, a_catalog, a_deployment, a_video, usd

DAY_S = 86_400
VIDEO, THUMBNAIL, SPRITESHEET = Variant
DOWN, CUT_OFF = UpstreamUnavailable("HTTP 500"), ContentInvalid("cut off")


@pytest.fixture
def video(world: World) -> Video:
    """A video whose job has just succeeded."""
    submitting = a_video().submitting("east", NOW, usd_per_second=PRICE)
    job = world.api.add_job(submitting, status=RenderStatus.SUCCEEDED)
    return world.videos.add(submitting.in_progress(job.upstream_id, NOW).copying(NOW, rendered_s=4))


async def copy(world: World, video: Video, *, trouble: UpstreamError | None = None, attempt: int = 0) -> StepResult:
    return await copy_content(a_step(Step.COPY, video, trouble=trouble, attempt=attempt), world.services())


async def failure_of(world: World, video: Video) -> str:
    with pytest.raises(VideoFailed) as failed:
        await copy(world, video)
    return failed.value.failure.code


async def test_all_files_come_home_and_the_record_knows_them(world: World, video: Video):
    await copy(world, video)
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


async def test_the_copy_completes_the_video_and_leaves_nothing_to_do(world: World, video: Video):
    world.clock.advance(5)
    assert await copy(world, video) == StepResult.end()
    kept = world.record(video)
    assert (kept.state, kept.ended_at, kept.cost_usd) == (VideoState.COMPLETED, world.clock(), usd("0.40"))


async def test_a_job_that_is_to_be_deleted_is_left_to_the_next_step(world: World, video: Video):
    world.catalog = a_catalog(a_deployment(delete_after_copy=True))
    assert await copy(world, video) == StepResult.done()
    assert world.record(video).state is VideoState.COMPLETED


async def test_a_rerun_does_not_copy_the_video_again(world: World, video: Video):
    world.api.fails[f"content of {SPRITESHEET}"] = DOWN
    assert await copy(world, video) == StepResult.retry(1, DOWN)
    kept = world.record(video)
    assert (kept.state, set(kept.contents or {})) == (VideoState.COPYING, {VIDEO})
    del world.api.fails[f"content of {SPRITESHEET}"]
    assert await copy(world, video, trouble=DOWN, attempt=1) == StepResult.end()
    assert world.contents.writes.count(content_blob(video.ref, VIDEO)) == 1
    assert set(world.record(video).contents or {}) == set(Variant)


async def test_a_rerun_after_a_copy_that_the_record_does_not_know_writes_the_same_again(world: World, video: Video):
    blob = content_blob(video.ref, VIDEO)
    await world.contents.put(blob, MP4, "video/mp4")
    await copy(world, video)
    assert world.contents.writes.count(blob) == 2
    assert world.contents.blobs[blob] == MP4


async def test_a_step_that_runs_again_after_its_success_copies_nothing(world: World, video: Video):
    await copy(world, video)
    completed = world.record(video)
    world.clock.advance(5)
    assert await copy(world, video) == StepResult.done()
    assert world.record(video) == completed
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
    assert await copy(world, video) == StepResult.retry(1, CUT_OFF)
    assert world.contents.blobs == {}
    world.api.claimed_bytes = None
    assert await copy(world, video, trouble=CUT_OFF, attempt=1) == StepResult.end()


async def test_a_video_that_stays_invalid_fails(world: World, video: Video):
    world.api.claimed_bytes = len(MP4) + 1
    *retries, last = await run_step(copy_content, a_step(Step.COPY, video), world)
    assert retries == [StepResult.retry(2**attempt, CUT_OFF) for attempt in range(ATTEMPTS_AT_INVALID - 1)]
    assert last.failure
    assert last.failure.code == FailureCode.CONTENT_INVALID


async def test_a_deployment_that_was_unavailable_may_still_send_what_is_no_video_as_often(world: World, video: Video):
    world.api.claimed_bytes = len(MP4) + 1
    assert await copy(world, video, trouble=DOWN, attempt=ATTEMPTS_AT_INVALID) == StepResult.retry(1, CUT_OFF)


@pytest.mark.parametrize("variant", [THUMBNAIL, SPRITESHEET])
async def test_a_file_that_the_deployment_does_not_make_is_done_without(world: World, video: Video, variant: Variant):
    del world.api.contents[variant]
    assert await copy(world, video) == StepResult.end()
    assert set(world.record(video).contents or {}) == set(Variant) - {variant}


async def test_a_thumbnail_that_cannot_be_had_delays_the_video_only_so_often(world: World, video: Video):
    world.api.fails[f"content of {THUMBNAIL}"] = DOWN
    *retries, last = await run_step(copy_content, a_step(Step.COPY, video), world)
    assert retries == [StepResult.retry(2**attempt, DOWN) for attempt in range(ATTEMPTS_AT_EXTRAS)]
    assert last == StepResult.end()
    assert set(world.record(video).contents or {}) == {VIDEO, SPRITESHEET}


async def test_an_unavailable_deployment_is_asked_until_its_content_expires(world: World, video: Video):
    world.api.fails[f"content of {VIDEO}"] = DOWN
    world.clock.advance(DAY_S - 1)
    assert await copy(world, video, trouble=DOWN, attempt=1_000) == StepResult.retry(60, DOWN)
    world.clock.advance(1)
    assert await failure_of(world, video) == FailureCode.CONTENT_EXPIRED


async def test_content_that_the_deployment_dropped_fails_the_video(world: World, video: Video):
    gone = world.api.fails[f"content of {VIDEO}"] = UpstreamNotFound("HTTP 404: gone")
    for attempt in range(PATIENCE):  # one stray 404 costs no paid video
        assert (await copy(world, video, trouble=gone, attempt=attempt)).again
    with pytest.raises(VideoFailed) as failed:
        await copy(world, video, trouble=gone, attempt=PATIENCE)
    assert failed.value.failure.code == FailureCode.CONTENT_EXPIRED


async def test_a_cancelled_video_is_not_copied(world: World, video: Video):
    world.videos.add(video.cancelling(NOW + timedelta(seconds=1)))
    assert await failure_of(world, video) == FailureCode.CANCELLED
    assert world.contents.blobs == {}


async def test_a_fault_of_our_own_storage_is_not_the_deployments(world: World, video: Video):
    world.contents.broken = ConnectionError("our storage")
    with pytest.raises(ConnectionError):
        await copy(world, video)
    world.contents.broken = None
    assert await copy(world, video) == StepResult.end()


async def test_extras_that_fail_in_turns_delay_the_video_only_so_often(world: World, video: Video):
    world.api.fails["content of thumbnail"] = DOWN
    world.api.contents[SPRITESHEET] = b"<html>"
    answers = await run_step(copy_content, a_step(Step.COPY, video), world)
    assert len(answers) <= 2 * ATTEMPTS_AT_EXTRAS + 1
    assert world.record(video).state is VideoState.COMPLETED
