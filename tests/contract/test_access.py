"""One key opens one tenant's videos; without a key nothing opens but the door sign."""

from typing import Any

import httpx
import pytest

from tests.contract.caller_kit import error_of
from tests.e2e.running_stack import RunningStack

PREFIXES = ("/v1", "/openai/v1", "/openai")
OPERATIONS = (
    ("POST", "/videos"),
    ("GET", "/videos"),
    ("GET", "/videos/video_1"),
    ("DELETE", "/videos/video_1"),
    ("GET", "/videos/video_1/content"),
    ("HEAD", "/videos/video_1/content"),
    ("POST", "/videos/video_1/cancel"),
    ("GET", "/models"),
    ("GET", "/models/sora-2"),
)
GUARDED = [
    *((method, f"{prefix}{path}") for prefix in PREFIXES for method, path in OPERATIONS),
    ("GET", "/readyz"),
    ("GET", "/v1/admin/deployments"),
    ("GET", "/"),
    ("GET", "/redoc"),
    ("GET", "/docs/oauth2-redirect"),
    ("GET", "/healthz/"),
    ("POST", "/v1/nothing"),
    ("OPTIONS", "/v1/videos"),
]
CREDENTIALS: dict[str, dict[str, str]] = {
    "none": {},
    "wrong bearer": {"authorization": "Bearer sk-wrong"},
    "wrong api-key": {"api-key": "sk-wrong"},
    "another scheme": {"authorization": "Basic c2s6c2s="},
    "empty bearer": {"authorization": "Bearer"},
}


@pytest.mark.parametrize("credentials", CREDENTIALS.values(), ids=CREDENTIALS)
def test_nothing_answers_a_stranger(stack: RunningStack, credentials: dict[str, str]):
    with httpx.Client(base_url=stack.host, headers=credentials) as stranger:
        for method, path in GUARDED:
            answer = stranger.request(method, path)

            assert answer.status_code == 401, (method, path)
            assert answer.headers["www-authenticate"] == "Bearer"
            if method != "HEAD":
                error = error_of(answer)
                assert (error["code"], error["param"]) == ("invalid_api_key", None)
                assert "key" in error["message"]


@pytest.mark.parametrize("path", ["/healthz", "/docs", "/openapi.json"])
def test_door_sign_can_be_read_by_all(stack: RunningStack, path: str):
    assert httpx.get(f"{stack.host}{path}").status_code == 200


def test_key_in_either_header_is_the_same_tenant(stack: RunningStack, completed: dict[str, Any]):
    for headers in ({"authorization": f"Bearer {stack.api_key}"}, {"api-key": stack.api_key}):
        assert httpx.get(f"{stack.base_url}/videos/{completed['id']}", headers=headers).json() == completed


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("GET", "/content"), ("POST", "/cancel"), ("DELETE", "")])
def test_video_of_another_tenant_does_not_exist(
    api: httpx.Client, other_tenant: httpx.Client, completed: dict[str, Any], method: str, path: str
):
    answer = other_tenant.request(method, f"/videos/{completed['id']}{path}")

    assert answer.status_code == 404
    assert error_of(answer)["code"] == "video_not_found"
    assert api.get(f"/videos/{completed['id']}").json() == completed


def test_lists_hold_ones_own_videos_only(api: httpx.Client, other_tenant: httpx.Client, completed: dict[str, Any]):
    theirs = other_tenant.post("/videos", json={"prompt": "theirs"}).raise_for_status().json()["id"]

    def ids(client: httpx.Client, **query: str) -> list[str]:
        return [video["id"] for video in client.get("/videos", params={"limit": 100, **query}).json()["data"]]

    assert theirs in ids(other_tenant)
    assert theirs not in ids(api)
    assert completed["id"] not in ids(other_tenant)
    assert completed["id"] not in ids(other_tenant, order="asc", after=completed["id"])


def test_idempotency_keys_of_two_tenants_do_not_meet(api: httpx.Client, other_tenant: httpx.Client):
    sent: dict[str, Any] = {"json": {"prompt": "a boat"}, "headers": {"idempotency-key": "the same"}}

    mine, theirs = (client.post("/videos", **sent).raise_for_status().json()["id"] for client in (api, other_tenant))

    assert mine != theirs
