"""Each deployment is told who we are by its own credential."""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import pytest
from azure.core.credentials import AccessToken
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError, ClientAuthenticationError, ServiceRequestError

from clients.credentials import Credentials
from clients.secret_store import SecretStore
from domain.catalog import ApiKeyAuth, Auth, ManagedIdentityAuth
from domain.errors import CredentialUnavailable
from tests.unit.fakes import FakeVault, FakeVaults, keyvault_secret


class FakeIdentity:
    """A credential as azure-identity makes them: it remembers a token, but lets concurrent first calls all ask."""

    def __init__(self, client_id: str | None) -> None:
        self.client_id = client_id
        self.tokens = dict[str, AccessToken]()
        self.requests = list[str]()
        self.error: AzureError | None = None
        self.closed = False

    async def get_token(self, scope: str, **_: Any) -> AccessToken:
        if scope not in self.tokens:
            self.requests.append(scope)
            await asyncio.sleep(0)
            if self.error:
                raise self.error
            self.tokens[scope] = AccessToken(f"token of {self.client_id} for {scope}", 0)
        return self.tokens[scope]

    async def close(self) -> None:
        self.closed = True


class Identities:
    """Opens identities, and remembers them."""

    def __init__(self) -> None:
        self.opened = list[FakeIdentity]()

    def __call__(self, client_id: str | None) -> AsyncTokenCredential:
        self.opened.append(FakeIdentity(client_id))
        return cast("AsyncTokenCredential", self.opened[-1])


@pytest.fixture
def identities() -> Identities:
    return Identities()


@pytest.fixture
def vault() -> FakeVault:
    return FakeVault(east="east-key", west="west-key")


@pytest.fixture
def credentials(vault: FakeVault, identities: Identities) -> Credentials:
    return Credentials(SecretStore(FakeVaults(v=vault)), identities)


def a_key(name: str) -> ApiKeyAuth:
    return ApiKeyAuth(kind="api_key", secret=keyvault_secret(name))


def an_identity(client_id: str | None = None, scope: str = "https://ai.azure.com/.default") -> ManagedIdentityAuth:
    return ManagedIdentityAuth(kind="managed_identity", client_id=client_id, scope=scope)


@pytest.mark.parametrize(
    ("auth", "headers"),
    [
        (a_key("east"), {"api-key": "east-key"}),
        (a_key("west"), {"api-key": "west-key"}),
        (an_identity("c1"), {"authorization": "Bearer token of c1 for https://ai.azure.com/.default"}),
        (an_identity(None, "s2"), {"authorization": "Bearer token of None for s2"}),
    ],
)
async def test_each_kind_has_its_header(credentials: Credentials, auth: Auth, headers: Mapping[str, str]):
    assert await credentials.headers(auth) == headers


async def test_twenty_concurrent_first_calls_are_one_request(credentials: Credentials, identities: Identities):
    await asyncio.gather(*(credentials.headers(an_identity()) for _ in range(20)))
    (identity,) = identities.opened
    assert len(identity.requests) == 1


async def test_an_identity_is_opened_once_for_all_its_scopes(credentials: Credentials, identities: Identities):
    for scope in ("s1", "s2", "s1"):
        await credentials.headers(an_identity(scope=scope))
    assert [identity.requests for identity in identities.opened] == [["s1", "s2"]]


async def test_a_rotated_key_is_read_after_a_refusal(credentials: Credentials, vault: FakeVault):
    await credentials.headers(a_key("east"))
    vault.secrets["east"] = "rotated"
    assert await credentials.headers(a_key("east")) == {"api-key": "east-key"}
    credentials.refused(a_key("east"))
    assert await credentials.headers(a_key("east")) == {"api-key": "rotated"}


@pytest.mark.parametrize("error", [ClientAuthenticationError("no identity"), ServiceRequestError("no endpoint")])
async def test_a_token_that_cannot_be_had_is_said_so(
    credentials: Credentials, identities: Identities, error: AzureError
):
    await credentials.headers(an_identity(scope="s1"))
    identities.opened[0].error = error
    with pytest.raises(CredentialUnavailable, match=error.message):
        await credentials.headers(an_identity(scope="s2"))


async def test_a_key_that_cannot_be_had_is_said_so(credentials: Credentials):
    with pytest.raises(CredentialUnavailable, match=r"keyvault:.*/north is empty or not set"):
        await credentials.headers(a_key("north"))


async def test_a_refused_token_needs_no_forgetting(credentials: Credentials, identities: Identities):
    await credentials.headers(an_identity())
    credentials.refused(an_identity())
    await credentials.headers(an_identity())
    assert len(identities.opened) == 1


async def test_closes_what_it_opened(credentials: Credentials, identities: Identities):
    await credentials.headers(an_identity("c1"))
    await credentials.close()
    assert identities.opened[0].closed
