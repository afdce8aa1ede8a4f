"""Keys and tenants as they were seconds ago, as good as always without a read.

Every change of any of them changes one small row, so that row is all that has to be read again and again: while it is
the same, so are they.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from clients.administration import Administration
from clients.expiring_cache import ExpiringCache
from domain.api_key import ApiKey
from domain.tenant import Tenant

FRESH_S: Final = 8.0
"""How long it may take until a change is noticed, and the time of a read."""
_AHEAD_S: Final = 2.0
_KEPT_S: Final = 300.0
"""What somebody changed in the table by hand is noticed after this long."""
_DIGESTS_AT_ONCE: Final = 16
"""So many secrets are looked up at the same time, for strangers make up as many as they like."""

type _Dated = tuple[str | None, str]
"""What is asked for, and after which change: what was read before that is of no use any more."""


class RecentRecords:
    """Remembers what was read.

    Args:
        records: Where it is read.
        monotonic: Seconds since some moment.
    """

    def __init__(self, records: Administration, monotonic: Callable[[], float] = time.monotonic) -> None:
        def remembered[T](read: Callable[[str], Awaitable[T]]) -> ExpiringCache[_Dated, T]:
            return ExpiringCache(
                lambda dated: read(dated[1]), fresh_s=_KEPT_S, ahead_s=_KEPT_S / 2, monotonic=monotonic
            )

        self._newest = ExpiringCache[str, str | None](
            lambda _: records.audit.newest_change(), fresh_s=FRESH_S, ahead_s=_AHEAD_S, monotonic=monotonic
        )
        reading = asyncio.Semaphore(_DIGESTS_AT_ONCE)

        async def by_digest(digest: str) -> ApiKey | None:
            async with reading:
                return await records.keys.by_digest(digest)

        self._by_digest = remembered(by_digest)
        self._by_id = remembered(records.keys.find)
        self._tenants = remembered(records.tenants.find)
        self._is_any_key = remembered(lambda _: records.keys.is_any())
        self._is_any_tenant = remembered(lambda _: records.tenants.is_any())

    async def key_by_digest(self, digest: str) -> ApiKey | None:
        """The key that is known by a secret, if there is one."""
        return await self._by_digest.get(await self._dated(digest))

    async def key(self, key_id: str) -> ApiKey | None:
        """A key, if there is one."""
        return await self._by_id.get(await self._dated(key_id))

    async def tenant(self, name: str) -> Tenant | None:
        """The record of a tenant, if there is one."""
        return await self._tenants.get(await self._dated(name))

    async def is_any_key(self) -> bool:
        """Whether any key can be used."""
        return await self._is_any_key.get(await self._dated(""))

    async def is_any_tenant(self) -> bool:
        """Whether any tenant is on record."""
        return await self._is_any_tenant.get(await self._dated(""))

    async def _dated(self, asked: str) -> _Dated:
        return (await self._newest.get(""), asked)
