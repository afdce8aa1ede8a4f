"""A video ends once, and leaves no job behind that nobody needs."""

import logging

import pytest

from activities.end_video import end_video
from domain.errors import UpstreamUnavailable
from domain.failures import Failure, FailureCode
from domain.submission import PATIENCE
from domain.video import InvalidTransition, Variant, Video, VideoState
from domain.workflow import Step, StepResult
from tests.unit.activities.world import World, a_step, run_step
from tests.unit.examples import NOW, PRICE, a_catalog, a_deployment, a_stored_content, a_video, usd

CANCELLED = Failure(code=FailureCode.CANCELLED, message="Cancelled.")
TIMED_OUT = Failure(code=FailureCode.RENDER_TIMEOUT, message="Too late.")
BLOCKED = Failure(code="moderation_blocked", message="Blocked.")


@pytest.fixture
def copied(world: World) -> Video:
    """A video whose content is ours."""
    submitting = a_video().submitting("east", NOW, usd_per_second=PRICE)
    job = world.api.add_job(submitting)
    copying = submitting.in_progress(job.upstream_id, NOW).copying(NOW, rendered_s=4)
    return world.videos.add(copying.copied({Variant.VIDEO: a_stored_content()}))


async def end(world: World, video: Video, failure: Failure | None = None) -> StepResult:
    return await end_video(a_step(Step.END, video, failure=failure), world.services())


def keep_deleting(world: World) -> None:
    world.catalog = a_catalog(a_deployment(delete_after_copy=True))


async def test_a_copied_video_is_completed_and_keeps_its_cost(world: World, copied: Video):
    assert await end(world, copied) == StepResult.done()
    kept = world.record(copied)
    assert (kept.state, kept.ended_at, kept.cost_usd) == (VideoState.COMPLETED, NOW, usd("0.40"))


async def test_a_failed_video_says_why_and_costs_what_its_deployment_bills(world: World, copied: Video):
    assert await end(world, copied, BLOCKED) == StepResult.done()
    kept = world.record(copied)
    assert (kept.state, kept.failure, kept.cost_usd) == (VideoState.FAILED, BLOCKED, usd("0.40"))


async def test_a_render_in_vain_is_free_where_the_deployment_does_not_bill_it(world: World, copied: Video):
    world.catalog = a_catalog(a_deployment(bills=[]))
    await end(world, copied, BLOCKED)
    assert world.record(copied).cost_usd is None


@pytest.mark.parametrize("first", [None, BLOCKED])
@pytest.mark.parametrize("second", [None, CANCELLED])
async def test_an_end_is_not_changed_by_another(
    world: World, copied: Video, first: Failure | None, second: Failure | None
):
    await end(world, copied, first)
    ended = world.record(copied)
    world.clock.advance(10)
    assert await end(world, copied, second) == StepResult.done()
    assert world.record(copied) == ended


async def test_a_video_without_content_is_not_completed(world: World, copied: Video):
    world.videos.add(copied.model_copy(update={"contents": None}))
    with pytest.raises(InvalidTransition):
        await end(world, copied)


async def test_a_completed_videos_job_stays_unless_configured_otherwise(world: World, copied: Video):
    await end(world, copied)
    assert world.api.calls["delete"] == 0


async def test_a_video_that_its_copy_completed_stays_so_and_its_job_is_deleted_if_so_configured(
    world: World, copied: Video
):
    keep_deleting(world)
    completed = world.videos.add(copied.completed(NOW))
    world.clock.advance(5)
    assert await end(world, copied) == StepResult.done()
    assert world.record(copied) == completed
    assert world.api.jobs == {}


async def test_a_completed_videos_job_is_deleted_if_so_configured(world: World, copied: Video):
    keep_deleting(world)
    await end(world, copied)
    assert world.api.jobs == {}


async def test_a_cancelled_videos_job_is_deleted(world: World, copied: Video):
    world.videos.add(copied.cancelling(NOW))
    await end(world, copied, CANCELLED)
    assert world.api.jobs == {}


async def test_a_failed_videos_job_stays_for_whoever_asks_why(world: World, copied: Video):
    keep_deleting(world)
    await end(world, copied, BLOCKED)
    assert world.api.calls["delete"] == 0


async def test_a_video_without_a_job_deletes_none(world: World):
    cancelled = world.videos.add(a_video().cancelling(NOW))
    assert await end(world, cancelled, CANCELLED) == StepResult.done()
    assert world.api.calls["delete"] == 0


async def test_a_job_that_cannot_be_deleted_is_tried_again_and_then_left(
    world: World, copied: Video, caplog: pytest.LogCaptureFixture
):
    keep_deleting(world)
    world.api.fails["delete"] = down = UpstreamUnavailable("HTTP 500: down")
    with caplog.at_level(logging.WARNING):
        *retries, last = await run_step(end_video, a_step(Step.END, copied), world)
    assert retries == [StepResult.retry(2**attempt, down) for attempt in range(PATIENCE)]
    assert last == StepResult.done()
    assert "its job stays at east: HTTP 500: down" in caplog.text
    assert world.record(copied).state is VideoState.COMPLETED


async def test_a_job_at_a_deployment_that_is_gone_is_left(world: World, copied: Video):
    world.catalog = a_catalog(a_deployment(name="west", delete_after_copy=True))
    assert await end(world, copied) == StepResult.done()


@pytest.mark.parametrize("failure", [TIMED_OUT, CANCELLED])
async def test_a_render_that_was_done_at_the_last_moment_is_paid_before_its_job_is_deleted(
    world: World, failure: Failure
):
    intent = a_video(reserved_usd=usd("0.40")).submitting("east", NOW, usd_per_second=usd("0.10"))
    video = world.videos.add(intent.in_progress("job-1", NOW).cancelling(NOW))
    world.api.add_job(video, status="succeeded")
    assert await end(world, video, failure) == StepResult.done()
    assert (world.record(video).cost_usd, world.api.jobs) == (usd("0.40"), {})


@pytest.mark.parametrize("failure", [TIMED_OUT, CANCELLED])
async def test_a_job_stays_as_long_as_nobody_knows_whether_it_was_rendered_after_all(world: World, failure: Failure):
    intent = a_video().submitting("east", NOW, usd_per_second=PRICE / 4)
    video = world.videos.add(intent.in_progress("job-1", NOW).cancelling(NOW))
    world.api.add_job(video, status="succeeded")
    world.api.fails["retrieve"] = down = UpstreamUnavailable("HTTP 500: down")
    assert await end(world, video, failure) == StepResult.retry(1, down)
    assert len(world.api.jobs) == 1
    world.api.fails.clear()
    await end(world, video, failure)
    assert (world.record(video).cost_usd, world.api.jobs) == (PRICE, {})
