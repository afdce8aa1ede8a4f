"""Ids that carry their creation time, so that a tenant and an id are enough to find a row, and rows sort by it."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count

_TIME_DIGITS = 12
_RANDOM_DIGITS = 20
_DIGITS = _TIME_DIGITS + _RANDOM_DIGITS
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

ID_RANDOM_BYTES = _RANDOM_DIGITS // 2


def draws_of(seed: str) -> Callable[[int], bytes]:
    """In the place of randomness: of the same seed the same draws, one after the other."""
    numbers = count()
    return lambda size: sha256(f"{seed}{next(numbers)}".encode()).digest()[:size]


class TimedIds:
    """The ids of one kind of thing.

    Args:
        kind: What a thing is called in messages.
        prefix: How its ids begin.
    """

    def __init__(self, kind: str, prefix: str) -> None:
        self._kind = kind
        self._prefix = prefix
        self._pattern = re.compile(rf"{prefix}([0-9a-f]{{{_DIGITS}}})")

    def new(self, now: datetime, randomness: bytes) -> str:
        """Make an id.

        Args:
            now: Creation time; kept to the millisecond.
            randomness: `ID_RANDOM_BYTES` of it.
        """
        return f"{self._prefix}{first_key_at(now)}{randomness.hex()}"

    def has(self, text: str) -> bool:
        """Whether the text has the form of such an id."""
        return self._pattern.fullmatch(text) is not None

    def created_at(self, an_id: str) -> datetime:
        """The creation time an id carries, to the millisecond, UTC."""
        return _EPOCH + int(self.oldest_first_key(an_id)[:_TIME_DIGITS], 16) * _MILLISECOND

    def oldest_first_key(self, an_id: str) -> str:
        """A key that sorts as the ids were created."""
        if (match := self._pattern.fullmatch(an_id)) is None:
            raise ValueError(f"not a {self._kind} id: {an_id!r}")
        return match[1]

    def newest_first_key(self, an_id: str) -> str:
        """A key that sorts against the order of creation."""
        return reversed_key(self.oldest_first_key(an_id))

    def of_key(self, oldest_first_key: str) -> str:
        """The id that has this key."""
        return f"{self._prefix}{oldest_first_key}"


def reversed_key(key: str) -> str:
    """The newest-first key that belongs to an oldest-first one, and the other way round."""
    return f"{16 ** len(key) - 1 - int(key, 16):0{len(key)}x}"


def first_key_at(moment: datetime) -> str:
    """What sorts before the oldest-first keys of this millisecond and after those of all milliseconds before."""
    # Whole milliseconds: seconds since 1970 as a float times 1000 may fall short of one.
    return f"{(moment - _EPOCH) // _MILLISECOND:0{_TIME_DIGITS}x}"
