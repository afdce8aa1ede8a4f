"""What a guardrail refuses leaves nothing behind, whoever asks."""

from typing import Any

import httpx
import pytest

from domain.errors import CheckImpossible
from domain.finding import Finding
from domain.video import VideoState
from tests.unit.examples import NOW, a_catalog, a_deployment, a_video, an_image
from tests.unit.front_door.world import World, error_of
from tests.unit.guards import Watchman, guarded_by

PROMPT = "A fox runs through the s3cret garden."
HATE = Finding("hate", 4)
DOWN = CheckImpossible("it is down")


def guard(world: World, finds: Finding | CheckImpossible | None) -> Watchman:
    watchman = Watchman(finds)
    world.change(guardrails=guarded_by(watchman))
    return watchman


async def create(world: World, key: str = "once", **how: Any) -> httpx.Response:
    headers = {"idempotency-key": key}
    fields = {"prompt": PROMPT, "size": "1280x720"}
    return await world.ask("POST", "/v1/videos", headers=headers, **(how or {"json": fields}))


async def test_a_refusal_says_why_without_the_prompt_and_keeps_nothing(world: World) -> None:
    guard(world, HATE)
    response = await create(world)
    assert response.status_code == 400
    assert error_of(response) == {
        "message": "The prompt is against the content policy: category 'hate', severity 4.",
        "type": "invalid_request_error",
        "param": "prompt",
        "code": "content_policy_violation",
    }
    assert {*world.videos.records, *world.videos.alarms, *world.videos.promises} == set()


async def test_a_refused_image_is_not_stored(world: World) -> None:
    watchman = guard(world, Finding("sexual", 6, "input_reference"))
    form = {"data": {"prompt": PROMPT, "size": "1280x720"}, "files": {"input_reference": ("i.png", an_image())}}
    response = await create(world, **form)
    assert error_of(response)["param"] == "input_reference"
    assert world.inputs.blobs == {}
    (subject,) = watchman.seen
    assert await subject.pictures() == [an_image()]


async def test_nothing_is_accepted_unchecked(world: World) -> None:
    guard(world, DOWN)
    response = await create(world)
    assert (response.status_code, error_of(response)["code"]) == (503, "guardrail_unavailable")
    assert response.headers["retry-after"] == "10"
    assert not world.videos.records


@pytest.mark.parametrize("finds", [HATE, DOWN])
async def test_what_was_accepted_before_is_not_refused_afterwards(
    world: World, finds: Finding | CheckImpossible
) -> None:
    accepted = await create(world)
    guard(world, finds)
    assert (await create(world)).json()["id"] == accepted.json()["id"]
    assert (await create(world, key="another")).status_code in {400, 503}


async def test_a_request_that_is_refused_for_other_reasons_is_not_looked_at(world: World) -> None:
    watchman = guard(world, None)
    assert (await world.ask("POST", "/v1/videos", json={"prompt": PROMPT, "size": "1x1"})).status_code == 400
    assert watchman.seen == []


async def test_the_prompt_of_a_remake_is_looked_at_as_well(world: World) -> None:
    world.change(catalog=a_catalog(a_deployment(operations=["create", "remix"])))
    fields = {"deployment": "east", "upstream_id": "job-1", "rendered_at": NOW}
    parent = await world.completed(a_video(**fields), b"rendered")
    guard(world, HATE)
    response = await world.ask("POST", f"/v1/videos/{parent.video_id}/remix", json={"prompt": PROMPT})
    assert error_of(response)["code"] == "content_policy_violation"
    assert world.videos.records.keys() == {parent.ref}


@pytest.mark.parametrize(("state", "told"), [("copying", False), ("failed", False), ("completed", True)])
async def test_nobody_is_told_where_a_video_is_that_must_not_be_seen_yet(
    world: World, state: str, *, told: bool
) -> None:
    video = await world.completed(a_video(), b"rendered")
    world.videos.add(video.model_copy(update={"state": VideoState(state)}))
    answer = (await world.ask("GET", f"/v1/videos/{video.video_id}")).json()
    assert (answer["reelay"]["blob_url"] is not None) is told
