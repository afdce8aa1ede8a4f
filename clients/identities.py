"""Opens the azure-identity credential that an `auth` describes."""

import asyncio
import base64
import warnings
from collections.abc import Mapping
from typing import Any

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

from clients.secret_store import SecretStore
from clients.token_source import Identity
from domain.auth import (
    AzureCliAuth,
    ClientCertificateAuth,
    ClientSecretAuth,
    DefaultAuth,
    IdentityAuth,
    ManagedIdentityAuth,
    UsernamePasswordAuth,
    WorkloadIdentityAuth,
)


async def open_identity(auth: IdentityAuth, secrets: SecretStore, **transport: Any) -> Identity:
    """Make the credential of an identity.

    Args:
        auth: Whose.
        secrets: Where its secrets are read.
        transport: How an application's tokens are fetched, in azure-core's words; only a stand-in of Entra needs it.

    Raises:
        CredentialUnavailable: A secret of it cannot be had.
        ValueError: It cannot be made of what is configured; the message holds no secret.
    """
    match auth:
        case ClientSecretAuth():
            secret = await secrets.get(auth.secret)
            return ClientSecretCredential(auth.tenant_id, auth.client_id, secret, **transport)
        case ClientCertificateAuth():
            return await _certificate(auth, secrets, transport)
        case UsernamePasswordAuth():
            return _UserPassword(auth, await secrets.get(auth.password))
        case WorkloadIdentityAuth(tenant_id=tenant_id, client_id=client_id, token_file=path):
            return WorkloadIdentityCredential(
                tenant_id=tenant_id, client_id=client_id, token_file_path=path, **transport
            )
        case _:
            return _without_secret(auth)


def _without_secret(auth: ManagedIdentityAuth | AzureCliAuth | DefaultAuth) -> Identity:
    match auth:
        case ManagedIdentityAuth(client_id=client_id):
            return ManagedIdentityCredential(client_id=client_id)
        case AzureCliAuth(tenant_id=tenant_id):
            return AzureCliCredential(tenant_id=tenant_id or "")
        case DefaultAuth(client_id=client_id):
            return DefaultAzureCredential(**{"managed_identity_client_id": client_id} if client_id else {})


async def _certificate(
    auth: ClientCertificateAuth, secrets: SecretStore, transport: Mapping[str, Any]
) -> CertificateCredential:
    text = await secrets.get(auth.certificate)
    password = await secrets.get(auth.password) if auth.password else None
    data = text.encode() if text.startswith("-----BEGIN") else base64.b64decode(text)
    return CertificateCredential(auth.tenant_id, auth.client_id, certificate_data=data, password=password, **transport)


class _UserPassword:
    """`UsernamePasswordCredential` exists for threads only, so it is given one."""

    def __init__(self, auth: UsernamePasswordAuth, password: str) -> None:
        tenant: dict[str, Any] = {"tenant_id": auth.tenant_id} if auth.tenant_id else {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # `Credentials` logs it, where an operator will see it
            self._blocking = UsernamePasswordCredential(auth.client_id, auth.username, password, **tenant)

    async def get_token(self, *scopes: str) -> AccessToken:
        return await asyncio.to_thread(self._blocking.get_token, *scopes)

    async def close(self) -> None:
        await asyncio.to_thread(self._blocking.close)
