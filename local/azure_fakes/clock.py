"""The clock that jobs live by."""

import time


class Clock:
    """Real time plus an offset, so that a day can pass in a test."""

    def __init__(self) -> None:
        self.offset_s = 0.0

    def now(self) -> float:
        """Return the time as Unix seconds."""
        return time.time() + self.offset_s
