"""Reads a large blob line by line, from anywhere, with little memory."""

from collections.abc import AsyncIterator
from typing import Final

from clients.blob_store import BlobStore
from domain.batch_line import LINE_LIMIT_BYTES, Line

SLICE_BYTES: Final = 512 * 1024
SMALL_SLICE_BYTES: Final = 64 * 1024
NO_LINE: Final = Line(0, 0, b"")
"""What is before the first line."""
_KEPT_BYTES = LINE_LIMIT_BYTES + 1


async def lines_after(
    before: Line, store: BlobStore, blob: str, *, size_bytes: int, slice_bytes: int = SLICE_BYTES
) -> AsyncIterator[Line]:
    """The lines of a blob, in order.

    Args:
        before: The line before the first one.
        store: Where it is.
        blob: Its name.
        size_bytes: Its length.
        slice_bytes: How much is read at once.

    Raises:
        NotFound: There is no such blob.
    """
    number, end, _ = before
    held, dropped = b"", 0
    for start in range(end, size_bytes, slice_bytes):
        chunk = await store.read(blob, offset=start, length=min(slice_bytes, size_bytes - start))
        *whole, rest = chunk.split(b"\n")
        for piece in whole:
            text = held + piece
            number, end = number + 1, end + dropped + len(text) + 1
            yield Line(number, end, text[:_KEPT_BYTES])
            held, dropped = b"", 0
        held += rest
        dropped += max(len(held) - _KEPT_BYTES, 0)
        held = held[:_KEPT_BYTES]
    if held:
        yield Line(number + 1, size_bytes, held)
