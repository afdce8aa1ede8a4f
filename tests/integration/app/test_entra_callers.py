"""Callers without a key: a token of Entra, checked against the keys that its issuer publishes, opens the door."""

import ssl
from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import jwt
import pytest
from azure.data.tables.aio import TableClient
from cryptography.hazmat.primitives.asymmetric import rsa

from clients.administration import Administration
from clients.caller_keys import CallerKeys
from clients.callers import Callers
from clients.entra_tokens import EntraTokens
from clients.secret_store import SecretStore
from clients.signing_keys import SigningKeys
from domain.audit import AuditEntry
from domain.caller import Caller
from domain.errors import Busy, Unauthorized
from domain.tenant import Tenant
from local.azure_fakes.fakes import Fakes
from local.azure_fakes.faults import Effect, Fault, Operation
from local.azure_fakes.signing import SigningKey

APP, DIRECTORY, AUDIENCE = "33333333-3333-3333-3333-333333333333", "acme", "api://reelay"


class Entra:
    """The issuer, and an app that knows it."""

    def __init__(self, fakes: Fakes, http: httpx.AsyncClient, records: Administration) -> None:
        self.fakes, self.http, self.now = fakes, http, 0.0
        self.issuer = f"{fakes.vault_url}/{DIRECTORY}/v2.0"
        keys = SigningKeys(self.issuer, http, lambda: self.now)
        tokens = EntraTokens(keys, issuer=self.issuer, audience=AUDIENCE)
        self.callers = Callers(CallerKeys([], SecretStore(no_vault)), records, clock, tokens=tokens)

    async def token(self) -> str:
        """As an application gets it."""
        form = {"grant_type": "client_credentials", "client_id": APP, "client_secret": "secret"}
        url = f"{self.fakes.vault_url}/{DIRECTORY}/oauth2/v2.0/token"
        answer = await self.http.post(url, data={**form, "scope": f"{AUDIENCE}/.default"})
        return answer.raise_for_status().json()["access_token"]

    def signed(self, lifetime_s: int = 60, **claims: Any) -> str:
        """A token as the issuer would sign it."""
        right = {"iss": self.issuer, "aud": AUDIENCE, "azp": APP}
        told = {name: value for name, value in (right | claims).items() if value is not None}
        return self.fakes.world.entra_key.sign(told, lifetime_s=lifetime_s)

    @property
    def fetches(self) -> int:
        return self.fakes.world.requests["token"]


def clock() -> datetime:
    return datetime.now(UTC)


def no_vault(url: str) -> Any:
    raise AssertionError(url)


@pytest.fixture
async def entra(fakes: Fakes, table: TableClient) -> AsyncGenerator[Entra]:
    fakes.world.change_settings({"applications": {APP: "secret"}})
    records, tenant = Administration.on(table), Tenant(name=APP, created_at=clock())
    entry = AuditEntry(entry_id=f"audit_{'0' * 32}", at=clock(), actor="a", action="b", subject=APP, tenant=APP)
    await records.tenants.insert(tenant, entry)
    async with httpx.AsyncClient(verify=ssl.create_default_context(cafile=fakes.vault_ca)) as http:
        yield Entra(fakes, http, records)


async def test_an_application_is_the_tenant_of_its_id(entra: Entra):
    token = await entra.token()
    before = entra.fetches
    for _ in range(3):
        assert await entra.callers.by_key(token) == Caller(tenant=APP)
    assert entra.fetches - before == 2, "where the keys are, and the keys"


async def test_a_token_of_the_first_version_names_it_otherwise(entra: Entra):
    assert await entra.callers.by_key(entra.signed(azp=None, appid=APP)) == Caller(tenant=APP)


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"aud": "api://other"}, "Audience"),
        ({"iss": "https://evil.example/v2.0"}, "issuer"),
        ({"lifetime_s": -120}, "expired"),
        ({"nbf": 4_000_000_000}, "not yet valid"),
        ({"scp": "user_impersonation"}, "is a user's"),
        ({"azp": None}, "which application"),
        ({"azp": {"a": "b"}}, "which application"),
        ({"azp": "inbox"}, "which application"),
        ({"azp": "a'b/c"}, "which application"),
        ({"azp": APP.replace("3", "4")}, "no tenant here"),
    ],
)
async def test_any_other_token_is_refused(entra: Entra, claims: Mapping[str, Any], why: str):
    with pytest.raises(Unauthorized, match=why):
        await entra.callers.by_key(entra.signed(**claims))


async def test_a_token_that_is_not_the_issuers_is_refused(entra: Entra):
    right = jwt.decode(entra.signed(), options={"verify_signature": False})
    header = {"kid": entra.fakes.world.entra_key.key_id}
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    published = entra.fakes.world.entra_key.published()["n"]
    for forged in (
        jwt.encode(right, stranger, "RS256", header),
        jwt.encode(right, stranger, "PS256", header),
        jwt.encode(right, published, "HS256", header),
        jwt.encode(right, None, "none", header),
        entra.signed()[:-4] + "AAAA",
        "eyJ.e30.x",
    ):
        with pytest.raises(Unauthorized):
            await entra.callers.by_key(forged)


async def test_a_new_signing_key_is_fetched_and_unknown_ones_at_most_once_a_minute(entra: Entra):
    await entra.callers.by_key(entra.signed())
    entra.fakes.world.entra_key, before = SigningKey(), entra.fetches
    for _ in range(3):
        with pytest.raises(Unauthorized, match="unknown key"):
            await entra.callers.by_key(entra.signed())
    assert entra.fetches == before
    entra.now += 60
    assert await entra.callers.by_key(entra.signed()) == Caller(tenant=APP)
    assert entra.fetches - before == 2


async def test_an_issuer_that_is_down_makes_known_keys_no_less_known(entra: Entra):
    with pytest.raises(Unauthorized):  # the keys are known now
        await entra.callers.by_key(entra.signed(aud="x"))
    entra.fakes.world.faults.add([Fault(operation=Operation.TOKEN, effect=Effect.STATUS, status=503, times=99)])
    entra.now += 90_000
    assert await entra.callers.by_key(entra.signed()) == Caller(tenant=APP)


async def test_while_the_keys_cannot_be_had_nobody_is_refused_for_good(entra: Entra, table: TableClient):
    entra.issuer = "https://127.0.0.1:9/nobody"
    keys = SigningKeys(entra.issuer, entra.http, lambda: entra.now)
    tokens = EntraTokens(keys, issuer=entra.issuer, audience=AUDIENCE)
    callers = Callers(CallerKeys([], SecretStore(no_vault)), Administration.on(table), clock, tokens=tokens)
    with pytest.raises(Busy):
        await callers.by_key(entra.signed())
