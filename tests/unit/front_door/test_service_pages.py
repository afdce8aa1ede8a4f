"""What the service tells of itself."""

import pytest

from clients.credentials import Credentials
from domain.catalog import Catalog
from tests.unit.examples import a_catalog, a_deployment
from tests.unit.fakes import a_secret_store, keyvault_secret
from tests.unit.front_door.world import World, error_of


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


@pytest.mark.parametrize("path", ["/v1/videos", "/v1/videos/{video_id}/content", "/healthz", "/readyz"])
async def test_the_description_knows_every_route(world: World, path: str):
    assert path in (await world.ask("GET", "/openapi.json")).json()["paths"]
