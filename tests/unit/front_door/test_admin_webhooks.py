"""The operator registers endpoints, sees what became of every delivery, and never sees a secret again."""

from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from domain.webhook import WebhookEvent, WebhookType
from tests.unit.examples import NOW, TENANT
from tests.unit.front_door.world import ADMIN_KEY, World, error_of

PATH = "/v1/admin/webhooks"
HOOK = {"tenant": TENANT, "url": "https://acme.example/hook"}
REFERENCE = "keyvault:https://v.vault.azure.net/secrets/hook"


async def ask(world: World, method: str, path: str = "", **body: Any) -> Any:
    response = await world.ask(method, f"{PATH}{path}", key=ADMIN_KEY, **body)
    assert response.status_code == 200, response.text
    return response.json()


async def registered(world: World, **fields: Any) -> dict[str, Any]:
    return await ask(world, "POST", json={**HOOK, **fields})


async def test_a_new_endpoint_shows_its_secret_once(world: World):
    endpoint = await registered(world)
    secret = endpoint.pop("secret")
    Webhook(secret)
    assert endpoint == {
        "id": endpoint["id"],
        "object": "webhook_endpoint",
        **HOOK,
        "events": [f"video.{end}" for end in ("completed", "failed")]
        + [f"batch.{end}" for end in ("completed", "failed", "expired", "cancelled")],
        "enabled": True,
        "disabled_because": None,
        "created_at": "2026-11-21T12:00:00.250000Z",
        "secrets": [{"reference": None, "expires_at": None}],
    }
    assert await ask(world, "GET", f"/{endpoint['id']}") == endpoint
    assert (await ask(world, "GET"))["data"] == [endpoint]


async def test_a_secret_that_is_kept_elsewhere_is_only_referred_to(world: World):
    endpoint = await registered(world, secret=REFERENCE)
    assert (endpoint["secret"], endpoint["secrets"][0]["reference"]) == (None, REFERENCE)


async def test_endpoints_are_listed_by_tenant(world: World):
    await registered(world)
    assert len((await ask(world, "GET", f"?tenant={TENANT}"))["data"]) == 1
    assert (await ask(world, "GET", "?tenant=globex"))["data"] == []


async def test_an_endpoint_can_be_changed(world: World):
    endpoint_id = (await registered(world))["id"]
    await world.listeners.endpoints.amend(endpoint_id, lambda kept: kept.gone())
    changes = {"url": "https://acme.example/other", "events": ["video.failed"], "enabled": True}
    changed = await ask(world, "PATCH", f"/{endpoint_id}", json=changes)
    assert {name: changed[name] for name in changes} == changes
    assert changed["disabled_because"] is None
    assert (await ask(world, "PATCH", f"/{endpoint_id}", json={"enabled": False}))["url"] == changes["url"]


async def test_a_removed_endpoint_is_gone(world: World):
    endpoint_id = (await registered(world))["id"]
    assert (await ask(world, "DELETE", f"/{endpoint_id}"))["deleted"]
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/test"), ("GET", "/deliveries")):
        body = {"json": {}} if method == "PATCH" else {}
        response = await world.ask(method, f"{PATH}/{endpoint_id}{path}", key=ADMIN_KEY, **body)
        assert (response.status_code, error_of(response)["code"]) == (404, "webhook_not_found")


@pytest.mark.parametrize("body", [{}, {"json": {}}, {"json": {"secret": REFERENCE, "overlap_s": 60}}])
async def test_a_rotation_keeps_the_secret_before_for_a_while(world: World, body: dict[str, Any]):
    endpoint_id = (await registered(world))["id"]
    rotated = await ask(world, "POST", f"/{endpoint_id}/rotate", **body)
    referred = bool(body.get("json"))
    assert (rotated["secret"] is None) == referred
    present, before = rotated["secrets"]
    assert present == {"reference": REFERENCE if referred else None, "expires_at": None}
    assert before["expires_at"] == ("2026-11-21T12:01:00.250000Z" if referred else "2026-11-22T12:00:00.250000Z")
    world.clock.advance(60 if referred else 86_400)
    assert (await ask(world, "GET", f"/{endpoint_id}"))["secrets"] == [present]


@pytest.mark.parametrize(
    ("answer", "delivered", "status_code", "error"),
    [
        (200, True, 200, None),
        (500, False, 500, "HTTP 500"),
        (httpx.ConnectError("x"), False, None, "The request failed"),
    ],
)
async def test_a_test_says_what_came_back(
    world: World, answer: Any, delivered: bool, status_code: int | None, error: str | None
):
    endpoint_id = (await registered(world, events=["batch.failed"]))["id"]
    world.listeners.answers = [answer]
    told = await ask(world, "POST", f"/{endpoint_id}/test")
    assert (told["delivered"], told["status_code"]) == (delivered, status_code)
    assert told["error"] == error or told["error"].startswith(error)
    if delivered:
        assert b"batch_test" in world.listeners.received[0].content


async def test_the_log_shows_every_attempt_the_newest_event_first(world: World):
    endpoint_id = (await registered(world))["id"]
    world.listeners.answers = [500]
    for number in range(3):
        world.clock.advance(1)
        event = WebhookEvent(
            id=f"evt_{number}", type=WebhookType.VIDEO_FAILED, at=world.clock(), resource_id=f"video_{number}"
        )
        await world.listeners.webhooks().tell(TENANT, event)
    first = await ask(world, "GET", f"/{endpoint_id}/deliveries?limit=2")
    rest = await ask(world, "GET", f"/{endpoint_id}/deliveries?limit=2&after={first['last_id']}")
    told = [*first["data"], *rest["data"]]
    assert [delivery["event_id"] for delivery in told] == ["evt_2", "evt_1", "evt_0"]
    assert (first["has_more"], rest["has_more"]) == (True, False)
    assert [delivery["status"] for delivery in told] == ["delivered", "delivered", "pending"]
    (attempt,) = told[2]["attempts"]
    assert (attempt["status_code"], attempt["error"]) == (500, "HTTP 500")
    assert told[2]["next_attempt_at"] == "2026-11-21T12:00:21.250000Z"
    assert told[0]["next_attempt_at"] is None
    assert world.clock() > NOW


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"url": "http://acme.example/hook"}, "url"),
        ({"url": "https://ann:pw@acme.example/hook"}, "url"),
        ({"url": "nowhere"}, "url"),
        ({"events": []}, "events"),
        ({"events": ["video.queued"]}, "0"),
        ({"tenant": "a b"}, "tenant"),
        ({"secret": "whsec_c2VjcmV0"}, "secret"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_what_can_never_work_is_refused_and_no_secret_repeated(world: World, fields: dict[str, Any], param: str):
    response = await world.ask("POST", PATH, key=ADMIN_KEY, json={**HOOK, **fields})
    assert (response.status_code, error_of(response)["param"]) == (400, param)
    assert "c2VjcmV0" not in response.text
    assert world.listeners.endpoints.kept == {}


async def test_a_caller_sees_nothing_of_it(world: World):
    assert (await world.ask("GET", PATH)).status_code == 403
