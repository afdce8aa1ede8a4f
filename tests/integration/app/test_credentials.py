"""The real azure-identity and Key Vault clients, on the fakes' endpoints."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from azure.identity.aio import ManagedIdentityCredential
from azure.keyvault.secrets.aio import SecretClient
from pydantic import TypeAdapter

from clients.credentials import Credentials
from clients.secret_store import SecretStore
from domain.auth import Auth
from domain.errors import CredentialUnavailable
from local.azure_fakes.fakes import Fakes


@pytest.fixture
async def credentials(fakes: Fakes) -> AsyncGenerator[Credentials]:
    trust: dict[str, Any] = {"connection_verify": str(fakes.vault_ca), "verify_challenge_resource": False}
    async with ManagedIdentityCredential() as identity:
        secrets = SecretStore(lambda url: SecretClient(url, identity, **trust))
        credentials = Credentials(secrets)
        yield credentials
        await credentials.close()
        await secrets.close()


def an_auth(kind: str, **fields: Any) -> Auth:
    return TypeAdapter[Auth](Auth).validate_python({"kind": kind, **fields})


@pytest.mark.parametrize("kind", ["managed_identity", "default"])
async def test_twenty_concurrent_first_calls_are_one_token_request(credentials: Credentials, fakes: Fakes, kind: str):
    auth = an_auth(kind)

    headers = await asyncio.gather(*(credentials.headers(auth) for _ in range(20)))

    assert len({one["authorization"] for one in headers}) == 1
    assert fakes.world.requests["token"] == 1


async def test_each_identity_and_each_scope_has_a_token_of_its_own(credentials: Credentials, fakes: Fakes):
    auths = [
        an_auth("managed_identity"),
        an_auth("managed_identity", client_id="user-assigned"),
        an_auth("managed_identity", scope="https://cognitiveservices.azure.com/.default"),
    ]

    headers = await asyncio.gather(*(credentials.headers(auth) for auth in auths * 5))

    assert len({one["authorization"] for one in headers}) == len(auths)
    assert fakes.world.requests["token"] == len(auths)


async def test_twenty_that_are_refused_read_the_rotated_key_once(credentials: Credentials, fakes: Fakes):
    auth = an_auth("api_key", secret=f"keyvault:{fakes.vault_url}/secrets/pro-key")
    fakes.world.change_settings({"secrets": {"pro-key": "old"}})
    old = await credentials.headers(auth)
    fakes.world.change_settings({"secrets": {"pro-key": "new"}})
    before = fakes.world.requests["secret"]

    renewed = await asyncio.gather(*(credentials.renewed(auth, old) for _ in range(20)))

    assert renewed == [{"api-key": "new"}] * 20
    assert fakes.world.requests["secret"] - before == 1


@pytest.mark.parametrize("kind", ["managed_identity", "default"])
async def test_identity_that_is_refused_a_token_says_so(
    credentials: Credentials, fakes: Fakes, kind: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")
    fakes.world.change_settings({"identity_header": "another"})

    with pytest.raises(CredentialUnavailable, match=f"no {kind} token: "):
        await credentials.headers(an_auth(kind))
