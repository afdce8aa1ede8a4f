"""One transaction for everything that changed in one pass of the event loop."""

import asyncio
from collections.abc import Callable


class GroupCommit:
    """Writes changes down in groups, then lets their consequences out.

    Args:
        write: Makes all changes so far durable, in one transaction.
        release: Called after every successful write, and only then.
    """

    def __init__(self, write: Callable[[], None], release: Callable[[], None]) -> None:
        self._write = write
        self._release = release
        self._next: asyncio.Future[None] | None = None

    def request(self) -> None:
        """Commit in the next pass of the event loop, with all that changes until then."""
        if self._next is None:
            loop = asyncio.get_running_loop()
            self._next = loop.create_future()
            loop.call_soon(self._commit, self._next)

    async def settled(self) -> None:
        """Return when everything that has changed so far is durable.

        Raises:
            sqlite3.Error: The changes could not be written; they are kept for the next commit.
        """
        if self._next is not None:
            await asyncio.shield(self._next)

    def _commit(self, done: asyncio.Future[None]) -> None:
        self._next = None
        try:
            self._write()
        except Exception as error:
            done.set_exception(error)
            done.exception()  # seen, even when nobody waits, such as after a timer
            raise  # the event loop logs it
        done.set_result(None)
        self._release()
