"""When a server wishes to be asked again."""

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx


def retry_after_s(response: httpx.Response) -> float | None:
    """The wish in seconds, from `retry-after-ms` or `retry-after` (seconds or a date); None if there is none."""
    if (milliseconds := _number(response.headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1000
    text = response.headers.get("retry-after")
    if (seconds := _number(text)) is not None:
        return seconds
    return _until(text) if text else None


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return max(number, 0.0) if math.isfinite(number) else None


def _until(text: str) -> float | None:
    try:
        return max((parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return None
