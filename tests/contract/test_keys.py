"""Keys as callers notice them, with the unmodified client: made by the operator, limited, expired, taken away."""

# The clients mark every videos method as deprecated; our callers call them all the same.
# pyright: reportDeprecated=false

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import openai
import pytest

from tests.e2e.running_stack import RunningStack, wait_until

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")
EVERYWHERE_S = 10


@pytest.fixture(scope="module")
def admin(stack: RunningStack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{stack.base_url}/admin", headers={"api-key": stack.admin_key}, timeout=30) as client:
        yield client


def made(admin: httpx.Client, **fields: Any) -> dict[str, Any]:
    return admin.post("/keys", json={"tenant": "umbrella", "name": "a test", **fields}).raise_for_status().json()


def client_of(stack: RunningStack, key: dict[str, Any]) -> openai.OpenAI:
    return openai.OpenAI(base_url=stack.base_url, api_key=key["secret"], max_retries=0)


def refused(client: openai.OpenAI) -> str | None:
    """Why the client may not list videos; None while it may."""
    try:
        client.videos.list(limit=1)
    except openai.AuthenticationError as error:
        return error.message if error.code == "invalid_api_key" else None
    return None


def test_a_key_works_at_once_and_a_revoked_one_is_refused_within_seconds(stack: RunningStack, admin: httpx.Client):
    key = made(admin)
    with client_of(stack, key) as client:
        video = client.videos.create(prompt="a fox")
        assert client.videos.retrieve(video.id).id == video.id
        admin.delete(f"/keys/{key['id']}").raise_for_status()
        assert "revoked" in wait_until(lambda: refused(client), "the key is refused", limit_s=EVERYWHERE_S)


def test_a_key_that_is_disabled_is_refused_until_it_is_not(stack: RunningStack, admin: httpx.Client):
    key = made(admin)
    with client_of(stack, key) as client:
        assert refused(client) is None
        admin.patch(f"/keys/{key['id']}", json={"disabled": True}).raise_for_status()
        assert "disabled" in wait_until(lambda: refused(client), "the key is refused", limit_s=EVERYWHERE_S)
        admin.patch(f"/keys/{key['id']}", json={"disabled": None}).raise_for_status()
        wait_until(lambda: refused(client) is None, "the key is accepted", limit_s=EVERYWHERE_S)


def test_a_key_expires_by_itself(stack: RunningStack, admin: httpx.Client):
    key = made(admin, expires_at=(datetime.now(UTC) + timedelta(seconds=2)).isoformat())
    with client_of(stack, key) as client:
        assert "expired" in wait_until(lambda: refused(client), "the key has expired", limit_s=EVERYWHERE_S)


def test_after_a_rotation_both_secrets_open_the_door(stack: RunningStack, admin: httpx.Client):
    key = made(admin)
    rotated = admin.post(f"/keys/{key['id']}/rotate").raise_for_status().json()
    with client_of(stack, key) as old, client_of(stack, rotated) as new:
        assert [refused(old), refused(new)] == [None, None]
        admin.post(f"/keys/{key['id']}/rotate", json={"overlap_s": 0}).raise_for_status()
        for client in (old, new):
            wait_until(lambda client=client: refused(client), "the secret is refused", limit_s=EVERYWHERE_S)


@pytest.mark.parametrize(
    ("allowance", "asked", "param"),
    [
        ({"models": ["sora-2-pro"]}, {}, "model"),
        ({"max_seconds": 4}, {"seconds": "8"}, "seconds"),
        ({"sizes": ["720x1280"]}, {"size": "1280x720"}, "size"),
        ({"operations": ["remix"]}, {}, "operation"),
    ],
)
def test_what_a_key_may_not_ask_for_is_forbidden(
    stack: RunningStack, admin: httpx.Client, allowance: dict[str, Any], asked: dict[str, Any], param: str
):
    with client_of(stack, made(admin, allowance=allowance)) as client:
        with pytest.raises(openai.PermissionDeniedError) as refusal:
            client.videos.create(prompt="a fox", **asked)
        assert (refusal.value.code, refusal.value.param) == ("not_allowed", param)


def test_a_key_spends_no_more_than_its_budget(stack: RunningStack, admin: httpx.Client):
    with client_of(stack, made(admin, tenant="eve", limits={"budget_usd": {"total": "0.40"}})) as client:
        client.videos.create(prompt="a fox", seconds="4")
        with pytest.raises(openai.RateLimitError) as refusal:
            client.videos.create(prompt="a fox", seconds="4")
        assert refusal.value.code == "insufficient_quota"


def test_all_keys_of_a_tenant_are_held_to_its_limits(stack: RunningStack, admin: httpx.Client):
    admin.post("/tenants", json={"name": "fay", "limits": {"requests_per_minute": 1}}).raise_for_status()
    with client_of(stack, made(admin, tenant="fay")) as first, client_of(stack, made(admin, tenant="fay")) as second:
        first.videos.create(prompt="a fox")
        with pytest.raises(openai.RateLimitError) as refusal:
            second.videos.create(prompt="a fox")
        assert refusal.value.code == "rate_limit_exceeded"


def test_tenants_with_keys_of_their_own_do_not_see_each_other(stack: RunningStack, admin: httpx.Client):
    with (
        client_of(stack, made(admin, tenant="ann")) as ann,
        client_of(stack, made(admin, tenant="ann")) as too,
        client_of(stack, made(admin, tenant="bob")) as bob,
    ):
        video = ann.videos.create(prompt="a fox")
        assert too.videos.retrieve(video.id).id == video.id, "all keys of a tenant see what it owns"
        with pytest.raises(openai.NotFoundError):
            bob.videos.retrieve(video.id)


def test_a_disabled_tenant_can_do_nothing_with_any_key(stack: RunningStack, admin: httpx.Client):
    with client_of(stack, made(admin, tenant="cid")) as client:
        admin.patch("/tenants/cid", json={"disabled": True}).raise_for_status()
        assert "tenant cid is disabled" in wait_until(lambda: refused(client), "it is", limit_s=EVERYWHERE_S)


def test_what_was_done_is_told_without_any_secret(admin: httpx.Client):
    key = made(admin, tenant="dora")
    rotated = admin.post(f"/keys/{key['id']}/rotate").raise_for_status().json()
    admin.delete(f"/keys/{key['id']}").raise_for_status()
    answer = admin.get("/audit", params={"tenant": "dora"}).raise_for_status()
    told = [(entry["action"], entry["subject"]) for entry in answer.json()["data"]]
    assert told == [(f"key.{action}", key["id"]) for action in ("revoke", "rotate", "create")] + [
        ("tenant.create", "dora")
    ]
    assert {entry["actor"] for entry in answer.json()["data"]} == {"the admin key"}
    for secret in (key["secret"], rotated["secret"]):
        assert secret not in answer.text
