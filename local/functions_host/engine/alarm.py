"""Wall-clock alarms on the event loop, which keeps all of them in one heap."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime


def utc_now() -> datetime:
    """The present moment, aware and in UTC."""
    return datetime.now(UTC)


class Alarm:
    """Rings once, when a moment of the wall clock has come.

    Args:
        due: The moment, aware; one in the past rings in the next pass of the event loop.
        ring: What to call then.
    """

    def __init__(self, due: datetime, ring: Callable[[], None]) -> None:
        self._due = due
        self._ring = ring
        self._arm()

    def cancel(self) -> None:
        """Never ring."""
        self._handle.cancel()

    def _arm(self) -> None:
        delay_s = max(0.0, (self._due - utc_now()).total_seconds())
        self._handle = asyncio.get_running_loop().call_later(delay_s, self._check)

    def _check(self) -> None:
        # The loop counts monotonic time: the wall clock may have been set back, or the delay rounded down.
        if utc_now() < self._due:
            self._arm()
        else:
            self._ring()
