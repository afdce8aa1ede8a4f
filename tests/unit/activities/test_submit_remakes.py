"""A remix, an edit or an extension is asked for once, from what the deployment holds or from our copy."""

from datetime import timedelta
from typing import Any

import pytest

from activities.run import run_activity
from activities.submit_render_job import submit_render_job
from clients.multipart import InputStream
from domain.character import Cast
from domain.errors import OutcomeUnknown, UpstreamNotFound
from domain.failures import FailureCode
from domain.submission import ANSWER_LIMIT_S, LOOK_AGAIN_S, SETTLE_S, UPLOAD_BYTES_PER_S
from domain.video import Video, VideoState
from domain.workflow import Step, StepResult
from tests.unit.activities.world import World, a_step
from tests.unit.examples import MP4, PRICE, a_source, a_stored_content, a_video

COPY = a_stored_content(blob="acme/parent/video.mp4", size_bytes=len(MP4))
EXPIRED = UpstreamNotFound("HTTP 404: Video 'job-99' not found.")


def a_remake(operation: str = "edit", **source: Any) -> Video:
    return a_video(operation=operation, source=a_source(**{"content": COPY, **source}))


@pytest.fixture
def world(world: World) -> World:
    world.contents.blobs[COPY.blob] = MP4
    return world


async def submit(world: World, video: Video) -> StepResult:
    return await submit_render_job(a_step(Step.SUBMIT, video), world.services())


async def failure_of(world: World, video: Video) -> str:
    answer = await run_activity(submit_render_job, a_step(Step.SUBMIT, video).model_dump(mode="json"), world.services())
    return answer["failure"]["code"]


async def sent_file(world: World) -> bytes:
    file = world.api.input_files[-1]
    assert isinstance(file, InputStream)
    content = b"".join([chunk async for chunk in file.chunks()])
    assert len(content) == file.size_bytes
    return content


@pytest.mark.parametrize("operation", ["remix", "edit", "extension"])
async def test_what_the_deployment_holds_is_not_sent_along(world: World, operation: str):
    video = world.videos.add(a_remake(operation))
    assert not (await submit(world, video)).again
    assert world.api.input_files == [None]
    assert world.record(video).state is VideoState.IN_PROGRESS


async def test_a_character_that_is_gone_fails_its_video_and_troubles_no_other(world: World):
    video = world.videos.add(a_video(cast=Cast(deployment="east", character_ids=("char_1",))))
    world.api.create_fails = [UpstreamNotFound("HTTP 404: Character with id 'char_1' not found.")]
    assert await failure_of(world, video) == FailureCode.REJECTED


async def test_our_copy_is_sent_where_the_deployment_holds_nothing(world: World):
    await submit(world, world.videos.add(a_remake(upstream_id=None)))
    assert await sent_file(world) == MP4


async def test_an_uploaded_video_is_sent_from_its_claim_check(world: World):
    world.inputs.blobs["upload"] = MP4
    upload = COPY.model_copy(update={"blob": "upload"})
    await submit(world, world.videos.add(a_remake(video_id=None, upstream_id=None, content=upload)))
    assert await sent_file(world) == MP4


async def test_when_the_deployment_has_dropped_it_our_copy_is_sent_in_the_same_slot(world: World):
    video = world.videos.add(a_remake())
    world.api.create_fails = [EXPIRED]
    assert await submit(world, video) == StepResult.retry(LOOK_AGAIN_S)
    assert world.record(video).state is VideoState.QUEUED
    assert not (await submit(world, video)).again
    assert await sent_file(world) == MP4
    assert world.api.creations == 1


async def test_a_remix_of_what_the_deployment_has_dropped_fails(world: World):
    world.api.create_fails = [EXPIRED]
    assert await failure_of(world, world.videos.add(a_remake("remix"))) == FailureCode.SOURCE_EXPIRED


@pytest.mark.parametrize("content", [COPY, None])
async def test_a_copy_that_is_gone_fails_before_anything_is_asked(world: World, content: object):
    world.contents.blobs.clear()
    video = world.videos.add(a_remake(upstream_id=None, content=content))
    assert await failure_of(world, video) == FailureCode.INPUT_MISSING
    assert world.api.calls["create"] == 0


@pytest.mark.parametrize("operation", ["remix", "edit", "extension"])
async def test_an_unanswered_creation_is_found_and_adopted(world: World, operation: str):
    video = world.videos.add(a_remake(operation))
    world.api.create_fails = [OutcomeUnknown("broke off")]
    assert (await submit(world, video)).again
    world.api.add_job(a_video())  # somebody else's, created from nothing
    world.api.add_job(a_remake(upstream_id="job-98"))
    await submit(world, video)
    assert (world.record(video).upstream_id, world.api.calls["create"]) == ("job-1", 1)


async def test_whose_job_of_a_file_it_is_nobody_can_tell(world: World):
    video = world.videos.add(a_remake(upstream_id=None))
    world.api.create_fails = [OutcomeUnknown("broke off")]
    await submit(world, video)
    assert await failure_of(world, video) == FailureCode.OUTCOME_UNKNOWN


async def test_a_large_file_has_the_time_it_takes(world: World):
    source = a_source(upstream_id=None, content=COPY.model_copy(update={"size_bytes": 60 * UPLOAD_BYTES_PER_S}))
    video = a_video(operation="edit", source=source).submitting("east", world.clock(), usd_per_second=PRICE)
    world.videos.add(video)
    world.clock.advance(ANSWER_LIMIT_S + SETTLE_S + 50)
    assert (await submit(world, video)).again
    world.clock.now += timedelta(seconds=10)
    assert (await submit(world, video)).refused
