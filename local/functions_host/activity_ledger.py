"""What keeps an activity from running twice in this host when the engine, restarted, hands it out again."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from durabletask.internal import orchestrator_service_pb2 as pb

# How long a result waits to be asked for again once its stream is gone, in seconds. The engine may also never ask:
# it may have recorded the result just before it died.
_PARKED_RESULT_S = 60


@dataclass(slots=True)
class Stream:
    """One connection to the engine; when it ends, the engine hands out again what it had leased to it.

    Attributes:
        alive: False from the moment the connection is known to be lost.
    """

    alive: bool = True


@dataclass(slots=True)
class _Entry:
    token: str
    stream: Stream
    response: pb.ActivityResponse | None = None


class ActivityLedger:
    """Runs each activity once, and answers with the token under which it was handed out last.

    Args:
        run: Runs an activity; a failure of the activity is a response too.
        complete: Gives a response to the engine; False when it did not get there.
    """

    def __init__(
        self,
        run: Callable[[pb.ActivityRequest], Awaitable[pb.ActivityResponse]],
        complete: Callable[[pb.ActivityResponse], Awaitable[bool]],
    ) -> None:
        self._run = run
        self._complete = complete
        self._entries: dict[tuple[str, str, int], _Entry] = {}

    async def handle(self, request: pb.ActivityRequest, token: str, stream: Stream) -> None:
        """Run an activity, or join it to the same one that runs or ran already."""
        instance = request.orchestrationInstance
        key = (instance.instanceId, instance.executionId.value, request.taskId)
        entry = self._entries.get(key)
        if entry is None:
            await self._run_new(key, request, token, stream)
        else:
            entry.token, entry.stream = token, stream
            await self._deliver(key, entry)

    async def _run_new(
        self, key: tuple[str, str, int], request: pb.ActivityRequest, token: str, stream: Stream
    ) -> None:
        entry = self._entries[key] = _Entry(token, stream)
        try:
            entry.response = await self._run(request)
        except BaseException:
            del self._entries[key]
            raise
        await self._deliver(key, entry)

    async def _deliver(self, key: tuple[str, str, int], entry: _Entry) -> None:
        if entry.response is None:
            return
        token, stream = entry.token, entry.stream
        entry.response.completionToken = token
        # After its stream has ended a token counts for nothing, and the engine answers as if it had counted.
        delivered = stream.alive and await self._complete(entry.response) and stream.alive
        if delivered and entry.token == token:
            self._forget(key, entry)
        else:
            asyncio.get_running_loop().call_later(_PARKED_RESULT_S, self._forget, key, entry)

    def _forget(self, key: tuple[str, str, int], entry: _Entry) -> None:
        if self._entries.get(key) is entry:
            del self._entries[key]
