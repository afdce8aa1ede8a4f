"""An uploaded video, known by its header: ISO/IEC 14496-12, as MP4 and QuickTime files have it."""

import math
from collections.abc import Iterator
from typing import NamedTuple

from domain.errors import InvalidRequest
from domain.file import File

_SIZE_BYTES = 4
_HEADER_BYTES = 8
_LONG_HEADER_BYTES = 16
BOX_HEADER_BYTES = _LONG_HEADER_BYTES
MOVIE = b"moov"
"""The kind of the box that tells what is in a file."""
_FIXED_POINT = 1 << 16
_PARAM = "video"
_LONGEST_S = 3600
_MOST_BOXES = 1_000
"""Within one other; a file has some dozens at most."""


class Box(NamedTuple):
    """What the header of a box says.

    Attributes:
        kind: Four letters.
        start: Where its body begins, in bytes.
        size: With the header, in bytes.
    """

    kind: bytes
    start: int
    size: int


class Clip(NamedTuple):
    """An uploaded video.

    Attributes:
        content: Its bytes, or where they are.
        seconds: Its length, rounded up.
        size: WIDTHxHEIGHT in pixels.
    """

    content: bytes | File
    seconds: int
    size: str
    content_type: str = "video/mp4"
    file_name: str = "source.mp4"


def read_clip(content: bytes) -> Clip:
    """Look at a file's boxes; nothing is decoded.

    Raises:
        InvalidRequest: It is no video that can be read.
    """
    try:
        movie = next(body for kind, body in _boxes(memoryview(content)) if kind == MOVIE)
        boxes = list(_boxes(movie))
        seconds = next(_seconds(body) for kind, body in boxes if kind == b"mvhd")
        tracks = [track for kind, track in boxes if kind == b"trak"]
        sizes = [_size(body) for track in tracks for kind, body in _boxes(track) if kind == b"tkhd"]
        width, height = max(sizes)
    except (StopIteration, IndexError, ValueError, ZeroDivisionError):
        width, height, seconds = 0, 0, 0
    if not (width and height and 0 < seconds <= _LONGEST_S):
        message = (
            "The video cannot be read. Send an MP4 file of an hour at most, or {'id': VIDEO_ID} of a completed video."
        )
        raise InvalidRequest(message, param=_PARAM, code="invalid_video")
    return Clip(content, seconds, f"{width}x{height}")


def read_box(head: memoryview, left: int) -> Box:
    """Read the header of a box.

    Args:
        head: The first bytes of it, `BOX_HEADER_BYTES` or more unless it is shorter.
        left: How many bytes there are from its beginning on.

    Raises:
        ValueError: It is none.
    """
    size, kind, start = _number(head[:_SIZE_BYTES]), bytes(head[_SIZE_BYTES:_HEADER_BYTES]), _HEADER_BYTES
    if size == 1:  # the size is a long one, behind the kind
        size, start = _number(head[_HEADER_BYTES:_LONG_HEADER_BYTES]), _LONG_HEADER_BYTES
    size = size or left  # none means to the end
    if size < start:
        raise ValueError("a box is smaller than its header")
    return Box(kind, start, size)


def _boxes(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Each box's kind and body."""
    for _ in range(_MOST_BOXES):
        if len(data) < _HEADER_BYTES:
            return
        box = read_box(data, len(data))
        yield box.kind, data[box.start : box.size]
        data = data[box.size :]
    raise ValueError("there are too many boxes")


def _seconds(movie_header: memoryview) -> int:
    """Times have eight bytes in the header's newer version, else four."""
    length = 8 if movie_header[0] == 1 else 4
    start = 4 + 2 * length
    timescale = _number(movie_header[start : start + 4])
    return math.ceil(_number(movie_header[start + 4 : start + 4 + length]) / timescale)


def _size(track_header: memoryview) -> tuple[int, int]:
    """The last two numbers, in fixed point."""
    width, height = track_header[-8:-4], track_header[-4:]
    return _number(width) // _FIXED_POINT, _number(height) // _FIXED_POINT


def _number(data: memoryview) -> int:
    return int.from_bytes(data)
