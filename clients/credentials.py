"""How a deployment is told who we are: each by its own credential, never by another's."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping

from clients.identities import open_identity
from clients.secret_store import SecretStore
from clients.token_source import OpenIdentity, TokenSource
from domain.auth import (
    TOKEN_SCOPE,
    ApiKeyAuth,
    Auth,
    EntraTokenAuth,
    IdentityAuth,
    NoAuth,
    UsernamePasswordAuth,
)

_log = logging.getLogger(__name__)


class Credentials:
    """Makes the headers that a deployment's `auth` asks for.

    Args:
        secrets: Where keys are read.
        open_identity: Makes the credential of an identity.
    """

    def __init__(self, secrets: SecretStore, open_identity: OpenIdentity = open_identity) -> None:
        self._secrets = secrets
        self._open_identity = open_identity
        self._sources = dict[IdentityAuth, TokenSource]()
        self._renewals = defaultdict[Auth, asyncio.Lock](asyncio.Lock)

    async def headers(self, auth: Auth) -> Mapping[str, str]:
        """The headers of one request.

        Raises:
            CredentialUnavailable: No token or key can be had.
        """
        match auth:
            case NoAuth():
                return {}
            case ApiKeyAuth(sent_as="api-key"):
                return {"api-key": await self._secrets.get(auth.secret)}
            case ApiKeyAuth() | EntraTokenAuth():
                return _bearer(await self._secrets.get(auth.secret))
            case _:
                return _bearer(await self._source(auth).token(auth.scope))

    async def renewed(self, auth: Auth, refused: Mapping[str, str]) -> Mapping[str, str]:
        """The headers to use instead of refused ones; secret and token are read anew, once for all who were refused.

        Raises:
            CredentialUnavailable: No token or key can be had.
        """
        async with self._renewals[auth]:
            if await self.headers(auth) == refused:
                await self._forget(auth)
            return await self.headers(auth)

    async def close(self) -> None:
        """Close the connections."""
        for source in self._sources.values():
            await source.forget()

    async def _forget(self, auth: Auth) -> None:
        match auth:
            case NoAuth():
                pass
            case ApiKeyAuth() | EntraTokenAuth():
                self._secrets.forget(auth.secret)
            case _:
                await self._source(auth).forget()

    def _source(self, auth: IdentityAuth) -> TokenSource:
        identity = auth.model_copy(update={"scope": TOKEN_SCOPE})  # one for all its scopes
        if identity not in self._sources:
            if isinstance(identity, UsernamePasswordAuth):
                _log.warning(
                    "username_password of %s: deprecated by Microsoft, and fails where multi-factor authentication is "
                    "required; use managed_identity or client_certificate",
                    identity.username,
                )
            self._sources[identity] = TokenSource(identity, self._secrets, self._open_identity)
        return self._sources[identity]


def _bearer(token: str) -> Mapping[str, str]:
    return {"authorization": f"Bearer {token}"}
