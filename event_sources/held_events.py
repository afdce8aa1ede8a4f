"""Events that have to wait: each in a blob, offered again until it is accepted or refused.

held/TENANT/TIME-EVENT.json           what a tenant asks for by itself
held/TENANT.KEY/TIME-EVENT.json       what one of its keys asks for; each has a line of its own

The time is when it came to the end of its line. Event Grid would deliver it again, too, but only some ten times in a
day, however much has become free meanwhile.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple, Self

from clients.blob_store import BlobStore
from domain.errors import NotFound, ReelayError
from domain.inbox import HELD
from domain.timed_id import first_key_at
from event_sources.accept_once import NotNow
from event_sources.dead_letters import DeadLetters
from event_sources.grid_event import GridEvent
from event_sources.inbox import Inbox
from event_sources.video_requests import VideoRequests

type Receiver = VideoRequests | Inbox

PATIENCE: Final = timedelta(days=1)
"""What waits for longer is refused."""
GIVEN_UP_AFTER: Final = timedelta(days=2)
"""What can be neither accepted nor refused by then is put away."""
OFFERED_AT_ONCE: Final = 50
"""So many of each line in one run."""
_LINES_AT_ONCE: Final = 8
_log = logging.getLogger(__name__)


class Held(NamedTuple):
    """An event that has to wait.

    Attributes:
        since: When it came.
    """

    event: GridEvent
    since: datetime

    @classmethod
    def of(cls, content: bytes) -> Self:
        """Read one."""
        fields = json.loads(content)
        return cls(GridEvent.of_cloud_event(fields["event"]), datetime.fromisoformat(fields["since"]))

    def as_json(self) -> bytes:
        """What `of` reads."""
        return json.dumps({"since": self.since.isoformat(), "event": self.event.as_cloud_event()}).encode()


@dataclass(frozen=True)
class HeldEvents:
    """Keeps them.

    Attributes:
        blobs: Where.
        receivers: Who takes an event, by its type.
        dead_letters: Where those end with which nothing can be done.
        clock: The present time, UTC.
        limit_s: When a run ends, finished or not, in seconds.
    """

    blobs: BlobStore
    receivers: Mapping[str, Receiver]
    dead_letters: DeadLetters
    clock: Callable[[], datetime]
    limit_s: float

    async def let_have(self, receiver: Receiver, event: GridEvent) -> None:
        """Let somebody have an event that was delivered, and keep it if it has to wait.

        Raises:
            Exception: It is our fault, and the event is to be delivered again.
        """
        try:
            await receiver.receive(event)
        except NotNow as wait:
            await self._queue(f"{HELD}/{wait.line}/", Held(event, self.clock()))
            _log.info("the event %s of %s has to wait: %s", event.id, event.source, wait)

    async def offer_again(self) -> None:
        """Offer what waits, the oldest of each line first, until its caller has to wait again."""
        places = asyncio.Semaphore(_LINES_AT_ONCE)

        async def offer(line: str) -> None:
            async with places:
                try:
                    await self._offer_line(line)
                except Exception:  # noqa: BLE001 - whatever is wrong with one line, the others are offered
                    _log.exception("the events held at %s could not be offered", line)

        try:
            async with asyncio.timeout(self.limit_s):
                await asyncio.gather(*[offer(line) async for line in self.blobs.folders(f"{HELD}/")])
        except TimeoutError:
            _log.warning("the held events are not all offered after %g s; the next run goes on", self.limit_s)

    async def _offer_line(self, line: str) -> None:
        for blob in await self.blobs.first_names(line, OFFERED_AT_ONCE):
            try:
                held = Held.of(await self.blobs.read(blob))
            except NotFound:
                continue
            except (KeyError, TypeError, ValueError):  # written by another version, which may come back
                _log.exception("the held event %s cannot be read", blob)
                continue
            try:
                await self._offer(held)
            except NotNow as wait:
                if wait.is_for_all:
                    return
                await self._move(blob, line, held)
            except Exception:  # noqa: BLE001 - whatever is wrong with one event, the others are offered
                _log.exception("the event %s of %s could not be offered", held.event.id, held.event.source)
                await self._move(blob, line, held)
            else:
                await self.blobs.delete(blob)

    async def _offer(self, held: Held) -> None:
        waited = self.clock() - held.since
        if waited > GIVEN_UP_AFTER:
            await self.dead_letters.put(held.event, ReelayError("It could be neither accepted nor refused."))
            return
        receiver = self.receivers[held.event.type]
        await replace(receiver, insists=waited > PATIENCE).receive(held.event)

    async def _move(self, blob: str, line: str, held: Held) -> None:
        if await self._queue(line, held) != blob:
            await self.blobs.delete(blob)

    async def _queue(self, line: str, held: Held) -> str:
        """Let it be the last of its line, and say where that is."""
        blob = f"{line}{first_key_at(self.clock())}-{held.event.digest}.json"
        await self.blobs.put(blob, held.as_json(), "application/json")
        return blob
