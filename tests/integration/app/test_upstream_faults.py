"""Whatever a deployment does, a video is completed for the price of one render, or fails and says why."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from domain.media import content_blob
from domain.video import Variant, Video, VideoState
from domain.workflow import Step
from tests.integration.app.workflow import KEYED, MANAGED, RENDER_TIME_S, TIDY, Workflow

FOR_EVER = 10_000
CONTENT_FILTER_PROMPT, MODERATED_PROMPT = "content_filter", "moderation_blocked"


def fault(operation: str, effect: str, times: int = 1, **more: Any) -> dict[str, Any]:
    return {"operation": operation, "effect": effect, "times": times, **more}


def status(operation: str, code: int, times: int = 1, **more: Any) -> dict[str, Any]:
    return fault(operation, "status", times, status=code, **more)


async def assert_is_whole(video: Video, workflow: Workflow) -> None:
    """The blob holds what the deployment rendered, byte by byte, and the record says so."""
    assert (video.state, video.failure) == (VideoState.COMPLETED, None)
    (job,) = [job for job in workflow.fakes.world.jobs if job.id == video.upstream_id]
    media = await workflow.fakes.world.media_of(job)
    rendered = media.mp4.file(job.id, job.content_bytes)
    stored = (video.contents or {})[Variant.VIDEO]
    assert (stored.sha256, stored.size_bytes) == (rendered.sha256(), rendered.size)
    blob = await workflow.services.contents.read(content_blob(video.ref, Variant.VIDEO))
    assert len(blob) == rendered.size
    assert set(video.contents or {}) == set(Variant)


@pytest.mark.parametrize("model", [MANAGED, KEYED, TIDY])
async def test_without_faults(workflow: Workflow, model: str):
    video = await workflow.run(await workflow.accept(model=model))

    await assert_is_whole(video, workflow)
    assert str(video.cost_usd) == "0.40"


SURVIVED = {
    "create 401": [status("create", 401, 3)],
    "create 403": [status("create", 403, 3)],
    "create 404": [status("create", 404, 3)],
    "create 408": [status("create", 408)],
    "create 429": [status("create", 429, 5)],
    "create 500": [status("create", 500)],
    "create 503": [status("create", 503, 2)],
    "create upload timed out": [status("create", 400, body={"error": {"message": "The upload timed out."}})],
    "create dropped before": [fault("create", "drop_before", 2)],
    "create dropped after": [fault("create", "drop_after")],
    "create dropped after, list fails": [fault("create", "drop_after"), status("list", 500, 3)],
    "create dropped after, list says 404": [fault("create", "drop_after"), status("list", 404, 3)],
    "create 500 after the effect": [fault("create", "status_after", status=500)],
    "create answered too late": [fault("create", "delay", seconds=1)],
    "create answered with noise": [fault("create", "garbage")],
    "create answer cut off": [fault("create", "truncate")],
    "no token": [status("token", 400, 2)],
    "status 401": [status("retrieve", 401, 3)],
    "status 403": [status("retrieve", 403, 3)],
    "status 429": [status("retrieve", 429, 3)],
    "status 500": [status("retrieve", 500, 3)],
    "status dropped": [fault("retrieve", "drop_before", 2)],
    "status noise": [fault("retrieve", "garbage", 2)],
    "status too late": [fault("retrieve", "delay", seconds=1)],
    "content 401": [status("content", 401, 3)],
    "content 403": [status("content", 403, 3)],
    "content 429": [status("content", 429, 3)],
    "content 500": [status("content", 500, 3)],
    "content dropped": [fault("content", "drop_before", 3)],
    "content cut off": [fault("content", "truncate", 5)],
    "content noise": [fault("content", "garbage", 5)],
    "content slow": [fault("content", "trickle", seconds=0.5)],
    "all at once": [
        fault("create", "drop_after"),
        status("list", 503),
        fault("retrieve", "drop_before"),
        fault("content", "truncate"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("faults", SURVIVED.values(), ids=SURVIVED)
async def test_fault_that_passes_costs_time_only(workflow: Workflow, faults: list[dict[str, Any]]):
    await workflow.faults(*faults)

    video = await workflow.run(await workflow.accept())

    await assert_is_whole(video, workflow)
    assert workflow.creates() == 1
    assert list(workflow.fakes.world.faults) == []


FATAL = {
    "create 400": ([status("create", 400, body={"error": {"message": "No."}})], "upstream_rejected"),
    "create 400 with a code": (
        [status("create", 400, body={"error": {"message": "No.", "code": "bad_prompt"}})],
        "bad_prompt",
    ),
    "create 401": ([status("create", 401, FOR_EVER)], "upstream_unauthorized"),
    "create 403": ([status("create", 403, FOR_EVER)], "upstream_unauthorized"),
    "create 404": ([status("create", 404, FOR_EVER)], "deployment_not_found"),
    "create 429": ([status("create", 429, FOR_EVER)], "no_capacity"),
    "create without an answer or a list": (
        [fault("create", "drop_before"), status("list", 404, FOR_EVER)],
        "outcome_unknown",
    ),
    "create without an answer at a server without a list": (
        [fault("create", "drop_before"), status("list", 501)],
        "outcome_unknown",
    ),
    "no token": ([status("token", 400, FOR_EVER)], "upstream_unauthorized"),
    "job failed": ([fault("create", "fail_job", body={"code": "gpu_on_fire", "message": "Oh."})], "gpu_on_fire"),
    "job moderated": ([fault("create", "moderate")], "moderation_blocked"),
    "job moderated later": ([fault("retrieve", "moderate")], "moderation_blocked"),
    "status 404": ([status("retrieve", 404, FOR_EVER)], "render_lost"),
    "status 500": ([status("retrieve", 500, FOR_EVER)], "render_timeout"),
    "content 404": ([status("content", 404, FOR_EVER)], "content_expired"),
    "content expired": ([fault("content", "expire")], "content_expired"),
    "content 500": ([status("content", 500, FOR_EVER)], "content_expired"),
    "content cut off": ([fault("content", "truncate", FOR_EVER)], "content_expired"),
    "content noise": ([fault("content", "garbage", FOR_EVER)], "content_invalid"),
}


@pytest.mark.parametrize(("faults", "code"), FATAL.values(), ids=FATAL)
async def test_fault_that_stays_is_named(workflow: Workflow, faults: list[dict[str, Any]], code: str):
    await workflow.faults(*faults)

    video = await workflow.run(await workflow.accept())

    assert video.failure is not None
    assert (video.state, video.failure.code) == (VideoState.FAILED, code)
    assert video.failure.message
    assert video.cost_usd == (Decimal("0.40") if video.rendered_at else None)
    assert workflow.creates() <= 1


@pytest.mark.parametrize(
    ("prompt", "why"),
    [(CONTENT_FILTER_PROMPT, "(category 'violence', severity high)"), (MODERATED_PROMPT, "blocked by our moderation")],
)
async def test_refused_prompt_is_never_tried_again(workflow: Workflow, prompt: str, why: str):
    video = await workflow.run(await workflow.accept(prompt=prompt))

    assert video.failure is not None
    assert video.failure.code == "moderation_blocked"
    assert why in video.failure.message
    assert workflow.fakes.world.counters["create"] <= 1
    assert workflow.fakes.world.requests["create"] == 1


async def test_render_without_end_is_given_up(workflow: Workflow):
    workflow.fakes.world.change_settings({"render_time_s": 1e6})

    video = await workflow.run(await workflow.accept())

    assert video.failure is not None
    assert video.failure.code == "render_timeout"


@pytest.mark.parametrize(
    ("headers", "wish_s"),
    [
        ({"retry-after-ms": "12500"}, 12.5),
        ({"retry-after": "40"}, 40),
        ({"retry-after-ms": "9000", "retry-after": "1"}, 9),
    ],
)
@pytest.mark.parametrize(
    ("operation", "step"), [("create", Step.ACQUIRE), ("retrieve", Step.CHECK), ("content", Step.COPY)]
)
async def test_deployment_that_wishes_to_be_left_alone_is(
    workflow: Workflow, operation: str, step: Step, headers: dict[str, str], wish_s: float
):
    await workflow.faults(status(operation, 429, 2, headers=headers))

    await assert_is_whole(await workflow.run(await workflow.accept()), workflow)

    assert [wait_s for wait_s in workflow.waited_after(step) if wait_s][:2] == pytest.approx([wish_s, wish_s], abs=0.5)


async def test_full_deployment_is_waited_for(workflow: Workflow):
    workflow.fakes.world.change_settings({"max_running": 1, "render_time_s": RENDER_TIME_S / 4})

    ended = await asyncio.gather(*[workflow.run(await workflow.accept()) for _ in range(3)])

    assert [(video.state, video.failure) for video in ended] == [(VideoState.COMPLETED, None)] * 3
    assert workflow.creates() == 3
    assert workflow.fakes.world.jobs.most_running() == {MANAGED: 1}


@pytest.mark.parametrize("apart_s", [0, 5])
async def test_same_prompts_whose_creations_break_off_each_find_their_own_job(workflow: Workflow, apart_s: float):
    """Nothing tells their jobs apart but their times."""
    await workflow.faults(fault("create", "drop_after", 6))
    runs = list[Any]()
    for _ in range(6):
        runs.append(workflow.steps(await workflow.accept()))
        assert [await anext(runs[-1]), await anext(runs[-1])] == [Step.ACQUIRE, Step.SUBMIT]
        workflow.fakes.world.clock.offset_s += apart_s

    async def finish(run: Any) -> None:
        async for _ in run:
            pass

    await asyncio.gather(*(finish(run) for run in runs))

    page = await workflow.services.videos.page("ann", after=None, limit=10)
    assert [video.state for video in page.videos] == [VideoState.COMPLETED] * 6
    assert workflow.creates() == 6
    assert len({video.upstream_id for video in page.videos}) == 6


@pytest.mark.parametrize("after", [Step.SUBMIT, Step.CHECK])
async def test_key_may_be_rotated_while_a_job_runs(workflow: Workflow, after: Step):
    video = await workflow.accept(model=KEYED)
    rotated = False

    async for step in workflow.steps(video):
        if step is after and not rotated:
            workflow.fakes.world.change_settings({"api_keys": {KEYED: "new key"}, "secrets": {"pro-key": "new key"}})
            rotated = True

    await assert_is_whole(await workflow.services.videos.get(video.ref), workflow)
    assert rotated
    assert workflow.creates() == 1


async def test_every_running_job_survives_a_rotation_without_losing_a_check(workflow: Workflow):
    await workflow.run(await workflow.accept(model=KEYED))  # the key has been read
    runs = [workflow.steps(await workflow.accept(model=KEYED)) for _ in range(3)]
    assert [[await anext(run), await anext(run)] for run in runs] == [[Step.ACQUIRE, Step.SUBMIT]] * 3
    reads = workflow.fakes.world.requests["secret"]
    workflow.fakes.world.change_settings({"api_keys": {KEYED: "new key"}, "secrets": {"pro-key": "new key"}})

    for run in runs:
        async for _ in run:
            pass

    page = await workflow.services.videos.page("ann", after=None, limit=10)
    assert [video.state for video in page.videos] == [VideoState.COMPLETED] * 4
    assert workflow.creates() == 4
    assert workflow.fakes.world.requests["secret"] == reads + 1


@pytest.mark.parametrize("operation", ["create", "retrieve", "content"])
@pytest.mark.parametrize("model", [MANAGED, KEYED])
async def test_one_refused_credential_costs_no_time(workflow: Workflow, operation: str, model: str):
    await workflow.faults(status(operation, 401))

    await assert_is_whole(await workflow.run(await workflow.accept(model=model)), workflow)

    assert workflow.creates() == 1
    assert not any(workflow.waited_after(Step.ACQUIRE))


async def test_missing_key_is_the_operators_fault(workflow: Workflow):
    workflow.fakes.world.change_settings({"secrets": {"pro-key": None}})

    video = await workflow.run(await workflow.accept(model=KEYED))

    assert video.failure is not None
    assert video.failure.code == "upstream_unauthorized"
    assert workflow.fakes.world.requests["create"] == 0


@pytest.mark.parametrize("faults", [[], [status("delete", 500, 2)], [fault("delete", "drop_after")]])
async def test_job_is_deleted_once_its_content_is_safe(workflow: Workflow, faults: list[dict[str, Any]]):
    await workflow.faults(*faults)

    await assert_is_whole(await workflow.run(await workflow.accept(model=TIDY)), workflow)

    assert [job.deleted for job in workflow.fakes.world.jobs] == [True]


async def test_job_that_cannot_be_deleted_fails_nobody(workflow: Workflow):
    await workflow.faults(status("delete", 500, FOR_EVER))

    await assert_is_whole(await workflow.run(await workflow.accept(model=TIDY)), workflow)


@pytest.mark.parametrize("faults", [[], [fault("create", "drop_after")], [fault("content", "truncate")]])
async def test_every_step_may_run_twice_at_once(workflow: Workflow, faults: list[dict[str, Any]]):
    await workflow.faults(*faults)

    video = await workflow.run(await workflow.accept(), runs_of_a_step=2)

    await assert_is_whole(video, workflow)
    assert workflow.creates() == 1
