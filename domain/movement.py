"""Movements of money: what accepting a video sets aside, and what its end takes of that or gives back.

    reserve   what it may cost at most is set aside, and it is in flight
    settle    it has ended and cost something; nothing is set aside any more
    release   it has ended and cost nothing
    correct   what it cost turned out differently after its end

Each belongs to one change of a video's record and is kept together with it, so there is none too many or too few.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict

from domain.video import Video

NOTHING: Final = Decimal(0)


class MovementKind(StrEnum):
    """What happens to the money."""

    RESERVE = "reserve"
    SETTLE = "settle"
    RELEASE = "release"
    CORRECT = "correct"


class Movement(BaseModel):
    """One of them, and what it was for; nothing that a tenant wrote.

    Attributes:
        key_id: The key that asked for the video, if it has an id.
        seconds: What was asked for; what is rendered may be more or less.
        reserved_usd: How much more is set aside than before.
        spent_usd: How much more is spent.
        in_flight: How many more videos are in flight.
    """

    model_config = ConfigDict(frozen=True)
    kind: MovementKind
    video_id: str
    key_id: str | None = None
    model: str
    deployment: str | None = None
    operation: str
    seconds: int
    size: str
    reserved_usd: Decimal = NOTHING
    spent_usd: Decimal = NOTHING
    in_flight: int = 0

    @classmethod
    def accepting(cls, video: Video) -> Self:
        """What accepting a video moves."""
        return cls._of(video, MovementKind.RESERVE, **_set_aside(video, 1))

    @classmethod
    def between(cls, before: Video, after: Video) -> Self | None:
        """What a change of a record moves, if it does."""
        spent_usd = (after.cost_usd or NOTHING) - (before.cost_usd or NOTHING if before.has_ended else NOTHING)
        if after.has_ended and not before.has_ended:
            kind = MovementKind.SETTLE if spent_usd else MovementKind.RELEASE
            return cls._of(after, kind, spent_usd=spent_usd, **_set_aside(after, -1))
        if after.has_ended and spent_usd:
            return cls._of(after, MovementKind.CORRECT, spent_usd=spent_usd)
        return None

    @classmethod
    def _of(cls, video: Video, kind: MovementKind, **moved: Any) -> Self:
        names = ("video_id", "key_id", "model", "deployment", "operation", "seconds", "size")
        return cls.model_validate({"kind": kind, **{name: getattr(video, name) for name in names}, **moved})


class Entry(Movement):
    """A movement as the ledger has it.

    Attributes:
        number: Its place in the tenant's ledger, from 1, without gaps.
        day: The day in UTC that it is booked on, ISO 8601; none is before that of the entry before.
        at: When it was booked, ISO 8601.
    """

    number: int
    day: str
    at: str

    @classmethod
    def booking(cls, movement: Movement, number: int, day: str, at: str) -> Self:
        """A movement at its place."""
        return cls.model_construct(**dict(movement), number=number, day=day, at=at)


def _set_aside(video: Video, sign: int) -> Mapping[str, Any]:
    """What is in flight with a video; nothing of one that was accepted before anything was set aside."""
    return {} if video.reserved_usd is None else {"reserved_usd": sign * video.reserved_usd, "in_flight": sign}
