"""The operator makes keys, changes them and gives them up; callers notice within seconds."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from clients.recent_records import FRESH_S
from domain.api_key import digest_of, is_secret
from tests.unit.examples import NOW, a_catalog, a_deployment, a_model_catalog, a_video, an_mp4
from tests.unit.front_door.world import ADMIN_KEY, KEY, World, error_of

PATH = "/v1/admin/keys"
NEW = {"tenant": "umbrella", "name": "research"}
VIDEO = {"json": {"prompt": "a fox"}}
COLUMN_CHARACTERS = 32_768


async def ask(world: World, method: str, path: str = "", **body: Any) -> Any:
    response = await world.ask(method, f"{PATH}{path}", key=ADMIN_KEY, **body)
    assert response.status_code == 200, response.text
    return response.json()


async def made(world: World, **fields: Any) -> dict[str, Any]:
    return await ask(world, "POST", json={**NEW, **fields})


async def refusal(world: World, method: str, path: str = "", **body: Any) -> tuple[int, str | None, str | None]:
    response = await world.ask(method, f"{PATH}{path}", key=ADMIN_KEY, **body)
    error = error_of(response)
    return response.status_code, error["code"], error["param"]


async def answer_to(world: World, secret: str) -> tuple[int, str]:
    """What a caller with a secret is told, once everybody knows of all changes."""
    world.clock.advance(FRESH_S)
    response = await world.ask("GET", "/v1/models", key=secret)
    return response.status_code, "" if response.is_success else error_of(response)["message"]


async def test_a_new_key_opens_the_door_at_once_and_its_secret_is_shown_once(world: World):
    key = await made(world)
    secret = key.pop("secret")
    assert is_secret(secret)
    assert key == {
        "id": key["id"],
        "object": "api_key",
        **NEW,
        "allowance": {"models": None, "operations": None, "max_seconds": None, "sizes": None},
        "limits": {"requests_per_minute": None, "max_in_flight": None, "budget_usd": {}},
        "weight": None,
        "metadata": {},
        "expires_at": None,
        "disabled": False,
        "created_at": "2026-11-21T12:00:00.250000Z",
        "revoked_at": None,
        "secrets": [{"valid_until": None}],
    }
    assert await ask(world, "GET", f"/{key['id']}") == key
    assert (await ask(world, "GET"))["data"] == [key]
    video = (await world.ask("POST", "/v1/videos", key=secret, **VIDEO)).json()
    kept = next(iter(world.videos.records.values()))
    assert (kept.video_id, kept.tenant, kept.key_id) == (video["id"], "umbrella", key["id"])


async def test_no_secret_is_kept(world: World):
    secret = (await made(world))["secret"]
    kept = str(world.operators_table.rows)
    assert digest_of(secret) in kept
    assert secret not in kept


async def test_a_key_is_looked_up_in_one_read_and_then_in_none(world: World):
    secret = (await made(world))["secret"]
    world.operators_table.reads = 0
    for _ in range(3):
        assert (await world.ask("GET", "/v1/models", key=secret)).status_code == 200
    assert world.operators_table.reads == 3, "of the newest change, of the key, and of its tenant"


async def test_a_revoked_key_is_refused_and_stays_on_record(world: World):
    key = await made(world)
    assert (await ask(world, "DELETE", f"/{key['id']}"))["deleted"]
    assert await answer_to(world, key["secret"]) == (401, "The API key was revoked.")
    assert (await ask(world, "GET"))["data"] == []
    (kept,) = (await ask(world, "GET", "?revoked=true"))["data"]
    assert (kept["id"], kept["revoked_at"], kept["secrets"]) == (key["id"], "2026-11-21T12:00:00.250000Z", [])
    assert (await ask(world, "DELETE", f"/{key['id']}"))["deleted"], "once more is no mistake"
    for method, path, body in (("PATCH", "", {"json": {"name": "x"}}), ("POST", "/rotate", {})):
        assert await refusal(world, method, f"/{key['id']}{path}", **body) == (409, "key_revoked", "key_id")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"disabled": True}, "is disabled"),
        ({"expires_at": "2026-11-21T12:00:01Z"}, "expired at 2026-11-21T12:00:01+00:00"),
    ],
)
async def test_a_key_that_is_not_to_be_used_is_refused_until_that_is_taken_back(
    world: World, changes: Mapping[str, Any], why: str
):
    key = await made(world, **changes)
    status, message = await answer_to(world, key["secret"])
    assert status == 401
    assert why in message
    await ask(world, "PATCH", f"/{key['id']}", json=dict.fromkeys(changes))
    assert (await answer_to(world, key["secret"]))[0] == 200


@pytest.mark.parametrize(("body", "overlap_s"), [({}, 86_400), ({"json": {"overlap_s": 60}}, 60)])
async def test_after_a_rotation_both_secrets_are_accepted_for_a_while(
    world: World, body: Mapping[str, Any], overlap_s: int
):
    key = await made(world)
    rotated = await ask(world, "POST", f"/{key['id']}/rotate", **body)
    valid_until = world.clock() + timedelta(seconds=overlap_s)
    assert rotated["id"] == key["id"]
    assert [secret["valid_until"] for secret in rotated["secrets"]] == [
        None,
        valid_until.isoformat().replace("+00:00", "Z"),
    ]
    assert [(await answer_to(world, each["secret"]))[0] for each in (key, rotated)] == [200, 200]
    world.clock.advance(overlap_s)
    assert "rotated" in (await answer_to(world, key["secret"]))[1]
    assert (await answer_to(world, rotated["secret"]))[0] == 200


async def test_without_overlap_the_secret_before_is_refused_at_once_and_forgotten(world: World):
    key = await made(world)
    rotated = await ask(world, "POST", f"/{key['id']}/rotate", json={"overlap_s": 0})
    assert [(await answer_to(world, each["secret"]))[0] for each in (key, rotated)] == [401, 200]
    assert digest_of(key["secret"]) not in str(world.operators_table.rows)


async def test_a_patch_changes_what_it_names_and_null_takes_it_back(world: World):
    limits = {"requests_per_minute": 60, "budget_usd": {"day": "5", "total": "100"}}
    key = await made(world, limits=limits, allowance={"models": ["sora-2"]}, metadata={"team": "a"})
    changed = await ask(
        world,
        "PATCH",
        f"/{key['id']}",
        json={"name": "other", "limits": {"requests_per_minute": None, "budget_usd": {"day": "7.50"}}},
    )
    assert changed["name"] == "other"
    assert changed["limits"] == {
        "requests_per_minute": None,
        "max_in_flight": None,
        "budget_usd": {"day": "7.50", "total": "100"},
    }
    assert (changed["allowance"]["models"], changed["metadata"]) == (["sora-2"], {"team": "a"})
    reset = await ask(world, "PATCH", f"/{key['id']}", json={"allowance": None, "metadata": {"team": None}})
    assert (reset["allowance"]["models"], reset["metadata"]) == (None, {})


async def test_what_a_key_may_not_ask_for_is_forbidden(world: World):
    key = await made(world, allowance={"max_seconds": 4})
    long = {"json": {"prompt": "a fox", "seconds": "8"}}
    response = await world.ask("POST", "/v1/videos", key=key["secret"], **long)
    assert (response.status_code, error_of(response)["param"]) == (403, "seconds")
    await ask(world, "PATCH", f"/{key['id']}", json={"allowance": {"max_seconds": 8}})
    world.clock.advance(FRESH_S)
    assert (await world.ask("POST", "/v1/videos", key=key["secret"], **long)).status_code == 200


async def test_keys_are_listed_by_tenant_in_pages_the_newest_first(world: World):
    for number in range(5):
        world.clock.advance(1)
        await made(world, name=str(number), tenant="ann" if number % 2 else "bob")
    first = await ask(world, "GET", "?tenant=bob&limit=2")
    rest = await ask(world, "GET", f"?tenant=bob&limit=2&after={first['last_id']}")
    assert [key["name"] for key in (*first["data"], *rest["data"])] == ["4", "2", "0"]
    assert (first["has_more"], rest["has_more"]) == (True, False)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tenant": "a b"}, "tenant"),
        ({"tenant": "inbox"}, "tenant"),
        ({"name": ""}, "name"),
        ({"allowance": {"models": ["sora-3"]}}, "models"),
        ({"allowance": {"sizes": ["1x1"]}}, "sizes"),
        ({"allowance": {"max_seconds": 0}}, "max_seconds"),
        ({"limits": {"max_in_flight": -1}}, "max_in_flight"),
        ({"limits": {"budget_usd": {"day": "-1"}}}, "day"),
        ({"limits": {"budget_usd": {"year": "1"}}}, "[key]"),
        ({"limits": {"requests_per_minute": 10**30}}, "requests_per_minute"),
        ({"weight": 0}, "weight"),
        ({"weight": 1e-320}, "weight"),
        ({"weight": 1_001}, "weight"),
        ({"weight": "inf"}, "weight"),
        ({"name": "a\x1b[2J"}, "name"),
        ({"metadata": {"team": "a\x00"}}, "team"),
        ({"expires_at": "2026-11-21T12:00:00Z"}, "expires_at"),
        ({"expires_at": "2027-01-01T00:00:00"}, "expires_at"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_what_cannot_be_is_refused_by_the_name_of_the_field(world: World, fields: dict[str, Any], param: str):
    assert (await refusal(world, "POST", json={**NEW, **fields}))[::2] == (400, param)
    assert world.operators_table.rows == {}


@pytest.mark.parametrize("patch", [{"name": None}, {"tenant": "bob"}, {"secrets": []}, {"limits": {"colour": "red"}}])
async def test_what_cannot_be_changed_is_refused(world: World, patch: dict[str, Any]):
    key_id = (await made(world))["id"]
    before = dict(world.operators_table.rows)
    assert (await refusal(world, "PATCH", f"/{key_id}", json=patch))[0] == 400
    assert world.operators_table.rows == before


async def test_what_is_too_much_for_the_table_is_refused_and_what_is_not_can_be_taken_back(world: World):
    most = {str(number).rjust(64, "k"): "x" * 512 for number in range(16)}
    foxes = {"metadata": {str(number): "🦊" * 512 for number in range(16)}}
    assert (await refusal(world, "POST", json=NEW | foxes))[0] == 400
    key_id = (await made(world, metadata=most))["id"]
    assert (await refusal(world, "PATCH", f"/{key_id}", json=foxes))[0] == 400
    await ask(world, "DELETE", f"/{key_id}")
    rows = world.operators_table.rows.values()
    assert max(len(row.get("record", "")) for row in rows) < COLUMN_CHARACTERS


@pytest.mark.parametrize("key_id", ["key_1", f"key_{'0' * 32}", "x'y"])
async def test_a_key_that_is_none_is_not_found(world: World, key_id: str):
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/rotate")):
        body = {"json": {}} if method == "PATCH" else {}
        assert await refusal(world, method, f"/{key_id}{path}", **body) == (404, "key_not_found", "key_id")


async def test_a_caller_sees_nothing_of_it(world: World):
    assert (await world.ask("GET", PATH, key=KEY)).status_code == 403
    assert (await world.ask("GET", PATH, key=(await made(world))["secret"])).status_code == 403


async def test_a_remake_is_held_to_what_its_key_may_ask_for(world: World):
    world.change(catalog=a_catalog(a_deployment(operations=["create", "remix"])))
    key = await made(world, allowance={"operations": ["create"]})
    fields = {"tenant": "umbrella", "deployment": "east", "upstream_id": "job-1", "rendered_at": NOW}
    parent = await world.completed(a_video(**fields), b"rendered")
    path = f"/v1/videos/{parent.video_id}/remix"
    response = await world.ask("POST", path, key=key["secret"], json={"prompt": "at night"})
    assert (response.status_code, error_of(response)["param"]) == (403, "operation")


@pytest.mark.parametrize(
    ("allowance", "fields", "param"),
    [
        ({"operations": ["create"]}, {}, "operation"),
        ({"models": ["other"]}, {"model": "sora-2"}, "model"),
    ],
)
async def test_a_character_is_held_to_what_its_key_may_ask_for(
    world: World, allowance: dict[str, Any], fields: dict[str, str], param: str
):
    maker = a_deployment(operations=["create", "character"])
    world.change(catalog=a_model_catalog(**{"sora-2": [maker], "other": [a_deployment(name="plain")]}))
    secret = (await made(world, allowance=allowance))["secret"]
    sent = {"data": {"name": "fox", **fields}, "files": {"video": ("fox.mp4", an_mp4(), "video/mp4")}}
    response = await world.ask("POST", "/v1/videos/characters", key=secret, **sent)
    assert (response.status_code, error_of(response)["param"]) == (403, param)


async def test_a_character_is_made_by_a_model_that_the_key_may_ask_for(world: World):
    maker = a_deployment(operations=["create", "character"])
    world.change(catalog=a_model_catalog(**{"sora-2": [maker], "other": [a_deployment(name="plain")]}))
    secret = (await made(world, allowance={"models": ["other"]}))["secret"]
    sent = {"data": {"name": "fox"}, "files": {"video": ("fox.mp4", an_mp4(), "video/mp4")}}
    response = await world.ask("POST", "/v1/videos/characters", key=secret, **sent)
    assert (response.status_code, error_of(response)["code"]) == (400, "operation_not_offered")
