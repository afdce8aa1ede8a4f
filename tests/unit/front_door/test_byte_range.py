"""A range is what a naive reading of its numbers says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import RangeNotSatisfiable
from front_door.byte_range import ByteRange, parse_range

CONTENT = bytes(range(50))

offsets = st.integers(0, 60)
totals = st.integers(0, 50)


def answer(header: str | None, total: int = len(CONTENT)) -> bytes | None:
    """The bytes that are sent; None for 416."""
    content = CONTENT[:total]
    try:
        part = parse_range(header, total_bytes=total)
    except RangeNotSatisfiable as refused:
        return None if refused.headers() == {"content-range": f"bytes */{total}"} else b"a wrong header"
    return content if part is None else content[part.first : part.first + part.length]


def picked(total: int, first: int, last: int) -> bytes | None:
    """The same, byte by byte; nothing picked cannot be satisfied."""
    return bytes(byte for offset, byte in enumerate(CONTENT[:total]) if first <= offset <= last) or None


@given(offsets, offsets, totals)
def test_from_first_to_last(first: int, last: int, total: int):
    expected = CONTENT[:total] if last < first else picked(total, first, last)
    assert answer(f"bytes={first}-{last}", total) == expected


@given(offsets, totals)
def test_from_first_to_the_end(first: int, total: int):
    assert answer(f"bytes={first}-", total) == picked(total, first, total)


@given(offsets, totals)
def test_the_last_so_many(count: int, total: int):
    assert answer(f"bytes=-{count}", total) == picked(total, total - count, total)


@pytest.mark.parametrize(
    "header",
    [None, "", "bytes=-", "bytes=5-2", "bytes=a-b", "bytes=0-1,3-4", "lines=0-1", "0-1", "bytes=0-1 x", "bytes=+1-2"],
)
def test_what_is_not_understood_is_answered_with_all_of_it(header: str | None):
    assert answer(header) == CONTENT


@given(st.text())
def test_no_header_breaks_anything(header: str):
    answer(f"bytes={header}")


def test_numbers_beyond_reason_break_nothing():
    assert answer(f"bytes=0-{'9' * 18}") == CONTENT
    assert answer(f"bytes=0-{'9' * 5000}") == CONTENT


def test_says_which_part_it_is():
    assert ByteRange(10, 19).content_range(50) == "bytes 10-19/50"
    assert ByteRange(10, 19).length == 10
