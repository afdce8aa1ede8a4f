"""What a batch may be asked for with."""

import re
from datetime import timedelta
from typing import Final

from domain.errors import InvalidRequest

LONGEST_INPUT_BYTES: Final = 200 * 1024 * 1024
_SHORTEST, _LONGEST = timedelta(hours=1), timedelta(days=7)
_PATTERN = re.compile(r"(?P<count>[1-9]\d{0,3})(?P<unit>[hd])")


def completion_window(text: str) -> timedelta:
    """How long a batch may begin videos.

    Args:
        text: For example `24h` or `7d`.

    Raises:
        InvalidRequest: It is no such text, or too short or too long.
    """
    if match := _PATTERN.fullmatch(text):
        window = int(match["count"]) * timedelta(**{{"h": "hours", "d": "days"}[match["unit"]]: 1})
        if _SHORTEST <= window <= _LONGEST:
            return window
    message = "The completion_window must be from 1h to 7d, for example 24h."
    raise InvalidRequest(message, param="completion_window")
