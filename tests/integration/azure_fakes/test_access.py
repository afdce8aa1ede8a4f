"""Who may use which deployment."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest

from local.azure_fakes.fakes import Fakes

ACCESS_DENIED = (
    '{"error":{"code":"401","message":"Access denied due to invalid subscription key or wrong API endpoint. Make sure '
    "to provide a valid key for an active subscription and use a correct regional API endpoint for your resource."
    '"}}'
)
NO_DEPLOYMENT = (
    '{"error":{"message":"The API deployment \'gone\' for this resource does not exist. If you created the deployment '
    "within the last 5 minutes, please wait a moment and try again."
    '","type":"video_generation_user_error","param":null,"code":null}}'
)
EAST, WEST = {"api-key": "east-key"}, {"api-key": "west-key"}


@pytest.fixture
async def anyone(fakes: Fakes, control: Any) -> AsyncGenerator[httpx.AsyncClient]:
    """A client without a credential, and two deployments with keys."""
    await control.settings(api_keys={"sora-2": None, "east": "east-key", "west": "west-key"})
    async with httpx.AsyncClient(base_url=fakes.url) as client:
        yield client


async def create(client: httpx.AsyncClient, headers: dict[str, str], path: str = "", model: str = "east") -> Any:
    return await client.post(
        f"{path}/openai/v1/videos", json={"model": model, "prompt": "a paper boat"}, headers=headers
    )


async def token(client: httpx.AsyncClient, resource: str) -> dict[str, str]:
    answer = await client.get(
        "/identity/token",
        params={"api-version": "2019-08-01", "resource": resource},
        headers={"x-identity-header": "anything"},
    )
    return {"authorization": f"Bearer {answer.json()['access_token']}"}


@pytest.mark.parametrize("headers", [EAST, {"authorization": "Bearer east-key"}])
async def test_a_key_opens_its_deployment_in_either_header(anyone: httpx.AsyncClient, headers: dict[str, str]) -> None:
    assert (await create(anyone, headers)).status_code == 200
    assert (await create(anyone, headers, "/east", "sora-2")).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"api-key": "wrong"}, {"authorization": "Bearer wrong"}, WEST])
async def test_nothing_else_does(anyone: httpx.AsyncClient, headers: dict[str, str]) -> None:
    for path in ("", "/east"):
        answer = await create(anyone, headers, path)
        assert (answer.status_code, answer.text) == (401, ACCESS_DENIED)


async def test_every_operation_asks_for_a_credential(anyone: httpx.AsyncClient) -> None:
    video = f"/east/openai/v1/videos/{(await create(anyone, EAST)).json()['id']}"
    for method, path in [
        ("GET", video),
        ("DELETE", video),
        ("GET", f"{video}/content"),
        ("POST", f"{video}/remix"),
        ("GET", "/east/openai/v1/videos"),
        ("GET", "/openai/v1/videos"),
        ("POST", "/openai/v1/videos/edits"),
        ("POST", "/openai/v1/videos/extensions"),
        ("POST", "/openai/v1/videos/characters"),
        ("GET", "/openai/v1/videos/characters/char_1"),
    ]:
        for headers in ({}, {"api-key": "wrong"}):
            answer = await anyone.request(method, path, headers=headers, json={} if method == "POST" else None)
            assert (answer.status_code, answer.text) == (401, ACCESS_DENIED), (method, path)


@pytest.mark.parametrize("resource", ["https://ai.azure.com", "https://cognitiveservices.azure.com"])
async def test_a_token_of_an_accepted_scope_opens_every_deployment(anyone: httpx.AsyncClient, resource: str) -> None:
    headers = await token(anyone, resource)
    for deployment in ("east", "keyless"):
        assert (await create(anyone, headers, f"/{deployment}")).status_code == 200


async def test_a_token_of_another_scope_opens_none(anyone: httpx.AsyncClient, control: Any) -> None:
    assert (await create(anyone, await token(anyone, "https://vault.azure.net"))).status_code == 401
    await control.settings(deployments={"east": {"accepted_scopes": ["https://ai.azure.com"]}})
    assert (await create(anyone, await token(anyone, "https://cognitiveservices.azure.com"))).status_code == 401
    assert (await create(anyone, await token(anyone, "https://ai.azure.com"))).status_code == 200


async def test_a_deployment_that_does_not_exist(anyone: httpx.AsyncClient, control: Any) -> None:
    answer = await create(anyone, EAST, model="gone")  # a key of the resource, but no such deployment in it
    assert (answer.status_code, answer.text) == (404, NO_DEPLOYMENT)

    assert (await create(anyone, EAST, "/gone")).status_code == 401  # a resource of its own, whose key this is not

    await control.settings(deployments={"gone": {"exists": False}})
    answer = await create(anyone, await token(anyone, "https://ai.azure.com"), "/gone")
    assert (answer.status_code, answer.text) == (404, NO_DEPLOYMENT)


async def test_a_video_is_seen_on_its_own_deployment_only(anyone: httpx.AsyncClient) -> None:
    video_id = (await create(anyone, EAST)).json()["id"]
    elsewhere = await anyone.get(f"/west/openai/v1/videos/{video_id}", headers=WEST)
    assert elsewhere.status_code == 404
    assert (await anyone.get("/west/openai/v1/videos", headers=WEST)).json()["data"] == []
    assert (await anyone.get("/openai/v1/videos", headers=WEST)).json()["data"] == []
    assert len((await anyone.get("/openai/v1/videos", headers=EAST)).json()["data"]) == 1


async def test_a_key_can_be_rotated(anyone: httpx.AsyncClient, control: Any) -> None:
    await control.settings(api_keys={"east": "new-key"})
    assert (await create(anyone, EAST)).status_code == 401
    assert (await create(anyone, {"api-key": "new-key"})).status_code == 200
    assert (await create(anyone, WEST, model="west")).status_code == 200
