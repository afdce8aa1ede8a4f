"""How often somebody may still ask, as OpenAI's clients are told."""

from collections.abc import Mapping
from typing import NamedTuple


class Rate(NamedTuple):
    """What is left of a limit on requests.

    Attributes:
        limit: Requests within a minute.
        remaining: So many of them may come at once, now.
        reset_s: When all of them may, in seconds.
    """

    limit: int
    remaining: int
    reset_s: float

    def headers(self) -> Mapping[str, str]:
        """The same, by OpenAI's names."""
        return {
            "x-ratelimit-limit-requests": str(self.limit),
            "x-ratelimit-remaining-requests": str(self.remaining),
            "x-ratelimit-reset-requests": f"{self.reset_s:.3f}s",
        }
