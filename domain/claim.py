"""Whose a render job is."""

from datetime import datetime, timedelta
from typing import NamedTuple

from domain.submission import ANSWER_LIMIT_S, SETTLE_S


class Claim(NamedTuple):
    """A video's claim to a render job.

    Attributes:
        adopted_at: When the video found it in a list and took it for its own; None if it was told.
    """

    video_id: str
    adopted_at: datetime | None = None

    @property
    def settled_at(self) -> datetime | None:
        """When the job that the video had asked for has shown up, in case it adopted another's."""
        return self.adopted_at and self.adopted_at + timedelta(seconds=ANSWER_LIMIT_S + SETTLE_S)
