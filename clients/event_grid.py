"""Publishes CloudEvents to an Event Grid topic."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.core.messaging import CloudEvent
from azure.eventgrid.aio import EventGridPublisherClient

from clients.service_key import ServiceKey
from domain.errors import CredentialUnavailable

LIMIT_S = 5.0
"""Whoever publishes waits for it."""
REST_S = 10.0
"""After a failure, so that a topic that is down holds nobody up."""
_log = logging.getLogger(__name__)


class EventGrid:
    """One topic.

    Args:
        client: Of the topic, without retries of its own.
        key: Its key; None if it knows us by our identity.
        monotonic: Seconds since some moment.
    """

    def __init__(
        self,
        client: EventGridPublisherClient,
        key: ServiceKey | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._key = key
        self._monotonic = monotonic
        self._rests_until = float("-inf")

    async def publish(self, events: Sequence[CloudEvent[Any]]) -> bool:
        """Publish events, in their order; whatever goes wrong is logged.

        Returns:
            Whether the topic has all of them; if not, it may have them all the same.
        """
        if self._monotonic() < self._rests_until:
            return False
        try:
            async with asyncio.timeout(LIMIT_S):
                if self._key:
                    await self._key.read()
                await self._client.send(list(events))
        except (AzureError, CredentialUnavailable, TimeoutError) as error:
            if self._key and isinstance(error, ClientAuthenticationError):
                self._key.forget()
            self._rests_until = self._monotonic() + REST_S
            _log.warning("Event Grid did not take the events; they are published later: %r", error)
            return False
        return True

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
