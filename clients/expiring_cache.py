"""What was read a moment ago is not read again."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from math import inf
from typing import NamedTuple

from azure.core.exceptions import ServiceResponseTimeoutError

_LIMIT_S = 5.0
"""How long a reading may take: all who ask for the same wait for it."""
_log = logging.getLogger(__name__)


class _Kept[V](NamedTuple):
    value: V
    read_at: float


class ExpiringCache[K: Hashable, V]:
    """Remembers values for a while; whoever asks for the same one at the same time shares one read.

    Args:
        read: Reads a value. What it raises goes to all who wait for it, and is not remembered.
        fresh_s: How long a value is believed, in seconds from when its reading began.
        ahead_s: From this age on, whoever asks gets it at once, and has it read anew meanwhile.
        most: How many are remembered; beyond that, those go first that are too old, then those that are None, and then
            those first read.
        monotonic: Seconds since some moment.
    """

    def __init__(
        self,
        read: Callable[[K], Awaitable[V]],
        *,
        fresh_s: float,
        ahead_s: float | None = None,
        most: int = 10_000,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._fresh_s = fresh_s
        self._ahead_s = fresh_s if ahead_s is None else ahead_s
        self._most = most
        self._monotonic = monotonic
        self._kept = OrderedDict[K, _Kept[V]]()
        self._reading = dict[K, asyncio.Task[V]]()
        self._cleared_at = -inf

    async def get(self, key: K) -> V:
        """The value of a key: as a rule without a read.

        Raises:
            ServiceResponseTimeoutError: Reading it took too long.
        """
        kept = self._kept.get(key)
        age_s = self._monotonic() - kept.read_at if kept else self._fresh_s
        if age_s >= self._ahead_s and key not in self._reading:
            self._reading[key] = task = asyncio.create_task(self.renew(key))
            task.add_done_callback(lambda done: self._end(key, done))
        if kept and age_s < self._fresh_s:
            return kept.value
        return await asyncio.shield(self._reading[key])  # that one of them gives up is nothing to the others

    def known(self, key: K, otherwise: V) -> V:
        """What is remembered of a key, however old; otherwise this."""
        kept = self._kept.get(key)
        return kept.value if kept else otherwise

    async def renew(self, key: K) -> V:
        """The value of a key as it now is."""
        read_at = self._monotonic()
        try:
            async with asyncio.timeout(_LIMIT_S):
                value = await self._read(key)
        except TimeoutError as error:
            raise ServiceResponseTimeoutError(f"there was no answer within {_LIMIT_S:g} s") from error
        self._kept[key] = _Kept(value, read_at)
        self._kept.move_to_end(key, last=value is not None)
        if len(self._kept) > self._most:
            self._make_room()
        return value

    def _make_room(self) -> None:
        """Forget the one that goes first; those that are too old all at once, for to look at everything takes long."""
        now = self._monotonic()
        if now - self._cleared_at >= self._fresh_s:
            self._cleared_at = now
            self._kept = OrderedDict(item for item in self._kept.items() if now - item[1].read_at < self._fresh_s)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def _end(self, key: K, done: asyncio.Task[V]) -> None:
        del self._reading[key]
        # Perhaps nobody waits for it, but whoever asked first does.
        if not done.cancelled() and (error := done.exception()) and key in self._kept:
            _log.warning("what was read before could not be read anew: %r", error)
