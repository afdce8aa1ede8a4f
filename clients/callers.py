"""Finds out who is calling, by the key that was sent or by what was kept of an earlier call."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from clients.administration import Administration
from clients.caller_keys import CallerKeys
from clients.entra_tokens import EntraTokens, is_token
from clients.recent_records import RecentRecords
from domain.api_key import ApiKey, digest_of, is_secret
from domain.caller import Caller
from domain.errors import Unauthorized

HOW_TO_BEGIN: Final = (
    "Nobody can call yet, for there is no API key. Whoever runs this service makes the first one: "
    """curl -X POST https://HOST/v1/admin/keys -H "api-key: $ADMIN_KEY" -H "content-type: application/json" """
    """-d '{"tenant": "acme", "name": "first"}', where ADMIN_KEY is what REELAY_ADMIN_KEY refers to."""
)


class Callers:
    """Knows the callers.

    Args:
        configured: The keys of the configuration.
        records: The other keys, and the tenants.
        clock: The present time, UTC.
        tokens: Reads Entra's tokens; None if nobody may come with one.
        monotonic: Seconds since some moment.
    """

    def __init__(
        self,
        configured: CallerKeys,
        records: Administration,
        clock: Callable[[], datetime],
        *,
        tokens: EntraTokens | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._configured = configured
        self._clock = clock
        self._tokens = tokens
        self._records = RecentRecords(records, monotonic)

    async def by_key(self, presented: str) -> Caller:
        """Who sent a key, or a token instead; as a rule without a read.

        Raises:
            Unauthorized: It is not accepted.
            Busy: Nobody can tell just now.
        """
        digest = digest_of(presented)
        if is_secret(presented) and (key := await self._records.key_by_digest(digest)):
            key.check_secret(digest, self._clock())
            return await self._of_key(key)
        if tenant := await self._configured.tenant_of(presented):
            return await self._caller(tenant)
        if self._tokens and is_token(presented):
            return await self._of_app(await self._tokens.app_of(presented))
        raise await self.refusal("The API key is not accepted here. Ask whoever runs this service for one.")

    async def by_id(self, tenant: str, key_id: str | None = None) -> Caller | None:
        """Who asked with a key before; None if tenant and key are no longer accepted, or never were."""
        try:
            if key_id is None:
                return await self._caller(tenant) if await self._is_known(tenant) else None
            key = await self._records.key(key_id)
            return await self._of_key(key) if key and key.tenant == tenant else None
        except Unauthorized:
            return None

    async def refusal(self, message: str) -> Unauthorized:
        """What a stranger is told: while there is no key at all, how to make the first one."""
        return Unauthorized(HOW_TO_BEGIN if await self.are_none() else message)

    async def are_none(self) -> bool:
        """Whether nobody can call: there is no key, and no application that could come without one."""
        if self._configured.weights or await self._records.is_any_key():
            return False
        return self._tokens is None or not await self._records.is_any_tenant()

    async def _is_known(self, tenant: str) -> bool:
        return tenant in self._configured.weights or await self._records.tenant(tenant) is not None

    async def _of_app(self, app: str) -> Caller:
        if not await self._is_known(app):
            raise Unauthorized(f"The application {app} is no tenant here. Whoever runs this service can make it one.")
        return await self._caller(app)

    async def _of_key(self, key: ApiKey) -> Caller:
        key.check(self._clock())
        own = {"key_id": key.key_id, "allowance": key.allowance, "key_limits": key.limits}
        return await self._caller(key.tenant, key.weight, **own)

    async def _caller(self, name: str, weight: float | None = None, **own: Any) -> Caller:
        tenant = await self._records.tenant(name)
        if tenant is None:
            return Caller(tenant=name, weight=weight or self._configured.weights.get(name, 1.0), **own)
        if tenant.disabled:
            raise Unauthorized(f"The tenant {name} is disabled.")
        weight = weight or tenant.weight or self._configured.weights.get(name, 1.0)
        own.setdefault("allowance", tenant.allowance)
        return Caller(tenant=name, tenant_limits=tenant.limits, weight=weight, **own)
