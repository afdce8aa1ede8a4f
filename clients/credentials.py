"""How a deployment is told who we are: each by its own credential, never by another's."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError
from azure.identity.aio import ManagedIdentityCredential

from clients.secret_store import SecretStore
from domain.catalog import ApiKeyAuth, Auth, ManagedIdentityAuth
from domain.errors import CredentialUnavailable


def _managed_identity(client_id: str | None) -> AsyncTokenCredential:
    return ManagedIdentityCredential(client_id=client_id)


class Credentials:
    """Makes the headers that a deployment's `auth` asks for.

    Args:
        secrets: Where keys are read.
        open_identity: Makes the credential of an identity, user-assigned or, for None, the system-assigned one.
    """

    def __init__(
        self, secrets: SecretStore, open_identity: Callable[[str | None], AsyncTokenCredential] = _managed_identity
    ) -> None:
        self._secrets = secrets
        self._open_identity = open_identity
        self._identities = dict[str | None, AsyncTokenCredential]()
        self._locks = defaultdict[str | None, asyncio.Lock](asyncio.Lock)

    async def headers(self, auth: Auth) -> Mapping[str, str]:
        """The headers of one request.

        Raises:
            CredentialUnavailable: No token or key can be had.
        """
        match auth:
            case ApiKeyAuth():
                return {"api-key": await self._secrets.get(auth.secret)}
            case ManagedIdentityAuth():
                return {"authorization": f"Bearer {await self._token(auth)}"}

    def refused(self, auth: Auth) -> None:
        """The deployment refused what `headers` gave: read a rotated key anew."""
        if isinstance(auth, ApiKeyAuth):
            self._secrets.forget(auth.secret)

    async def close(self) -> None:
        """Close the connections."""
        for identity in self._identities.values():
            await identity.close()

    async def _token(self, auth: ManagedIdentityAuth) -> str:
        if auth.client_id not in self._identities:
            self._identities[auth.client_id] = self._open_identity(auth.client_id)
        identity = self._identities[auth.client_id]
        # The credential caches tokens, but twenty concurrent first calls would make twenty requests.
        async with self._locks[auth.client_id]:
            try:
                return (await identity.get_token(auth.scope)).token
            except AzureError as error:
                raise CredentialUnavailable(f"no managed identity token: {error.message}") from error
