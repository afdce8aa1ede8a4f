"""The real Azure SDKs against the identity endpoint and the Key Vault."""

import ssl
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.identity.aio import ManagedIdentityCredential
from azure.keyvault.secrets.aio import SecretClient

from local.azure_fakes.fakes import Fakes


@pytest.fixture
async def credential(fakes: Fakes, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[ManagedIdentityCredential]:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{fakes.url}/identity/token")
    monkeypatch.setenv("IDENTITY_HEADER", "header-of-this-app")
    async with ManagedIdentityCredential(retry_total=0) as managed_identity:
        yield managed_identity


@pytest.fixture
async def vault(fakes: Fakes, credential: ManagedIdentityCredential) -> AsyncGenerator[SecretClient]:
    async with SecretClient(
        fakes.vault_url,
        credential,
        connection_verify=str(fakes.vault_ca),
        verify_challenge_resource=False,
        retry_total=0,
    ) as client:
        yield client


async def test_a_managed_identity_opens_a_deployment(
    fakes: Fakes, credential: ManagedIdentityCredential, control: Any, http: httpx.AsyncClient
) -> None:
    token = await credential.get_token("https://cognitiveservices.azure.com/.default")
    answer = await http.post(
        f"{fakes.url}/anything/openai/v1/videos",
        json={"model": "sora-2", "prompt": "a paper boat"},
        headers={"authorization": f"Bearer {token.token}"},
    )
    assert answer.status_code == 200
    assert (await control.state())["counters"]["token"] == 1


async def test_the_sdk_caches_its_token(credential: ManagedIdentityCredential, control: Any) -> None:
    for _ in range(3):
        await credential.get_token("https://ai.azure.com/.default")
    assert (await control.state())["counters"]["token"] == 1


async def test_the_identity_header_can_be_insisted_on(credential: ManagedIdentityCredential, control: Any) -> None:
    await control.settings(identity_header="header-of-another-app")
    with pytest.raises(ClientAuthenticationError):
        await credential.get_token("https://ai.azure.com/.default")
    await control.settings(identity_header="header-of-this-app")
    assert (await credential.get_token("https://ai.azure.com/.default")).token


@pytest.mark.parametrize("query", [{}, {"resource": "r"}, {"api-version": "2019-08-01"}])
async def test_a_token_request_must_say_what_it_wants(fakes: Fakes, http: httpx.AsyncClient, query: Any) -> None:
    answer = await http.get(f"{fakes.url}/identity/token", params=query, headers={"x-identity-header": "h"})
    assert answer.status_code == 400


async def test_a_secret_is_read_and_rotated(vault: SecretClient, control: Any) -> None:
    await control.settings(secrets={"sora-key": "s3cret"})
    secret = await vault.get_secret("sora-key")
    assert (secret.name, secret.value) == ("sora-key", "s3cret")
    assert (await vault.get_secret("sora-key", secret.properties.version)).value == "s3cret"

    await control.settings(secrets={"sora-key": "rotated"})
    assert (await vault.get_secret("sora-key")).value == "rotated"
    assert (await control.state())["counters"]["secret"] == 3


async def test_a_secret_that_is_not_there(vault: SecretClient) -> None:
    with pytest.raises(ResourceNotFoundError, match="SecretNotFound"):
        await vault.get_secret("nothing")


async def test_the_vault_challenges_whoever_has_no_token_of_its_own(fakes: Fakes) -> None:
    async with httpx.AsyncClient(verify=ssl.create_default_context(cafile=fakes.vault_ca)) as client:
        for headers in ({}, {"authorization": "Bearer wrong"}):
            answer = await client.get(f"{fakes.vault_url}/secrets/sora-key/", headers=headers)
            assert answer.status_code == 401
            assert 'resource="https://vault.azure.net"' in answer.headers["www-authenticate"]


async def test_the_vault_fails_when_told_to(vault: SecretClient, control: Any) -> None:
    await control.settings(secrets={"sora-key": "s3cret"})
    await control.faults({"operation": "secret", "effect": "status", "status": 503, "times": 1})
    with pytest.raises(HttpResponseError) as failure:
        await vault.get_secret("sora-key")
    assert failure.value.status_code == 503
