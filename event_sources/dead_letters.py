"""Where events end that can never work: each in a blob, for somebody to look at."""

import json
import logging
from dataclasses import dataclass

from clients.blob_store import BlobStore
from clients.telemetry.metrics import DEAD_LETTERED
from domain.errors import ReelayError
from domain.inbox import DEAD_LETTERS
from event_sources.grid_event import GridEvent

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DeadLetters:
    """Keeps them.

    Attributes:
        blobs: Where.
    """

    blobs: BlobStore

    async def put(self, event: GridEvent, error: ReelayError) -> str:
        """Put an event away, and say why; one that is delivered again takes its own place.

        Returns:
            The blob it is in.
        """
        blob = f"{DEAD_LETTERS}/{event.digest}.json"
        letter = error.envelope() | {"event": event.as_cloud_event()}
        await self.blobs.put(blob, json.dumps(letter, indent=2).encode(), "application/json")
        DEAD_LETTERED.add(1)
        _log.warning("the event %s of %s is put away as %s: %s", event.id, event.source, blob, error.message)
        return blob
