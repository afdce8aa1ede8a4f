"""A server's wish to be asked again later is understood in each of its forms."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from clients.retry_after import retry_after_s


def wish(**headers: str) -> float | None:
    return retry_after_s(
        httpx.Response(429, headers={name.replace("_", "-"): value for name, value in headers.items()})
    )


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after_ms": "1500"}, 1.5),
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": "0.5"}, 0.5),
        ({"retry_after_ms": "250", "retry_after": "9"}, 0.25),
        ({"retry_after_ms": "soon", "retry_after": "9"}, 9.0),
        ({"retry_after": "-3"}, 0.0),
        ({}, None),
        ({"retry_after": ""}, None),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "inf"}, None),
        ({"retry_after_ms": "nan"}, None),
    ],
)
def test_a_number_is_read(headers: dict[str, str], seconds: float | None):
    assert wish(**headers) == seconds


def test_a_date_is_read():
    tomorrow = format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True)
    assert wish(retry_after=tomorrow) == pytest.approx(86_400, abs=60)


def test_a_date_that_is_past_asks_for_no_wait():
    assert wish(retry_after="Wed, 21 Oct 2015 07:28:00 GMT") == 0
