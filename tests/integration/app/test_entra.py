"""Applications of Microsoft Entra: the real azure-identity proves who we are, and a deployment takes its token."""

import asyncio
import base64
from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import NoReturn

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from clients.credentials import Credentials
from clients.identities import open_identity
from clients.secret_store import SecretStore
from clients.videos_api import VideosApi
from domain.catalog import Deployment
from domain.errors import NoCredential, UpstreamUnauthorized
from local.azure_fakes.fakes import Fakes
from tests.unit.examples import a_deployment, a_video

APP = {"tenant_id": "22222222-2222-2222-2222-222222222222", "client_id": "33333333-3333-3333-3333-333333333333"}
ID = APP["client_id"]


def no_vault(url: str) -> NoReturn:
    raise AssertionError(url)


@pytest.fixture
async def api(fakes: Fakes, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[VideosApi]:
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", fakes.vault_url)
    open_here = partial(open_identity, connection_verify=str(fakes.vault_ca), retry_total=0)
    credentials = Credentials(SecretStore(no_vault), open_here)
    async with httpx.AsyncClient() as http:
        yield VideosApi(http, credentials)
    await credentials.close()


def a_certificate() -> Mapping[str, str]:
    """One certificate: what Entra knows of it, and the forms in which it is kept with its key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "reelay")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), serial_number=1)
    signed = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1)).sign(key, hashes.SHA256())
    pem, pkcs8, unlocked = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    pfx = pkcs12.serialize_key_and_certificates(b"reelay", key, signed, None, unlocked)
    return {
        "public": public.decode(),
        "pem": (key.private_bytes(pem, pkcs8, unlocked) + signed.public_bytes(pem)).decode(),
        "pfx": base64.b64encode(pfx).decode(),
    }


def a_deployment_of(fakes: Fakes, **auth: str) -> Deployment:
    return a_deployment(endpoint=f"{fakes.url}/sora-2/openai/v1/", auth=auth)


async def test_a_client_secret_opens_a_deployment(api: VideosApi, fakes: Fakes, monkeypatch: pytest.MonkeyPatch):
    fakes.world.change_settings({"applications": {ID: "secret of the app"}})
    monkeypatch.setenv("APP_SECRET", "secret of the app")
    deployment = a_deployment_of(fakes, kind="client_secret", **APP, secret="env:APP_SECRET")

    jobs = await asyncio.gather(*(api.create(deployment, a_video()) for _ in range(20)))

    assert {job.upstream_id for job in jobs} == {job.id for job in fakes.world.jobs}
    assert fakes.world.requests["token"] == 1


async def test_a_client_secret_that_was_rotated_is_read_again(
    api: VideosApi, fakes: Fakes, monkeypatch: pytest.MonkeyPatch
):
    fakes.world.change_settings({"applications": {ID: "new"}})
    monkeypatch.setenv("APP_SECRET", "old")
    deployment = a_deployment_of(fakes, kind="client_secret", **APP, secret="env:APP_SECRET")
    with pytest.raises(NoCredential, match="AADSTS7000215"):
        await api.create(deployment, a_video())

    monkeypatch.setenv("APP_SECRET", "new")

    assert (await api.create(deployment, a_video())).upstream_id


@pytest.mark.parametrize("form", ["pem", "pfx"])
async def test_a_certificate_opens_a_deployment(api: VideosApi, fakes: Fakes, form: str, tmp_path: Path):
    certificate = a_certificate()
    fakes.world.change_settings({"applications": {ID: certificate["public"]}})
    file = tmp_path / "certificate"
    file.write_text(certificate[form])
    deployment = a_deployment_of(fakes, kind="client_certificate", **APP, certificate=f"file:{file}")

    assert (await api.create(deployment, a_video())).upstream_id


async def test_anothers_certificate_opens_nothing(api: VideosApi, fakes: Fakes, tmp_path: Path):
    fakes.world.change_settings({"applications": {ID: a_certificate()["public"]}})
    file = tmp_path / "certificate"
    file.write_text(a_certificate()["pem"])
    deployment = a_deployment_of(fakes, kind="client_certificate", **APP, certificate=f"file:{file}")

    with pytest.raises(NoCredential, match=r"no client_certificate token: .*AADSTS7000215"):
        await api.create(deployment, a_video())


async def test_a_federated_token_opens_a_deployment(
    api: VideosApi, fakes: Fakes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    fakes.world.change_settings({"applications": {ID: "token of the cluster"}})
    file = tmp_path / "token"
    file.write_text("token of the cluster")
    monkeypatch.setenv("AZURE_TENANT_ID", APP["tenant_id"])
    monkeypatch.setenv("AZURE_CLIENT_ID", ID)
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(file))
    deployment = a_deployment_of(fakes, kind="workload_identity")

    assert (await api.create(deployment, a_video())).upstream_id


async def test_a_stranger_is_told_so_by_entra(api: VideosApi, fakes: Fakes, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("APP_SECRET", "secret")
    deployment = a_deployment_of(fakes, kind="client_secret", **APP, secret="env:APP_SECRET")

    with pytest.raises(NoCredential, match=r"no client_secret token: .*AADSTS700016"):
        await api.create(deployment, a_video())


async def test_a_scope_of_another_service_opens_no_deployment(
    api: VideosApi, fakes: Fakes, monkeypatch: pytest.MonkeyPatch
):
    fakes.world.change_settings({"applications": {ID: "secret"}})
    monkeypatch.setenv("APP_SECRET", "secret")
    scope = "https://graph.microsoft.com/.default"
    deployment = a_deployment_of(fakes, kind="client_secret", **APP, secret="env:APP_SECRET", scope=scope)

    with pytest.raises(UpstreamUnauthorized):
        await api.create(deployment, a_video())
