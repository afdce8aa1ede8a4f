"""The Range header (RFC 9110, section 14), as far as players and download managers use it: one range of bytes."""

import re
from typing import NamedTuple

from domain.errors import RangeNotSatisfiable

_RANGE = re.compile(r"bytes=(?P<first>\d{0,18})-(?P<last>\d{0,18})")  # no blob has a longer offset; int() has limits


class ByteRange(NamedTuple):
    """A part of a content.

    Attributes:
        first: Offset of its first byte.
        last: Offset of its last byte.
    """

    first: int
    last: int

    @property
    def length(self) -> int:
        """In bytes."""
        return self.last - self.first + 1

    def content_range(self, total_bytes: int) -> str:
        """The Content-Range header."""
        return f"bytes {self.first}-{self.last}/{total_bytes}"


def parse_range(header: str | None, *, total_bytes: int) -> ByteRange | None:
    """The asked part; None for all of it, also for what is not understood, as the RFC wishes.

    Args:
        header: The Range header.
        total_bytes: The size of the content.

    Raises:
        RangeNotSatisfiable: The content does not reach that far.
    """
    match = _RANGE.fullmatch((header or "").strip())
    if match is None or match.group() == "bytes=-":
        return None
    first, last = match["first"], match["last"]
    if first:
        asked = ByteRange(int(first), min(int(last) if last else total_bytes - 1, total_bytes - 1))
    else:
        asked = ByteRange(max(total_bytes - int(last), 0), total_bytes - 1)
    if first and last and int(last) < int(first):
        return None
    if asked.length <= 0:
        raise RangeNotSatisfiable(total_bytes)
    return asked
