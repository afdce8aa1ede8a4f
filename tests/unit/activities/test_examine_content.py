"""Nothing is shown that a guardrail refuses, and nothing of it is kept."""

from dataclasses import replace

import pytest

from activities.copy_content import copy_content
from activities.end_video import end_video
from activities.examine_content import ATTEMPTS
from clients.guardrails.chain import Guard
from domain.errors import CheckImpossible, GuardrailUnavailable, UpstreamUnavailable
from domain.failures import Failure, FailureCode, VideoFailed
from domain.finding import Finding
from domain.guardrails import Stage
from domain.media import content_blob
from domain.render_job import RenderStatus
from domain.video import Variant, Video, VideoState
from domain.workflow import Step, StepResult
from tests.unit.activities.world import World, a_step, run_step
from tests.unit.examples import JPEG, NOW, PRICE, WEBP, a_video
from tests.unit.guards import Watchman, guarded_by

VIOLENCE = Finding("violence", 6, "video")
MESSAGE = "The video is against the content policy: category 'violence', severity 6."
REFUSED = Failure(code=FailureCode.CONTENT_POLICY_VIOLATION, message=MESSAGE)
IMPOSSIBLE = CheckImpossible("it is down")


@pytest.fixture
def video(world: World) -> Video:
    """A video whose job has just succeeded."""
    submitting = a_video().submitting("east", NOW, usd_per_second=PRICE)
    job = world.api.add_job(submitting, status=RenderStatus.SUCCEEDED)
    return world.videos.add(submitting.in_progress(job.upstream_id, NOW).copying(NOW, rendered_s=4))


def guard(world: World, watchman: Watchman) -> None:
    world.guardrails = guarded_by(watchman, contents=world.contents)


async def test_a_video_is_completed_once_it_was_looked_at(world: World, video: Video) -> None:
    guard(world, watchman := Watchman())
    assert await copy_content(a_step(Step.COPY, video), world.services()) == StepResult.end()
    assert world.record(video).state is VideoState.COMPLETED
    (subject,) = watchman.seen
    assert await subject.pictures() == [WEBP, JPEG]


async def test_a_refused_video_fails_before_anybody_sees_it(world: World, video: Video) -> None:
    guard(world, Watchman(VIOLENCE))
    with pytest.raises(VideoFailed) as failed:
        await copy_content(a_step(Step.COPY, video), world.services())
    assert failed.value.failure == REFUSED
    assert world.record(video).state is VideoState.COPYING


async def test_nothing_of_a_refused_video_is_kept_here_or_at_the_deployment(world: World, video: Video) -> None:
    guard(world, Watchman(VIOLENCE))
    await run_step(copy_content, a_step(Step.COPY, video), world)
    ended = a_step(Step.END, video, failure=REFUSED)
    assert await end_video(ended, world.services()) == StepResult.done()
    kept = world.record(video)
    assert (kept.state, kept.failure, kept.content_removed_at) == (VideoState.FAILED, REFUSED, NOW)
    assert world.contents.blobs == {}
    assert ("east", video.upstream_id) not in world.api.jobs
    assert await end_video(ended, world.services()) == StepResult.done()


async def test_whoever_dies_before_all_is_removed_leaves_the_rest_to_the_next_run(world: World, video: Video) -> None:
    guard(world, Watchman(VIOLENCE))
    await run_step(copy_content, a_step(Step.COPY, video), world)
    ended = a_step(Step.END, video, failure=REFUSED)
    world.contents.broken = OSError("killed")
    with pytest.raises(OSError, match="killed"):
        await end_video(ended, world.services())
    assert world.record(video).state is VideoState.FAILED
    world.contents.broken = None
    await end_video(ended, world.services())
    assert world.contents.blobs == {}
    assert world.record(video).content_removed_at


async def test_it_is_not_noted_as_gone_while_the_deployment_has_it(world: World, video: Video) -> None:
    guard(world, Watchman(VIOLENCE))
    await run_step(copy_content, a_step(Step.COPY, video), world)
    world.api.fails["delete"] = UpstreamUnavailable("HTTP 500: down")
    *_, last = await run_step(end_video, a_step(Step.END, video, failure=REFUSED), world)
    assert last == StepResult.done()
    assert world.contents.blobs == {}
    assert world.record(video).content_removed_at is None


async def test_a_failure_of_another_kind_removes_nothing(world: World, video: Video) -> None:
    await world.contents.put(content_blob(video.ref, Variant.VIDEO), b"", "video/mp4")
    failure = Failure(code=FailureCode.CONTENT_INVALID, message="No.")
    await end_video(a_step(Step.END, video, failure=failure), world.services())
    assert world.contents.blobs
    assert ("east", video.upstream_id) in world.api.jobs


async def test_a_check_that_cannot_be_made_is_made_later_and_nothing_is_copied_again(
    world: World, video: Video
) -> None:
    guard(world, watchman := Watchman(IMPOSSIBLE))
    assert await copy_content(a_step(Step.COPY, video), world.services()) == StepResult(
        again=True, delay_s=5, trouble="GuardrailUnavailable"
    )
    assert world.record(video).state is VideoState.COPYING
    watchman.finds = None
    assert await copy_content(a_step(Step.COPY, video), world.services()) == StepResult.end()
    assert len(world.contents.writes) == len(Variant)


@pytest.mark.parametrize("trouble", [IMPOSSIBLE, RecursionError()])
async def test_after_an_hour_it_is_given_up_and_our_copy_is_not_kept(
    world: World, video: Video, trouble: Exception
) -> None:
    guard(world, Watchman(trouble))
    answers = await run_step(copy_content, a_step(Step.COPY, video), world)
    failure = answers[-1].failure
    assert failure
    assert (failure.code, len(answers)) == (FailureCode.GUARDRAIL_UNAVAILABLE, ATTEMPTS)
    assert 3_600 <= sum(answer.delay_s for answer in answers) <= 7_200
    await end_video(a_step(Step.END, video, failure=failure), world.services())
    assert world.contents.blobs == {}
    assert ("east", video.upstream_id) in world.api.jobs


async def test_a_video_without_stills_cannot_be_looked_at(world: World, video: Video) -> None:
    guard(world, watchman := Watchman())
    del world.api.contents[Variant.THUMBNAIL], world.api.contents[Variant.SPRITESHEET]
    await copy_content(a_step(Step.COPY, video), world.services())
    (subject,) = watchman.seen
    with pytest.raises(CheckImpossible, match="neither a thumbnail nor a spritesheet"):
        await subject.pictures()


async def test_the_trouble_is_counted_by_its_kind(world: World, video: Video) -> None:
    guard(world, Watchman(IMPOSSIBLE))
    trouble = GuardrailUnavailable("", retry_after_s=1)
    step = a_step(Step.COPY, video, trouble=trouble, attempt=3)
    assert (await copy_content(step, world.services())).delay_s == 40


async def test_nobody_else_waits_for_its_copy_while_a_video_is_looked_at(world: World, video: Video) -> None:
    services = world.services()
    held = list[bool]()

    async def look(_: object) -> None:
        held.append(services.copies.locked())

    guardrails = guarded_by(Guard("look", look, frozenset({Stage.VIDEO})))
    await copy_content(a_step(Step.COPY, video), replace(services, guardrails=guardrails))
    assert held == [False]
