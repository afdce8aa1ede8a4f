"""Whose a render job is."""

from datetime import datetime
from typing import NamedTuple


class Claim(NamedTuple):
    """A video's claim to a render job.

    Attributes:
        settled_at: When the job has shown up that the video had asked for, in case the one that it found in a list and
            adopted is another's; None if it was told.
    """

    video_id: str
    settled_at: datetime | None = None
