"""What is on record of a tenant holds for all of its keys, those of the configuration too; and every change is told."""

from typing import Any

import pytest
from azure.core.exceptions import ServiceRequestError

from clients.admin_key import AdminKey
from clients.caller_keys import CallerKeys
from clients.callers import HOW_TO_BEGIN
from clients.recent_records import FRESH_S
from domain.caller import Allowance, Caller, Limits
from front_door.operators import Operators
from tests.unit.examples import TENANT
from tests.unit.fakes import a_secret_store, keyvault_secret
from tests.unit.front_door.principals import a_principal
from tests.unit.front_door.world import ADMIN_KEY, KEY, World, error_of

BUDGET = {"limits": {"budget_usd": {"month": "10"}}}


async def ask(world: World, method: str, path: str, **body: Any) -> Any:
    response = await world.ask(method, f"/v1/admin{path}", key=ADMIN_KEY, **body)
    assert response.status_code == 200, response.text
    return response.json()


async def known(world: World, tenant: str = TENANT, key_id: str | None = None) -> Caller | None:
    """The caller, once everybody knows of all changes."""
    world.clock.advance(FRESH_S)
    return await world.services.callers.by_id(tenant, key_id)


async def test_a_tenant_is_put_on_record_and_changed(world: World):
    tenant = await ask(world, "POST", "/tenants", json={"name": "umbrella", **BUDGET, "metadata": {"cost": "7"}})
    assert tenant == {
        "object": "tenant",
        "name": "umbrella",
        "limits": {"requests_per_minute": None, "max_in_flight": None, "budget_usd": {"month": "10"}},
        "allowance": {"models": None, "operations": None, "max_seconds": None, "sizes": None},
        "weight": None,
        "metadata": {"cost": "7"},
        "disabled": False,
        "created_at": "2026-11-21T12:00:00.250000Z",
    }
    assert await ask(world, "GET", "/tenants/umbrella") == tenant
    changed = await ask(world, "PATCH", "/tenants/umbrella", json={"weight": 3, "metadata": None})
    assert changed == {**tenant, "weight": 3.0, "metadata": {}}
    assert (await ask(world, "GET", "/tenants"))["data"] == [changed]


async def test_a_tenant_is_on_record_once(world: World):
    await ask(world, "POST", "/tenants", json={"name": "umbrella"})
    world.clock.advance(1)
    again = await world.ask("POST", "/v1/admin/tenants", key=ADMIN_KEY, json={"name": "umbrella"})
    assert (again.status_code, error_of(again)["code"]) == (409, "tenant_exists")
    world.clock.advance(1)
    await ask(world, "POST", "/keys", json={"tenant": "umbrella", "name": "a"})
    assert [entry["action"] for entry in (await ask(world, "GET", "/audit"))["data"]] == ["key.create", "tenant.create"]


@pytest.mark.parametrize("name", ["nobody", "a%27b", "x" * 64])
async def test_who_is_not_on_record_is_not_found(world: World, name: str):
    for method in ("GET", "PATCH"):
        body = {"json": {}} if method == "PATCH" else {}
        response = await world.ask(method, f"/v1/admin/tenants/{name}", key=ADMIN_KEY, **body)
        assert (response.status_code, error_of(response)["code"]) == (404, "tenant_not_found")


async def test_its_record_holds_for_a_key_of_the_configuration(world: World):
    assert await known(world) == Caller(tenant=TENANT)
    await ask(world, "POST", "/tenants", json={"name": TENANT, "weight": 2, **BUDGET})
    limits = Limits.model_validate(BUDGET["limits"])
    assert await known(world) == Caller(tenant=TENANT, tenant_limits=limits, weight=2)
    await ask(world, "PATCH", f"/tenants/{TENANT}", json={"disabled": True})
    assert await known(world) is None
    response = await world.ask("GET", "/v1/models", key=KEY)
    assert (response.status_code, error_of(response)["message"]) == (401, f"The tenant {TENANT} is disabled.")


async def test_its_allowance_is_that_of_whoever_comes_without_one_of_his_own(world: World):
    await ask(world, "POST", "/tenants", json={"name": TENANT, "allowance": {"models": ["sora-2"]}})
    key = await ask(world, "POST", "/keys", json={"tenant": TENANT, "name": "a"})
    by_itself, with_key = await known(world), await known(world, TENANT, key["id"])
    assert by_itself
    assert with_key
    assert (by_itself.allowance, with_key.allowance) == (Allowance(models=["sora-2"]), Allowance())


async def test_who_is_on_record_comes_by_itself_too(world: World):
    assert await known(world, "umbrella") is None
    await ask(world, "POST", "/tenants", json={"name": "umbrella"})
    assert await known(world, "umbrella") == Caller(tenant="umbrella")


async def test_a_key_that_asked_before_is_held_to_what_it_may_now(world: World):
    await ask(world, "POST", "/tenants", json={"name": "umbrella", "weight": 2, **BUDGET})
    fields = {"tenant": "umbrella", "name": "a", "weight": 5, "limits": {"max_in_flight": 3}}
    key_id = (await ask(world, "POST", "/keys", json=fields))["id"]
    assert await known(world, "umbrella", key_id) == Caller(
        tenant="umbrella",
        key_id=key_id,
        key_limits=Limits(max_in_flight=3),
        tenant_limits=Limits.model_validate(BUDGET["limits"]),
        weight=5,
    )
    assert await known(world, "another", key_id) is None
    await ask(world, "PATCH", f"/keys/{key_id}", json={"weight": None})
    caller = await known(world, "umbrella", key_id)
    assert caller
    assert caller.weight == 2
    await ask(world, "DELETE", f"/keys/{key_id}")
    assert await known(world, "umbrella", key_id) is None


async def test_while_there_is_no_key_at_all_a_stranger_is_told_how_to_make_one(world: World):
    world.change(callers=world.callers_of(CallerKeys([], a_secret_store())))
    for key in (None, "sk-wrong"):
        response = await world.ask("GET", "/readyz", key=key)
        assert (response.status_code, error_of(response)["message"]) == (401, HOW_TO_BEGIN)
    secret = (await ask(world, "POST", "/keys", json={"tenant": "umbrella", "name": "first"}))["secret"]
    world.clock.advance(FRESH_S)
    assert (await world.ask("GET", "/v1/models", key=secret)).status_code == 200
    assert "not accepted" in error_of(await world.ask("GET", "/readyz", key="sk-wrong"))["message"]


async def test_a_storage_that_is_down_is_said_to_be_busy(world: World):
    secret = (await ask(world, "POST", "/keys", json={"tenant": "umbrella", "name": "a"}))["secret"]
    world.operators_table.error = ServiceRequestError("nobody is there")
    response = await world.ask("GET", "/v1/models", key=secret)
    assert (response.status_code, error_of(response)["code"]) == (503, "busy")


async def test_the_audit_tells_who_changed_what_the_newest_first(world: World):
    await ask(world, "POST", "/tenants", json={"name": "umbrella"})
    world.clock.advance(1)
    await ask(world, "PATCH", "/tenants/umbrella", json={"disabled": True})
    first = await ask(world, "GET", "/audit?limit=1")
    (second,) = (await ask(world, "GET", f"/audit?limit=1&after={first['last_id']}"))["data"]
    (entry,) = first["data"]
    assert first["has_more"]
    assert (entry["actor"], entry["action"], entry["subject"]) == ("the admin key", "tenant.change", "umbrella")
    assert (entry["before"]["disabled"], entry["after"]["disabled"]) == (False, True)
    assert (second["action"], second["before"]) == ("tenant.create", None)


async def test_the_audit_tells_of_webhooks_and_not_of_their_secrets(world: World):
    hook = {"tenant": TENANT, "url": "https://acme.example/hook"}
    endpoint = await ask(world, "POST", "/webhooks", json=hook)
    path = f"/webhooks/{endpoint['id']}"
    rotated = await ask(world, "POST", f"{path}/rotate")
    await ask(world, "PATCH", path, json={"enabled": False})
    await ask(world, "DELETE", path)
    entries = (await ask(world, "GET", f"/audit?subject={endpoint['id']}"))["data"]
    assert sorted(entry["action"] for entry in entries) == [
        f"webhook.{action}" for action in ("change", "create", "delete", "rotate")
    ]
    kept = str(entries) + str(world.operators_table.rows)
    assert "https://acme.example/hook" in kept
    for secret in (endpoint["secret"], rotated["secret"]):
        assert secret not in kept


@pytest.mark.parametrize("path", ["/audit?after=x", "/keys?after=x"])
async def test_a_page_after_nothing_is_refused(world: World, path: str):
    response = await world.ask("GET", f"/v1/admin{path}", key=ADMIN_KEY)
    assert (response.status_code, error_of(response)["param"]) == (400, "after")


def trusting(world: World) -> None:
    """Let the platform say who has signed in."""
    world.change(
        operators=Operators(AdminKey(keyvault_secret("admin"), a_secret_store(admin=ADMIN_KEY)), "Reelay.Admin")
    )


async def test_who_signed_in_with_the_role_is_an_operator_and_named_in_the_audit(world: World):
    trusting(world)
    headers = {"x-ms-client-principal": a_principal("Reelay.Admin")}
    response = await world.ask("POST", "/v1/admin/tenants", key=None, headers=headers, json={"name": "umbrella"})
    assert response.status_code == 200
    (entry,) = (await ask(world, "GET", "/audit"))["data"]
    assert entry["actor"] == "ann@acme.example 11111111-2222"


@pytest.mark.parametrize(
    "headers",
    [
        {"x-ms-client-principal": a_principal("Reelay.Reader")},
        {"x-ms-client-principal": a_principal()},
        {"x-ms-client-principal": a_principal("Reelay.Admin", auth_typ="google")},
        {"x-ms-client-principal": "Reelay.Admin"},
        {"x-ms-client-principal": a_principal("Reelay.Admin"), "sec-fetch-site": "cross-site"},
    ],
)
async def test_whoever_else_signed_in_needs_a_key(world: World, headers: dict[str, str]):
    trusting(world)
    assert (await world.ask("GET", "/v1/admin/keys", key=None, headers=headers)).status_code == 401
    assert (await world.ask("GET", "/v1/admin/keys", key=KEY, headers=headers)).status_code == 403
    assert (await world.ask("GET", "/v1/admin/keys", key=ADMIN_KEY, headers=headers)).status_code == 200


async def test_a_header_that_the_platform_does_not_set_opens_nothing(world: World):
    headers = {"x-ms-client-principal": a_principal("Reelay.Admin")}
    assert (await world.ask("GET", "/v1/admin/keys", key=None, headers=headers)).status_code == 401
    assert (await world.ask("GET", "/v1/models", key=None, headers=headers)).status_code == 401


async def test_the_role_opens_nothing_else(world: World):
    trusting(world)
    headers = {"x-ms-client-principal": a_principal("Reelay.Admin")}
    assert (await world.ask("GET", "/v1/models", key=None, headers=headers)).status_code == 401
