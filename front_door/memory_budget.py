"""Bounds memory that many requests share."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from domain.errors import Busy

_RETRY_AFTER_S = 2


class MemoryBudget:
    """So many bytes, borrowed and given back.

    Args:
        total_bytes: How much there is.
        patience_s: How long a borrower waits for its turn.
    """

    def __init__(self, total_bytes: int, *, patience_s: float = 3.0) -> None:
        self.total_bytes = total_bytes
        self._patience_s = patience_s
        self._free_bytes = total_bytes
        self._returned = asyncio.Condition()

    @asynccontextmanager
    async def borrow(self, size_bytes: int) -> AsyncGenerator[None]:
        """Hold some of it, waiting briefly until there is enough.

        Raises:
            Busy: There was not; come back later.
        """
        try:
            async with asyncio.timeout(self._patience_s), self._returned:
                await self._returned.wait_for(lambda: self._free_bytes >= size_bytes)
                self._free_bytes -= size_bytes
        except TimeoutError:
            raise Busy("Too much content is being read just now.", retry_after_s=_RETRY_AFTER_S) from None
        try:
            yield
        finally:
            async with self._returned:
                self._free_bytes += size_bytes
                self._returned.notify_all()
