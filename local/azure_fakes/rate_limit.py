"""The limit on requests a minute."""

from collections import deque
from typing import Final

WINDOW_S: Final = 60.0


class RateLimit:
    """Counts the requests of the last minute, in a sliding window."""

    def __init__(self) -> None:
        self._taken: deque[float] = deque()

    def take(self, limit: int, now: float) -> float | None:
        """Take one request.

        Returns:
            `None`, or how many seconds from now there will be room, when the limit is reached.
        """
        while self._taken and self._taken[0] <= now - WINDOW_S:
            self._taken.popleft()
        if len(self._taken) < limit:
            self._taken.append(now)
            return None
        return self._taken[0] + WINDOW_S - now if self._taken else WINDOW_S

    def headers(self, limit: int, now: float) -> dict[str, str]:
        """Return the `x-ratelimit-…-requests` headers."""
        reset_s = max(0.0, self._taken[0] + WINDOW_S - now) if self._taken else 0.0
        return {
            "x-ratelimit-limit-requests": str(limit),
            "x-ratelimit-remaining-requests": str(max(0, limit - len(self._taken))),
            "x-ratelimit-reset-requests": str(round(reset_s)),
        }
