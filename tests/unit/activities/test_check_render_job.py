"""A job's status becomes the record's, and every job comes to an end."""

from datetime import timedelta
from typing import Any

import pytest

from activities.check_render_job import check_render_job
from domain.errors import UpstreamError, UpstreamNotFound, UpstreamOverloaded, UpstreamUnauthorized, UpstreamUnavailable
from domain.failures import FailureCode, VideoFailed
from domain.polling import next_check_s
from domain.render_job import RenderStatus
from domain.render_times import RenderKind
from domain.submission import PATIENCE
from domain.video import Video, VideoState
from domain.workflow import Step, StepRequest, StepResult
from tests.unit.activities.world import World, a_step
from tests.unit.examples import NOW, PRICE, a_catalog, a_deployment, a_source, a_video, usd

KIND = RenderKind("east", "sora-2-east", 4, "1280x720")


@pytest.fixture
def video(world: World) -> Video:
    """A video whose job has just been created."""
    submitting = a_video().submitting("east", world.clock(), usd_per_second=PRICE)
    job = world.api.add_job(submitting)
    return world.videos.add(submitting.in_progress(job.upstream_id, world.clock()))


async def check(world: World, video: Video, request: StepRequest | None = None) -> StepResult:
    return await check_render_job(request or a_step(Step.CHECK, video), world.services())


async def failure_of(world: World, video: Video) -> str:
    with pytest.raises(VideoFailed) as failed:
        await check(world, video)
    return failed.value.failure.code


async def test_a_running_job_is_checked_again_and_its_progress_kept(world: World, video: Video):
    world.clock.advance(36)
    world.api.change("job-1", progress=60)
    result = await check(world, video)
    assert (result.again, result.delay_s) == (True, next_check_s(elapsed_s=36, expected_s=60, progress=60))
    assert world.record(video).progress == 60
    assert world.record(video).state is VideoState.IN_PROGRESS


async def test_progress_that_goes_back_is_not_written(world: World, video: Video):
    for reported, kept in ((60, 60), (20, 60), (61, 61)):
        world.api.change("job-1", progress=reported)
        await check(world, video)
        assert world.record(video).progress == kept


async def test_a_finished_job_goes_on_to_the_copy_with_its_price(world: World, video: Video):
    world.clock.advance(60)
    world.api.change("job-1", status=RenderStatus.SUCCEEDED)
    assert await check(world, video) == StepResult.done()
    kept = world.record(video)
    assert (kept.state, kept.rendered_at, kept.cost_usd) == (VideoState.COPYING, world.clock(), usd("0.40"))


@pytest.mark.parametrize(
    ("rendered", "cost"),
    [
        ({"seconds": 8}, "0.80"),
        ({"seconds": None}, "0.40"),
        ({"size": "720x1280"}, "0.40"),
        ({"size": "720p"}, "0.40"),
    ],
)
async def test_the_seconds_that_were_really_rendered_are_paid_at_the_price_they_were_asked_for(
    world: World, video: Video, rendered: dict[str, Any], cost: str
):
    world.catalog = a_catalog(a_deployment(usd_per_second={"1280x720": "0.30", "720x1280": "0.50"}))
    world.api.change("job-1", status=RenderStatus.SUCCEEDED, **rendered)
    await check(world, video)
    assert world.record(video).cost_usd == usd(cost)


async def test_of_an_extension_only_what_is_new_is_paid(world: World, video: Video):
    extension = video.model_copy(update={"operation": "extension", "seconds": 8, "source": a_source(seconds=4)})
    world.videos.records[video.ref] = extension
    world.api.change("job-1", status=RenderStatus.SUCCEEDED, seconds=12)
    await check(world, extension)
    assert world.record(video).cost_usd == usd("0.80")


@pytest.mark.parametrize(("told", "learnt_s"), [({"completed_at": 70}, 70), ({}, 54)])
async def test_how_long_a_render_took_is_learnt_as_told_or_else_from_between_the_checks(
    world: World, video: Video, told: dict[str, int], learnt_s: float
):
    world.clock.advance(36)
    await check(world, video)
    world.clock.advance(36)
    created_at = world.api.jobs["east", "job-1"].created_at or NOW
    times = {name: created_at + timedelta(seconds=at) for name, at in told.items()}
    world.api.change("job-1", status=RenderStatus.SUCCEEDED, **times)
    await check(world, video)
    await check(world, video)
    assert world.render_times.recorded == [(KIND, pytest.approx(learnt_s))]


async def test_what_was_learnt_places_the_checks(world: World, video: Video):
    before = await check(world, video)
    for _ in range(5):
        await world.render_times.record(KIND, 600)
    assert (await check(world, video)).delay_s > before.delay_s


async def test_nothing_is_learnt_from_a_job_that_failed(world: World, video: Video):
    world.api.change("job-1", status=RenderStatus.FAILED)
    await failure_of(world, video)
    assert not world.render_times.recorded


async def test_a_finished_job_is_settled_once(world: World, video: Video):
    world.api.change("job-1", status=RenderStatus.SUCCEEDED)
    await check(world, video)
    settled = world.record(video)
    world.clock.advance(5)
    assert await check(world, video) == StepResult.done()
    assert world.record(video) == settled


async def test_a_failed_job_fails_the_video_in_the_deployments_words(world: World, video: Video):
    world.api.change("job-1", status=RenderStatus.FAILED, failure_code="moderation_blocked", failure_message="Blocked.")
    assert await failure_of(world, video) == "moderation_blocked"


async def test_a_job_that_the_deployment_lost_fails_the_video(world: World, video: Video):
    lost = world.api.fails["retrieve"] = UpstreamNotFound("HTTP 404: no such job")
    for attempt in range(PATIENCE):  # one stray 404 costs no paid video
        assert (await check(world, video, a_step(Step.CHECK, video, trouble=lost, attempt=attempt))).again
    with pytest.raises(VideoFailed) as failed:
        await check(world, video, a_step(Step.CHECK, video, trouble=lost, attempt=PATIENCE))
    assert failed.value.failure.code == FailureCode.RENDER_LOST


async def test_a_job_that_does_not_end_fails_the_video(world: World, video: Video):
    world.clock.advance(3599)
    assert (await check(world, video)).again
    world.clock.advance(1)
    assert await failure_of(world, video) == FailureCode.RENDER_TIMEOUT


async def test_a_job_that_ended_in_time_is_taken_however_late_it_is_seen(world: World, video: Video):
    world.clock.advance(100_000)
    world.api.change("job-1", status=RenderStatus.SUCCEEDED)
    assert await check(world, video) == StepResult.done()


@pytest.mark.parametrize(
    ("error", "delay_s"),
    [
        (UpstreamUnavailable("HTTP 500"), 4),
        (UpstreamOverloaded("HTTP 429", retry_after_s=9), 9),
        (UpstreamUnauthorized("HTTP 401"), 4),
    ],
)
async def test_a_deployment_that_cannot_tell_is_asked_again_until_the_deadline(
    world: World, video: Video, error: UpstreamError, delay_s: float
):
    world.api.fails["retrieve"] = error
    request = a_step(Step.CHECK, video, trouble=error, attempt=2)
    assert await check(world, video, request) == StepResult.retry(delay_s, error)
    world.clock.advance(3600)
    assert await failure_of(world, video) == FailureCode.RENDER_TIMEOUT


async def test_another_trouble_is_met_with_a_short_wait_again(world: World, video: Video):
    world.api.fails["retrieve"] = UpstreamUnavailable("HTTP 500")
    request = a_step(Step.CHECK, video, trouble=UpstreamOverloaded("HTTP 429"), attempt=5)
    assert (await check(world, video, request)).delay_s == 1


async def test_a_deployment_that_could_tell_many_times_is_soon_asked_again_when_it_once_cannot(
    world: World, video: Video
):
    request = a_step(Step.CHECK, video)
    for _ in range(20):
        following = request.after(await check(world, video, request))
        assert following
        request = following
    world.api.fails["retrieve"] = UpstreamUnavailable("HTTP 500")
    assert (await check(world, video, request)).delay_s == 1


async def test_a_cancelled_video_ends_without_another_question(world: World, video: Video):
    world.videos.add(video.cancelling(world.clock()))
    assert await failure_of(world, video) == FailureCode.CANCELLED
    assert world.api.calls["retrieve"] == 0


async def test_a_deployment_that_is_no_longer_configured_fails_the_video(world: World, video: Video):
    world.catalog = a_catalog(a_deployment(name="west"))
    assert await failure_of(world, video) == FailureCode.DEPLOYMENT_NOT_FOUND
