"""Tells a tenant's webhook endpoints what happened: at least once, however long an endpoint is down within a day."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from clients.webhook_deliveries import WebhookDeliveries
from clients.webhook_endpoints import WebhookEndpoints
from clients.webhook_sender import WebhookSender
from domain.errors import NotFound
from domain.webhook import Delivery, DeliveryStatus, WebhookEndpoint, WebhookEvent

LOOKED_AT_IN_A_RUN, OF_EACH_IN_A_RUN = 500, 50
"""All deliveries, and those to one endpoint: a slow one leaves room for the others."""
AT_ONCE, OF_EACH_AT_ONCE = 50, 5
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Webhooks:
    """Queues deliveries, and makes the attempts.

    Attributes:
        endpoints: Who wants to hear of what.
        deliveries: What is on its way.
        sender: Sends it.
        clock: The present time, UTC.
        schemes: What the URLs of endpoints begin with.
    """

    endpoints: WebhookEndpoints
    deliveries: WebhookDeliveries
    sender: WebhookSender
    clock: Callable[[], datetime]
    schemes: Sequence[str] = ("https",)

    async def tell(self, tenant: str, event: WebhookEvent) -> None:
        """Tell everybody who wants to hear of an event; once this returns, they will be told whatever happens.

        Told twice, it is delivered once: what counts is the event's id.
        """
        await self.attempt(await self.queue(tenant, [event]))

    async def are_wanted(self, tenant: str, events: Sequence[WebhookEvent]) -> bool:
        """Whether anybody wants to hear of any of these."""
        return any(endpoint.wants(event) for endpoint in await self.endpoints.of(tenant) for event in events)

    async def queue(self, tenant: str, events: Sequence[WebhookEvent]) -> Sequence[Delivery]:
        """Write down what is to be delivered.

        Returns:
            What was not yet.
        """
        endpoints, now = await self.endpoints.of(tenant), self.clock()
        wanted = [
            Delivery.of(event, endpoint, now) for event in events for endpoint in endpoints if endpoint.wants(event)
        ]
        return [delivery for delivery in wanted if await self.deliveries.insert(delivery)]

    async def attempt(self, deliveries: Sequence[Delivery]) -> None:
        """Try to deliver these now, a few at once to each endpoint; the timer tries again what fails."""
        at_once = asyncio.Semaphore(AT_ONCE)
        of_each = defaultdict[str, asyncio.Semaphore](lambda: asyncio.Semaphore(OF_EACH_AT_ONCE))

        async def look(delivery: Delivery) -> None:
            async with of_each[delivery.endpoint_id], at_once:
                try:
                    await self._look_at(delivery)
                except Exception:  # noqa: BLE001 - whatever is wrong with one delivery, the others need their attempts
                    _log.exception("%s could not be attempted; it stays due", delivery.event_id)

        await asyncio.gather(*(look(delivery) for delivery in deliveries))

    async def retry(self, now: datetime) -> int:
        """Look at the deliveries whose time has come, the longest due first.

        Returns:
            How many there were.
        """
        due = await self.deliveries.due(now, limit=LOOKED_AT_IN_A_RUN, of_each=OF_EACH_IN_A_RUN)
        await self.attempt(due)
        return len(due)

    async def _look_at(self, delivery: Delivery) -> None:
        """Forget what was over long ago, and try what is not."""
        endpoint = await self.endpoints.find(delivery.endpoint_id)
        if endpoint is None or delivery.status is not DeliveryStatus.PENDING:
            await self.deliveries.remove(delivery)
        elif not endpoint.enabled:
            await self.deliveries.update(delivery, delivery.given_up(self.clock(), "The endpoint is disabled."))
        else:
            await self._try(delivery, endpoint)

    async def _try(self, delivery: Delivery, endpoint: WebhookEndpoint) -> None:
        attempt = await self.sender.send(endpoint, delivery.event_id, delivery.body)
        await self.deliveries.update(delivery, delivery.after(attempt))
        if attempt.error:
            _log.warning("%s did not arrive at %s: %s", delivery.event_id, endpoint.endpoint_id, attempt.error)
        if attempt.is_gone:
            await self._disable(endpoint)

    async def _disable(self, endpoint: WebhookEndpoint) -> None:
        try:
            await self.endpoints.amend(
                endpoint.endpoint_id, lambda kept: kept.gone() if kept.url == endpoint.url else kept
            )
        except NotFound:
            _log.info("%s was removed meanwhile", endpoint.endpoint_id)
