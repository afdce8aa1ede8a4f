"""Whoever has no key stays outside, and learns nothing."""

import asyncio

import pytest

from clients import expiring_cache
from clients.admin_key import AdminKey
from clients.caller_keys import CallerKeys
from domain.api_key import SECRET_BYTES, secret_of
from front_door.auth import ADMIN_PREFIXES
from front_door.operators import Operators
from tests.unit.examples import a_video
from tests.unit.fakes import a_secret_store
from tests.unit.front_door.world import ADMIN_KEY, KEY, OTHER_KEY, World, error_of

BEHIND_THE_DOOR = [
    ("GET", "/v1/videos"),
    ("POST", "/v1/videos"),
    ("GET", "/openai/v1/models"),
    ("DELETE", "/openai/videos/video_1"),
    ("GET", "/readyz"),
    ("GET", "/"),
    ("GET", "/v1/no/such/route"),
    ("PATCH", "/v1/videos"),
    ("GET", "/healthz/"),
    ("GET", "//healthz"),
    ("GET", "/docs/oauth2-redirect"),
    ("GET", "/v1/admin/deployments"),
    ("GET", "/admin"),
]


@pytest.mark.parametrize("path", ["/healthz", "/docs", "/openapi.json"])
async def test_the_public_pages_need_no_key(world: World, path: str):
    assert (await world.ask("GET", path, key=None)).status_code == 200


@pytest.mark.parametrize(("method", "path"), BEHIND_THE_DOOR)
@pytest.mark.parametrize("key", [None, "sk-wrong"])
async def test_everything_else_is_401_to_a_stranger_whether_it_exists_or_not(
    world: World, method: str, path: str, key: str | None
):
    response = await world.ask(method, path, key=key)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert error_of(response)["code"] == "invalid_api_key"


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {KEY}"},
        {"authorization": f"bearer   {KEY}"},
        {"api-key": KEY},
        {"authorization": "Basic abc", "api-key": KEY},
    ],
)
async def test_a_key_may_come_in_either_header(world: World, headers: dict[str, str]):
    assert (await world.ask("GET", "/v1/models", key=None, headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": KEY},
        {"authorization": "Bearer"},
        {"authorization": f"Bearer {KEY} x"},
        {"api-key": ""},
        {"authorization": "Bearer sk-wrong", "api-key": KEY},
    ],
)
async def test_no_other_header_opens_the_door(world: World, headers: dict[str, str]):
    assert (await world.ask("GET", "/v1/models", key=None, headers=headers)).status_code == 401


async def test_an_error_says_what_to_do_and_does_not_repeat_the_key(world: World):
    missing, wrong = [await world.ask("GET", "/v1/models", key=key) for key in (None, "sk-wrong")]
    assert "api-key: KEY" in error_of(missing)["message"]
    assert "sk-wrong" not in wrong.text


async def test_a_key_opens_its_own_tenants_videos_only(world: World):
    video = world.videos.add(a_video())
    mine, theirs = [await world.ask("GET", f"/v1/videos/{video.video_id}", key=key) for key in (KEY, OTHER_KEY)]
    assert mine.json()["id"] == video.video_id
    assert (theirs.status_code, error_of(theirs)["code"]) == (404, "video_not_found")


@pytest.mark.parametrize("prefix", ADMIN_PREFIXES)
@pytest.mark.parametrize("path", ["", "/", "/deployments", "/no/such/route"])
async def test_a_callers_key_does_not_open_the_operators_rooms(world: World, prefix: str, path: str):
    response = await world.ask("GET", f"{prefix}{path}")
    assert (response.status_code, error_of(response)["code"]) == (403, "admin_key_required")
    assert "a key of the tenant acme was sent" in error_of(response)["message"]


@pytest.mark.parametrize("prefix", ADMIN_PREFIXES)
@pytest.mark.parametrize("header", [{"authorization": f"Bearer {ADMIN_KEY}"}, {"api-key": ADMIN_KEY}])
async def test_the_admin_key_opens_them_in_either_header(world: World, prefix: str, header: dict[str, str]):
    assert (await world.ask("GET", f"{prefix}/no/such/route", key=None, headers=header)).status_code == 404


@pytest.mark.parametrize("path", ["/v1/videos", "/readyz", "/v1/administration", "/openai/v1/admin"])
async def test_the_admin_key_opens_nothing_else(world: World, path: str):
    assert (await world.ask("GET", path, key=ADMIN_KEY)).status_code == 401


@pytest.mark.parametrize("key", [KEY, ADMIN_KEY, "sk-wrong"])
async def test_without_an_admin_key_the_setting_is_named(world: World, key: str):
    world.change(operators=Operators(AdminKey(None, a_secret_store()), None))
    response = await world.ask("GET", "/v1/admin/deployments", key=key)
    assert response.status_code == 403
    assert "set REELAY_ADMIN_KEY" in error_of(response)["message"]


async def test_a_store_that_does_not_answer_is_told_of_within_seconds(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(expiring_cache, "_LIMIT_S", 0.001)
    monkeypatch.setattr(world.administration.audit, "newest_change", asyncio.Event().wait)
    world.change(callers=world.callers_of(CallerKeys([], a_secret_store())))
    for key in (None, secret_of(bytes(SECRET_BYTES))):
        response = await world.ask("GET", "/v1/models", key=key)
        assert response.status_code == 503
        assert "retry-after" in response.headers
