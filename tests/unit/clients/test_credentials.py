"""Each deployment is told who we are by its own credential."""

import asyncio
import logging
from collections.abc import Mapping

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import AzureError, ClientAuthenticationError, ServiceRequestError
from pydantic import TypeAdapter

from clients.credentials import Credentials
from clients.secret_store import SecretStore
from domain.auth import TOKEN_SCOPE, Auth, IdentityAuth, secrets_of
from domain.errors import CredentialUnavailable
from tests.unit.fakes import FakeVault, FakeVaults, keyvault_secret


class FakeIdentity:
    """A credential as azure-identity makes them: it remembers a token, but lets concurrent first calls all ask."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.tokens = dict[str, AccessToken]()
        self.requests = list[str]()
        self.error: Exception | None = None
        self.closed = False

    async def get_token(self, *scopes: str) -> AccessToken:
        (scope,) = scopes
        if scope not in self.tokens:
            self.requests.append(scope)
            await asyncio.sleep(0)
            if self.error:
                raise self.error
            self.tokens[scope] = AccessToken(f"token of {self.name} for {scope}", 0)
        return self.tokens[scope]

    async def close(self) -> None:
        self.closed = True


class Identities:
    """Opens identities, and remembers them; each is named by its secrets, else by its client, and numbered."""

    def __init__(self) -> None:
        self.opened = list[FakeIdentity]()

    async def __call__(self, auth: IdentityAuth, secrets: SecretStore) -> FakeIdentity:
        values = [await secrets.get(reference) for reference in secrets_of(auth)]
        name = "+".join(values) or getattr(auth, "client_id", None) or auth.kind
        self.opened.append(FakeIdentity(f"{name} {len(self.opened)}"))
        return self.opened[-1]


@pytest.fixture
def identities() -> Identities:
    return Identities()


@pytest.fixture
def vault() -> FakeVault:
    return FakeVault(east="east-key", west="west-key")


@pytest.fixture
def credentials(vault: FakeVault, identities: Identities) -> Credentials:
    return Credentials(SecretStore(FakeVaults(v=vault)), identities)


def an_auth(kind: str, **fields: object) -> Auth:
    return TypeAdapter[Auth](Auth).validate_python({"kind": kind, **fields})


def a_key(name: str, **fields: object) -> Auth:
    return an_auth("api_key", secret=keyvault_secret(name), **fields)


def an_identity(client_id: str | None = None, scope: str = TOKEN_SCOPE) -> Auth:
    return an_auth("managed_identity", client_id=client_id, scope=scope)


def an_app(secret: str) -> Auth:
    return an_auth("client_secret", tenant_id="t", client_id="c", secret=keyvault_secret(secret))


def a_user() -> Auth:
    return an_auth("username_password", client_id="c", username="ann@example.com", password=keyvault_secret("east"))


@pytest.mark.parametrize(
    ("auth", "headers"),
    [
        (an_auth("none"), {}),
        (a_key("east"), {"api-key": "east-key"}),
        (a_key("west", sent_as="bearer"), {"authorization": "Bearer west-key"}),
        (an_auth("entra_token", secret=keyvault_secret("west")), {"authorization": "Bearer west-key"}),
        (an_identity("c1"), {"authorization": f"Bearer token of c1 0 for {TOKEN_SCOPE}"}),
        (an_identity(None, "s2"), {"authorization": "Bearer token of managed_identity 0 for s2"}),
        (an_app("east"), {"authorization": f"Bearer token of east-key 0 for {TOKEN_SCOPE}"}),
        (a_user(), {"authorization": f"Bearer token of east-key 0 for {TOKEN_SCOPE}"}),
        (an_auth("azure_cli"), {"authorization": f"Bearer token of azure_cli 0 for {TOKEN_SCOPE}"}),
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


async def test_identities_that_differ_never_mix(credentials: Credentials):
    auths = [an_identity(), an_identity("c1"), an_app("east"), an_app("west"), a_key("east"), a_key("west")]
    headers = await asyncio.gather(*(credentials.headers(auth) for auth in auths * 3))
    assert len({str(one) for one in headers}) == len(auths)


@pytest.mark.parametrize("auth", [a_key("east"), an_app("east")])
async def test_a_rotated_secret_is_read_after_a_refusal(credentials: Credentials, vault: FakeVault, auth: Auth):
    old = await credentials.headers(auth)
    vault.secrets["east"] = "rotated"
    assert await credentials.headers(auth) == old
    new = await credentials.renewed(auth, old)
    assert "rotated" in str(new)
    assert await credentials.headers(auth) == new


async def test_twenty_refused_at_once_read_the_secret_once(credentials: Credentials, vault: FakeVault):
    old = await credentials.headers(a_key("east"))
    vault.secrets["east"] = "rotated"
    renewed = await asyncio.gather(*(credentials.renewed(a_key("east"), old) for _ in range(20)))
    assert renewed == [{"api-key": "rotated"}] * 20
    assert len(vault.reads) == 2


async def test_twenty_refused_at_once_fetch_one_token(credentials: Credentials, identities: Identities):
    old = await credentials.headers(an_identity())
    renewed = await asyncio.gather(*(credentials.renewed(an_identity(), old) for _ in range(20)))
    assert {str(one) for one in renewed} == {str(await credentials.headers(an_identity()))}
    assert [(identity.closed, len(identity.requests)) for identity in identities.opened] == [(True, 1), (False, 1)]


async def test_a_rotated_client_secret_that_entra_refuses_is_read_again_once_for_all(
    credentials: Credentials, identities: Identities, vault: FakeVault
):
    await credentials.headers(an_app("east"))
    identities.opened[0].tokens.clear()  # it has expired
    identities.opened[0].error = ClientAuthenticationError("invalid_client")
    vault.secrets["east"] = "rotated"
    headers = await asyncio.gather(*(credentials.headers(an_app("east")) for _ in range(20)))
    assert {one["authorization"] for one in headers} == {f"Bearer token of rotated 1 for {TOKEN_SCOPE}"}
    assert [(identity.closed, len(identity.requests)) for identity in identities.opened] == [(True, 2), (False, 1)]
    assert len(vault.reads) == 2


@pytest.mark.parametrize(
    "error",
    [
        ClientAuthenticationError("no identity"),
        ServiceRequestError("no endpoint"),
        ValueError("no tenant"),
        FileNotFoundError("no token file"),
    ],
)
async def test_a_token_that_cannot_be_had_is_said_so(
    credentials: Credentials, identities: Identities, error: Exception
):
    await credentials.headers(an_identity(scope="s1"))
    identities.opened[0].error = error
    said = error.message if isinstance(error, AzureError) else str(error)
    with pytest.raises(CredentialUnavailable, match=f"no managed_identity token: {said}"):
        await credentials.headers(an_identity(scope="s2"))


@pytest.mark.parametrize("auth", [a_key("north"), an_app("north")])
async def test_a_secret_that_cannot_be_had_is_said_so(credentials: Credentials, auth: Auth):
    with pytest.raises(CredentialUnavailable, match=r"keyvault:.*/north is empty or not set"):
        await credentials.headers(auth)


async def test_a_password_is_warned_of_once(credentials: Credentials, caplog: pytest.LogCaptureFixture):
    old = await credentials.headers(a_user())
    await credentials.renewed(a_user(), old)
    (warning,) = caplog.records
    assert warning.levelno == logging.WARNING
    assert "ann@example.com" in warning.message
    assert "deprecated" in warning.message
    assert "multi-factor" in warning.message
    assert "east-key" not in warning.message


async def test_closes_what_it_opened(credentials: Credentials, identities: Identities):
    await credentials.headers(an_identity("c1"))
    await credentials.close()
    assert identities.opened[0].closed
