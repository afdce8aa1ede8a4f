"""The tokens of one identity: fetched once for all who ask at the same time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from azure.core.credentials import AccessToken
from azure.core.exceptions import AzureError, ClientAuthenticationError

from clients.secret_store import SecretStore
from domain.auth import IdentityAuth, secrets_of
from domain.errors import CredentialUnavailable

_MESSAGE_LIMIT = 500


class Identity(Protocol):
    """What is used of azure-identity's asynchronous credentials."""

    async def get_token(self, *scopes: str) -> AccessToken:
        """A token, from the cache if there is a fresh one."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


type OpenIdentity = Callable[[IdentityAuth, SecretStore], Awaitable[Identity]]


class TokenSource:
    """Opens a credential when it is first needed, and keeps it; the credential itself renews its tokens in time.

    Args:
        auth: Whose tokens.
        secrets: Where its secrets are read.
        open_identity: Makes the credential.
    """

    def __init__(self, auth: IdentityAuth, secrets: SecretStore, open_identity: OpenIdentity) -> None:
        self._auth = auth
        self._secrets = secrets
        self._open_identity = open_identity
        self._identity: Identity | None = None
        # azure-identity caches tokens, but lets twenty concurrent first calls make twenty requests.
        self._lock = asyncio.Lock()

    async def token(self, scope: str) -> str:
        """An access token for a scope.

        Raises:
            CredentialUnavailable: None can be had.
        """
        async with self._lock:
            try:
                return await self._token(scope)
            except AzureError as error:
                raise self._unavailable(error.message) from error
            except (ValueError, OSError) as error:  # what is configured is wrong, or a federated token's file is away
                raise self._unavailable(str(error)) from error

    async def forget(self) -> None:
        """Begin anew, without the cached tokens and with secrets read again."""
        async with self._lock:
            await self._begin_anew()

    async def _token(self, scope: str) -> str:
        """A token; Entra, not the deployment, refuses a rotated client secret, which is then read again once."""
        try:
            return await self._token_of_the_open(scope)
        except ClientAuthenticationError:
            if not secrets_of(self._auth):
                raise
            await self._begin_anew()
            return await self._token_of_the_open(scope)

    async def _token_of_the_open(self, scope: str) -> str:
        self._identity = self._identity or await self._open_identity(self._auth, self._secrets)
        return (await self._identity.get_token(scope)).token

    async def _begin_anew(self) -> None:
        for reference in secrets_of(self._auth):
            self._secrets.forget(reference)
        identity, self._identity = self._identity, None
        if identity:
            await identity.close()

    def _unavailable(self, reason: str) -> CredentialUnavailable:
        return CredentialUnavailable(f"no {self._auth.kind} token: {' '.join(reason.split())}"[:_MESSAGE_LIMIT])
