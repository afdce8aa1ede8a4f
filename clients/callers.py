"""Finds out who is calling, by the key that was sent or by what was kept of an earlier call."""

from collections.abc import Sequence

from clients.caller_keys import CallerKeys
from clients.secret_store import SecretStore
from clients.settings import CallerKey
from domain.caller import Caller


class Callers:
    """Knows the callers.

    Args:
        configured: The keys of the configuration.
        secrets: Reads them.
    """

    def __init__(self, configured: Sequence[CallerKey], secrets: SecretStore) -> None:
        self._keys = CallerKeys(configured, secrets)
        self._configured = {key.tenant: Caller(tenant=key.tenant, weight=key.weight) for key in configured}

    async def by_key(self, presented: str) -> Caller | None:
        """Who sent a key; None if it is not accepted."""
        tenant = await self._keys.tenant_of(presented)
        return self._configured[tenant] if tenant else None

    async def by_id(self, tenant: str, key_id: str | None = None) -> Caller | None:
        """Who asked with a key before; None if tenant and key are no longer accepted, or never were."""
        return self._configured.get(tenant) if key_id is None else None
