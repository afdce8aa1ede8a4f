"""A character is made at once by a deployment that makes some, and is its tenant's own."""

from typing import Any

import httpx
import pytest

from domain.capacity import fallback_for
from domain.character import Cast
from domain.errors import (
    CheckImpossible,
    OutcomeUnknown,
    UpstreamError,
    UpstreamOverloaded,
    UpstreamRejected,
    UpstreamUnavailable,
)
from domain.finding import Finding
from domain.slot import Demand
from tests.unit.examples import NOW, a_deployment, a_model_catalog, an_mp4
from tests.unit.fakes import FakeVideosApi
from tests.unit.front_door.world import OTHER_KEY, World, error_of
from tests.unit.guards import Watchman, guarded_by

MAKER = {"operations": ["create", "character"]}
PLAIN, EAST, WEST = a_deployment(name="plain"), a_deployment(**MAKER), a_deployment(name="west", **MAKER)
MP4_FILE = ("fox.mp4", an_mp4(), "video/mp4")


@pytest.fixture
def api(world: World) -> FakeVideosApi:
    api = FakeVideosApi(world.clock)
    catalog = a_model_catalog(**{"sora-2": [PLAIN], "sora-2-pro": [EAST], "other": [WEST]})
    world.change(api=api.as_api(), catalog=catalog)
    return api


async def make(world: World, file: Any = MP4_FILE, **fields: str) -> httpx.Response:
    return await world.ask("POST", "/v1/videos/characters", data={"name": "fox", **fields}, files={"video": file})


@pytest.mark.parametrize(("fields", "deployment"), [({}, "east"), ({"model": "other"}, "west")])
async def test_it_is_made_by_the_first_that_can_or_the_model_named(
    world: World, api: FakeVideosApi, fields: dict[str, str], deployment: str
):
    made = await make(world, **fields)
    assert made.json() == {"id": f"char-of-fox-at-{deployment}", "created_at": int(NOW.timestamp()), "name": "fox"}
    (kept,) = world.characters.records.values()
    assert kept.deployment == deployment


async def test_only_its_tenant_sees_it(world: World, api: FakeVideosApi):
    made = (await make(world)).json()
    path = f"/v1/videos/characters/{made['id']}"
    assert (await world.ask("GET", path)).json() == made
    for unknown in (await world.ask("GET", path, key=OTHER_KEY), await world.ask("GET", "/v1/videos/characters/x")):
        assert (unknown.status_code, error_of(unknown)["code"]) == (404, "character_not_found")


@pytest.mark.parametrize("trouble", [UpstreamOverloaded("busy"), UpstreamUnavailable("down")])
async def test_who_certainly_made_none_leaves_it_to_the_next(world: World, api: FakeVideosApi, trouble: UpstreamError):
    api.fails["create_character at east"] = trouble
    assert (await make(world)).json()["id"] == "char-of-fox-at-west"
    api.fails["create_character at west"] = trouble
    refused = await make(world)
    assert (refused.status_code, error_of(refused)["code"]) == (503, "busy")


async def test_who_may_have_made_one_is_the_last_to_be_asked(world: World, api: FakeVideosApi):
    api.fails["create_character at east"] = OutcomeUnknown("broke off")
    unclear = await make(world)
    assert (unclear.status_code, error_of(unclear)["code"]) == (502, "outcome_unknown")
    assert unclear.headers["x-should-retry"] == "false"
    assert api.calls["create_character at west"] == 0


async def test_a_refusal_is_passed_on(world: World, api: FakeVideosApi):
    api.fails["create_character at east"] = UpstreamRejected("HTTP 400: No face.", code="no_face")
    refused = await make(world)
    assert (refused.status_code, error_of(refused)["code"]) == (400, "no_face")


@pytest.mark.parametrize(
    ("fields", "file", "told"),
    [
        ({"name": " "}, MP4_FILE, ("name", "invalid_value")),
        ({"name": "x" * 81}, MP4_FILE, ("name", "invalid_value")),
        ({}, ("x.mp4", b"no video"), ("video", "invalid_video")),
        ({}, (None, "no file"), ("video", "invalid_value")),
        ({"model": "sora-2"}, MP4_FILE, ("model", "operation_not_offered")),
        ({"model": "veo"}, MP4_FILE, ("model", "model_not_found")),
    ],
)
async def test_what_cannot_be_a_character_is_refused(
    world: World, api: FakeVideosApi, fields: dict[str, str], file: Any, told: tuple[str, str]
):
    refused = await make(world, file, **fields)
    assert (refused.status_code, error_of(refused)["param"], error_of(refused)["code"]) == (400, *told)
    assert not api.calls


async def test_a_name_that_must_not_be_is_refused_before_anybody_is_asked(world: World, api: FakeVideosApi):
    world.change(guardrails=guarded_by(watchman := Watchman(Finding("hate", 4, "name"))))
    refused = await make(world)
    assert (refused.status_code, error_of(refused)["code"]) == (400, "content_policy_violation")
    assert (error_of(refused)["param"], api.calls, world.characters.records) == ("name", {}, {})
    (subject,) = watchman.seen
    assert (subject.prompt, await subject.pictures()) == ("fox", [])
    document = await subject.document()
    told = {"operation": "character", "model": "sora-2-pro", "prompt": "fox", "seconds": 4, "size": "1280x720"}
    assert document.items() >= told.items()
    watchman.finds = CheckImpossible("it is down")
    assert (await make(world)).status_code == 503
    watchman.finds = None
    assert (await make(world)).status_code == 200


async def show(world: World, **fields: Any) -> httpx.Response:
    return await world.ask("POST", "/v1/videos", json={"prompt": "The fox runs.", **fields})


async def test_a_video_is_rendered_where_its_characters_are_whoever_else_could(world: World, api: FakeVideosApi):
    world.change(catalog=a_model_catalog(**{"sora-2": [PLAIN, WEST, EAST]}))
    fox, owl = [(await make(world, name=name)).json() for name in ("fox", "owl")]
    shown = await show(world, characters=[{"id": fox["id"]}, {"id": owl["id"]}])
    assert shown.status_code == 200, shown.text
    (video,) = world.videos.records.values()
    assert video.cast == Cast(deployment="west", character_ids=(fox["id"], owl["id"]))
    assert Demand.of(video).pinned_to == "west"


async def test_a_video_without_a_model_is_of_that_of_its_characters(world: World, api: FakeVideosApi):
    made = (await make(world, model="other")).json()
    assert (await show(world, characters=[{"id": made["id"]}])).json()["model"] == "other"


@pytest.mark.parametrize("name", ["characters[][id]", "characters[0][id]"])
async def test_a_form_may_name_characters(world: World, api: FakeVideosApi, name: str):
    made = (await make(world)).json()
    form = {"prompt": (None, "The fox runs."), name: (None, made["id"])}
    assert (await world.ask("POST", "/v1/videos", files=form)).json()["model"] == "sora-2-pro"


async def test_characters_that_cannot_be_shown_are_refused_with_what_to_do(world: World, api: FakeVideosApi):
    east, west = [(await make(world, model=model)).json()["id"] for model in ("sora-2-pro", "other")]
    strange = await world.ask("POST", "/v1/videos", key=OTHER_KEY, json={"prompt": "x", "characters": [{"id": east}]})
    refusals = {
        "There is no character": strange,
        "Make it with POST /videos/characters": await show(world, characters=[{"id": "char_none"}]),
        "'fox' at east, 'fox' at west": await show(world, characters=[{"id": east}, {"id": west}]),
        "Ask for 'other'": await show(world, model="sora-2", characters=[{"id": west}]),
        "at most 8": await show(world, characters="fox"),
    }
    for told, refused in refusals.items():
        assert (refused.status_code, error_of(refused)["param"]) == (400, "characters")
        assert told in error_of(refused)["message"]
    world.change(catalog=a_model_catalog(**{"sora-2": [PLAIN]}))
    assert "Make them anew" in error_of(await show(world, characters=[{"id": east}]))["message"]
    assert world.videos.records == {}


async def test_a_fallback_model_may_have_the_characters(world: World, api: FakeVideosApi):
    made = (await make(world)).json()
    models = {"sora-2": [PLAIN], "sora-2-pro": [EAST]}
    world.change(catalog=a_model_catalog(fallbacks={"sora-2": ["sora-2-pro"]}, **models))
    assert (await show(world, model="sora-2", characters=[{"id": made["id"]}])).json()["model"] == "sora-2"
    (video,) = world.videos.records.values()
    fallback = fallback_for(Demand.of(video), world.services.catalog, after="sora-2", today=NOW.date())
    assert fallback
    assert fallback.model == "sora-2-pro"
