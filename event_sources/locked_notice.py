"""Tells the log, once, that nobody can call yet."""

import logging

from clients.callers import HOW_TO_BEGIN, Callers

_log = logging.getLogger(__name__)


class LockedNotice:
    """Looks once whether there is any key.

    Args:
        callers: Who may call.
    """

    def __init__(self, callers: Callers) -> None:
        self._callers = callers
        self._has_looked = False

    async def give(self) -> None:
        """Say how to make the first key, if there is none."""
        if not self._has_looked and await self._callers.are_none():
            _log.warning(HOW_TO_BEGIN)
        self._has_looked = True
