"""Video ids carry their creation time, so that a tenant and an id are enough to find the record."""

import re
from datetime import UTC, datetime, timedelta

PREFIX = "video_"
_TIME_DIGITS = 12
_RANDOM_DIGITS = 20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_PATTERN = re.compile(rf"{PREFIX}([0-9a-f]{{{_TIME_DIGITS}}})([0-9a-f]{{{_RANDOM_DIGITS}}})")


def new_video_id(now: datetime, randomness: bytes) -> str:
    """Make an id.

    Args:
        now: Creation time; kept to the millisecond.
        randomness: Ten random bytes.
    """
    # Whole milliseconds: seconds since 1970 as a float times 1000 may fall short of one.
    return f"{PREFIX}{(now - _EPOCH) // _MILLISECOND:0{_TIME_DIGITS}x}{randomness.hex()}"


def is_video_id(text: str) -> bool:
    """Whether the text has the form of an id of ours."""
    return _PATTERN.fullmatch(text) is not None


def created_at(video_id: str) -> datetime:
    """The creation time an id carries, to the millisecond, UTC."""
    return _EPOCH + int(_parts(video_id)[0], 16) * _MILLISECOND


def oldest_first_key(video_id: str) -> str:
    """A key that sorts as the ids were created."""
    return "".join(_parts(video_id))


def newest_first_key(video_id: str) -> str:
    """A key that sorts against the order of creation."""
    key = oldest_first_key(video_id)
    return f"{16 ** len(key) - 1 - int(key, 16):0{len(key)}x}"


def _parts(video_id: str) -> tuple[str, str]:
    if (match := _PATTERN.fullmatch(video_id)) is None:
        raise ValueError(f"not a video id: {video_id!r}")
    return match[1], match[2]
