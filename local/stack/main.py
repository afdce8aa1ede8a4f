"""Running a coroutine as a program that stops in good order when it is told to."""

import asyncio
import signal
import sys
from collections.abc import Coroutine, Iterator
from typing import Any

from local.stack.errors import StartError

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(program: Coroutine[Any, Any, int], *, when_stopped: int) -> int:
    """Runs a program and returns its exit code.

    The first SIGINT, SIGTERM or SIGHUP cancels it, further ones are ignored so that it can clean up; the exit code is
    then `when_stopped`. A `StartError` is printed, with exit code 1.
    """
    try:
        return asyncio.run(_until_signalled(program, when_stopped))
    except* StartError as failure:
        for error in _leaves(failure):
            print(error, file=sys.stderr)
    return 1


async def _until_signalled(program: Coroutine[Any, Any, int], when_stopped: int) -> int:
    loop, task = asyncio.get_running_loop(), asyncio.create_task(program)

    def stop(received: signal.Signals) -> None:
        print(f"stopping ({received.name})", file=sys.stderr, flush=True)
        for signal_number in STOP_SIGNALS:
            loop.add_signal_handler(signal_number, lambda: None)
        task.cancel()

    for signal_number in STOP_SIGNALS:
        loop.add_signal_handler(signal_number, stop, signal_number)
    try:
        return await task
    except asyncio.CancelledError:
        if not task.cancelling():  # nobody asked for it
            raise
        return when_stopped


def _leaves(group: BaseExceptionGroup[StartError]) -> Iterator[StartError]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
