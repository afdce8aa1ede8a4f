"""What was read a moment ago is not read again."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import NamedTuple


class _Kept[V](NamedTuple):
    value: V
    until: float


class ExpiringCache[K: Hashable, V]:
    """Remembers values for a while; whoever asks for the same one at the same time shares one read.

    Args:
        read: Reads a value. What it raises goes to all who wait for it, and is not remembered.
        fresh_s: How long a value is believed, in seconds from when its reading began.
        most: How many are remembered; beyond that, those first read go first.
        monotonic: Seconds since some moment.
    """

    def __init__(
        self,
        read: Callable[[K], Awaitable[V]],
        *,
        fresh_s: float,
        most: int = 10_000,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._fresh_s = fresh_s
        self._most = most
        self._monotonic = monotonic
        self._kept = dict[K, _Kept[V]]()
        self._reading = dict[K, asyncio.Task[V]]()

    async def get(self, key: K) -> V:
        """The value of a key: as a rule without a read."""
        kept = self._kept.get(key)
        if kept and self._monotonic() < kept.until:
            return kept.value
        if key not in self._reading:
            self._reading[key] = asyncio.create_task(self.renew(key))
            self._reading[key].add_done_callback(lambda _: self._reading.pop(key))
        return await asyncio.shield(self._reading[key])  # that one of them gives up is nothing to the others

    def known(self, key: K, otherwise: V) -> V:
        """What is remembered of a key, however old; otherwise this."""
        kept = self._kept.get(key)
        return kept.value if kept else otherwise

    async def renew(self, key: K) -> V:
        """The value of a key as it now is."""
        until = self._monotonic() + self._fresh_s
        value = await self._read(key)
        self._kept.pop(key, None)
        self._kept[key] = _Kept(value, until)
        if len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]
        return value
