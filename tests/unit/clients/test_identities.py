"""Each kind of identity is azure-identity's own credential, made of what is configured."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.identity import UsernamePasswordCredential
from azure.identity.aio import (
    AzureCliCredential,
    CertificateCredential,
    ClientSecretCredential,
    DefaultAzureCredential,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from pydantic import TypeAdapter

from clients.identities import open_identity
from domain.auth import IdentityAuth
from domain.errors import CredentialUnavailable
from tests.unit.fakes import a_secret_store, keyvault_secret

APP = {"tenant_id": "tenant", "client_id": "client"}
PASSWORD = "open sesame"


def an_auth(kind: str, **fields: Any) -> IdentityAuth:
    return TypeAdapter[IdentityAuth](IdentityAuth).validate_python({"kind": kind, **fields})


@pytest.fixture(scope="module")
def certificates() -> dict[str, str]:
    """One certificate with its key in each form that may be configured."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "reelay")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), serial_number=1)
    valid = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    certificate = valid.sign(key, hashes.SHA256())
    locked = serialization.BestAvailableEncryption(PASSWORD.encode())
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    public = certificate.public_bytes(pem).decode()
    pfx = pkcs12.serialize_key_and_certificates(b"reelay", key, certificate, None, serialization.NoEncryption())
    return {
        "pem": key.private_bytes(pem, pkcs8, serialization.NoEncryption()).decode() + public,
        "locked": key.private_bytes(pem, pkcs8, locked).decode() + public,
        "pfx": base64.b64encode(pfx).decode(),
        "noise": "not a certificate!",
    }


@pytest.mark.parametrize(
    ("auth", "kind"),
    [
        (an_auth("managed_identity"), ManagedIdentityCredential),
        (an_auth("client_secret", **APP, secret=keyvault_secret("app")), ClientSecretCredential),
        (an_auth("workload_identity", **APP, token_file="token"), WorkloadIdentityCredential),
        (an_auth("azure_cli"), AzureCliCredential),
        (an_auth("azure_cli", tenant_id="tenant"), AzureCliCredential),
        (an_auth("default"), DefaultAzureCredential),
        (an_auth("default", client_id="client"), DefaultAzureCredential),
    ],
)
async def test_a_kind_is_a_credential(auth: IdentityAuth, kind: type, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:1/token")
    monkeypatch.setenv("IDENTITY_HEADER", "header")
    identity = await open_identity(auth, a_secret_store(app="secret of the app"))
    assert type(identity) is kind
    await identity.close()


@pytest.mark.parametrize(("form", "password"), [("pem", None), ("locked", "password"), ("pfx", None)])
async def test_a_certificate_comes_in_the_forms_of_key_vault_and_openssl(
    certificates: dict[str, str], form: str, password: str | None
):
    secrets = a_secret_store(certificate=certificates[form], password=PASSWORD)
    lock = {"password": keyvault_secret(password)} if password else {}
    auth = an_auth("client_certificate", **APP, certificate=keyvault_secret("certificate"), **lock)
    identity = await open_identity(auth, secrets)
    assert type(identity) is CertificateCredential
    await identity.close()


async def test_what_is_no_certificate_is_refused_without_repeating_it(certificates: dict[str, str]):
    auth = an_auth("client_certificate", **APP, certificate=keyvault_secret("certificate"))
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - base64's or cryptography's own words
        await open_identity(auth, a_secret_store(certificate=certificates["noise"]))
    assert certificates["noise"] not in str(refused.value)


async def test_a_workload_identity_says_what_is_not_set():
    with pytest.raises(ValueError, match="'token_file_path'"):
        await open_identity(an_auth("workload_identity", **APP), a_secret_store())


async def test_a_secret_that_is_missing_is_named():
    auth = an_auth("client_secret", **APP, secret=keyvault_secret("app"))
    with pytest.raises(CredentialUnavailable, match="/secrets/app is empty or not set"):
        await open_identity(auth, a_secret_store())


async def test_a_users_token_is_fetched_in_a_thread_and_without_a_warning_of_the_library(
    monkeypatch: pytest.MonkeyPatch,
):
    asked = list[tuple[str, str, tuple[str, ...]]]()

    def get_token(self: Any, *scopes: str) -> AccessToken:
        asked.append((self._username, self._password, scopes))
        return AccessToken("token of ann", 0)

    monkeypatch.setattr(UsernamePasswordCredential, "get_token", get_token)
    user = {"client_id": "client", "username": "ann@example.com", "tenant_id": "tenant"}
    auth = an_auth("username_password", **user, password=keyvault_secret("password"))
    identity = await open_identity(auth, a_secret_store(password=PASSWORD))
    assert (await identity.get_token("scope")).token == "token of ann"
    assert asked == [("ann@example.com", PASSWORD, ("scope",))]
    await identity.close()
