"""What is made from a video is paid once and whole, from what the deployment holds or from our copy."""

from typing import Any

import pytest

from domain.catalog import Operation
from domain.source import Source
from domain.video import Variant, Video, VideoState
from local.azure_fakes.rendering import Scene
from tests.integration.app.workflow import KEYED, MANAGED, PROMPT, SIZE, Workflow

SENT: dict[Operation, str] = {"remix": "remix", "edit": "edit", "extension": "extend"}
"""What the fakes call the operations."""


@pytest.fixture
async def parent(workflow: Workflow) -> Video:
    """A completed video; what takes as long as twice its length is rendered already, too."""
    await workflow.fakes.world.media.get(Scene.of(SIZE, 8, PROMPT))
    return await workflow.run(await workflow.accept())


async def remake(workflow: Workflow, parent: Video, operation: Operation, *, model: str = MANAGED, **of: Any) -> Video:
    content = (parent.contents or {})[Variant.VIDEO]
    fields = {"video_id": parent.video_id, "deployment": parent.deployment, "upstream_id": parent.upstream_id}
    source = Source.model_validate({"seconds": 4, "content": content, **fields, **of})
    return await workflow.run(await workflow.accept(model=model, operation=operation, source=source))


def jobs_of(workflow: Workflow, video: Video) -> list[tuple[str | None, int]]:
    jobs = [job for job in workflow.fakes.world.jobs if job.id == video.upstream_id]
    return [(job.remixed_from_video_id, job.seconds) for job in jobs]


@pytest.mark.parametrize("effect", [None, "drop_before", "drop_after", "delay", "garbage"])
@pytest.mark.parametrize("operation", SENT)
async def test_it_is_paid_once(workflow: Workflow, parent: Video, operation: Operation, effect: str | None):
    if effect:
        await workflow.faults({"operation": SENT[operation], "effect": effect, "times": 1, "seconds": 1})

    video = await remake(workflow, parent, operation)

    length = 8 if operation == "extension" else 4
    assert (video.state, video.failure) == (VideoState.COMPLETED, None)
    assert jobs_of(workflow, video) == [(parent.upstream_id, length)]
    assert (workflow.creates(), str(video.cost_usd)) == (2, "0.40")


@pytest.mark.parametrize("operation", ["edit", "extension"])
async def test_what_the_deployment_has_dropped_is_sent_along(workflow: Workflow, parent: Video, operation: Operation):
    for job in list(workflow.fakes.world.jobs):
        workflow.fakes.world.jobs.delete(job)

    video = await remake(workflow, parent, operation)

    assert video.state is VideoState.COMPLETED
    assert jobs_of(workflow, video) == [(None, 8 if operation == "extension" else 4)]


async def test_our_copy_goes_to_whoever_can(workflow: Workflow, parent: Video):
    video = await remake(workflow, parent, "edit", model=KEYED, upstream_id=None)

    assert (video.state, video.deployment) == (VideoState.COMPLETED, KEYED)
    assert jobs_of(workflow, video) == [(None, 4)]


async def test_a_remix_of_what_the_deployment_has_dropped_fails(workflow: Workflow, parent: Video):
    for job in list(workflow.fakes.world.jobs):
        workflow.fakes.world.jobs.delete(job)

    video = await remake(workflow, parent, "remix")

    assert video.failure
    assert video.failure.code == "source_expired"


@pytest.mark.parametrize("effect", ["drop_before", "drop_after"])
async def test_whose_job_of_a_file_it_is_nobody_can_tell(workflow: Workflow, parent: Video, effect: str):
    await workflow.faults({"operation": "edit", "effect": effect, "times": 1})

    video = await remake(workflow, parent, "edit", upstream_id=None)

    if effect == "drop_after":
        assert video.failure
        assert (video.failure.code, workflow.creates()) == ("outcome_unknown", 2)
    else:
        assert (video.state, workflow.creates()) == (VideoState.COMPLETED, 2)
