"""Invocations that nobody waits for: durable work, timers, manual starts."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from local.functions_host.worker import InvocationFailedError

_logger = logging.getLogger(__name__)


class BackgroundTasks:
    """Runs coroutines, and can wait for all of them at the end."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run a coroutine in a task of its own; what it raises is logged."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finish)
        return task

    async def drain(self, grace_s: float) -> None:
        """Let what runs finish, then cancel it.

        Args:
            grace_s: How long to wait, in seconds.
        """
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=grace_s)
        for task in late:
            task.cancel()

    def _finish(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, InvocationFailedError):  # that one is logged where it is raised
            _logger.error("a background task failed in the host", exc_info=error)
