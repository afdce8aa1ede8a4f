"""What the service tells of itself."""

from datetime import timedelta

import httpx
import pytest

from clients.credentials import Credentials
from domain.catalog import Catalog
from tests.unit.examples import NOW, a_catalog, a_deployment, a_model_catalog
from tests.unit.fakes import a_secret_store, keyvault_secret
from tests.unit.front_door.world import World, an_api, error_of


def two_deployments() -> Catalog:
    """One whose key can be had, one whose key cannot."""
    return a_catalog(
        a_deployment(auth={"kind": "api_key", "secret": keyvault_secret("east")}),
        a_deployment(name="west", auth={"kind": "api_key", "secret": keyvault_secret("west")}),
    )


async def test_models_say_what_they_render(world: World):
    (listed,) = (await world.ask("GET", "/v1/models")).json()["data"]
    assert listed == (await world.ask("GET", "/v1/models/sora-2")).json()
    assert listed.items() >= {"id": "sora-2", "object": "model", "seconds": [4, 8, 12]}.items()


async def test_models_say_when_they_retire(world: World):
    today = NOW.date()
    early, late = (a_deployment(name=f"e{days}", retires_on=today - timedelta(days=days)) for days in (2, 1))
    world.change(catalog=a_model_catalog(old=[early, late], new=[a_deployment()]))
    old, new = (await world.ask("GET", "/v1/models")).json()["data"]
    assert (old["retired"], old["retires_on"], old["sizes"]) == (True, "2026-11-20", [])
    assert (new["retired"], new["retires_on"], new["sizes"]) == (False, None, ["720x1280", "1280x720"])


async def test_an_unknown_model_is_answered_with_those_there_are(world: World):
    response = await world.ask("GET", "/v1/models/veo-9")
    assert response.status_code == 404
    assert "Available: sora-2" in error_of(response)["message"]


async def test_ready_when_storage_answers_and_every_credential_can_be_had(world: World):
    response = await world.ask("GET", "/readyz")
    assert response.status_code == 200
    assert response.json()["deployments"] == {"east": {"credential": "ok", "reason": None}}


async def test_not_ready_names_the_deployment_and_shows_no_secret(world: World):
    world.change(catalog=two_deployments(), credentials=Credentials(a_secret_store(east="east-key")))
    response = await world.ask("GET", "/readyz")
    told = response.json()
    assert (response.status_code, told["status"]) == (503, "not_ready")
    assert told["deployments"]["west"]["reason"].endswith("/secrets/west is empty or not set")
    assert "east-key" not in response.text


async def test_ready_in_depth_when_every_deployment_lets_us_in(world: World):
    world.change(api=an_api(lambda _: httpx.Response(200, json={"data": []}), a_secret_store(east="east-key")))
    response = await world.ask("GET", "/readyz?deep=1")
    assert (response.status_code, response.json()["status"]) == (200, "ready")
    assert response.json()["deployments"] == {"east": {"credential": "ok", "access": "ok", "reason": None}}


async def test_not_ready_in_depth_tells_each_deployments_trouble_and_shows_no_secret(world: World):
    def refuse(request: httpx.Request) -> httpx.Response:
        return httpx.Response(401, json={"error": {"message": f"Who is {request.headers['api-key']}?"}})

    world.change(catalog=two_deployments(), api=an_api(refuse, a_secret_store(east="east-key")))
    response = await world.ask("GET", "/readyz?deep=1")
    told = response.json()
    assert (response.status_code, told["status"]) == (503, "not_ready")
    assert (told["deployments"]["east"]["credential"], told["deployments"]["east"]["access"]) == ("ok", "bad_key")
    assert told["deployments"]["east"]["reason"].startswith("Bad key: ")
    assert told["deployments"]["west"]["credential"] == "unavailable"
    assert "east-key" not in response.text


async def test_a_week_before_a_retirement_ready_warns_and_is_ready(world: World):
    auth = {"kind": "api_key", "secret": keyvault_secret("east")}
    world.change(catalog=a_catalog(a_deployment(auth=auth, retires_on=NOW.date() + timedelta(days=5))))
    told = (await world.ask("GET", "/readyz")).json()
    assert told["status"] == "ready"
    (warning,) = told["warnings"]
    assert warning.startswith("east retires on 2026-11-26, in 5 days: nobody is left to render sora-2")


async def test_a_retired_deployment_makes_nothing_unready(world: World):
    auth = {"kind": "api_key", "secret": keyvault_secret("gone")}
    world.change(catalog=a_catalog(a_deployment(auth=auth, retires_on=NOW.date() - timedelta(days=1))))
    response = await world.ask("GET", "/readyz")
    assert (response.status_code, response.json()["status"]) == (200, "ready")
    assert response.json()["deployments"]["east"]["credential"] == "unavailable"
    assert response.json()["warnings"][0].startswith("east retired on 2026-11-20: ")


@pytest.mark.parametrize("path", ["/v1/videos", "/v1/videos/{video_id}/content", "/healthz", "/readyz"])
async def test_the_description_knows_every_route(world: World, path: str):
    assert path in (await world.ask("GET", "/openapi.json")).json()["paths"]
