"""Stand-ins for those who hear of events: a topic, webhook receivers, and the tables of the latter."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import httpx
from azure.core.exceptions import ServiceRequestError
from azure.core.messaging import CloudEvent
from azure.eventgrid.aio import EventGridPublisherClient

from activities.announce import Announcer
from clients.blob_store import BlobStore
from clients.event_grid import EventGrid
from clients.secret_store import SecretStore
from clients.video_table import VideoTable
from clients.webhook_deliveries import WebhookDeliveries, cursor_of
from clients.webhook_endpoints import Tell, WebhookEndpoints
from clients.webhook_sender import WebhookSender
from clients.webhooks import Webhooks
from domain.errors import NotFound
from domain.webhook import Delivery, SigningSecret, WebhookEndpoint, WebhookType
from tests.unit.examples import NOW, TENANT
from tests.unit.fakes import a_secret_store

SECRET = "whsec_c2VjcmV0IG9mIGFjbWU="


def an_endpoint(**changes: Any) -> WebhookEndpoint:
    """An endpoint of the usual tenant that wants everything."""
    fields: dict[str, Any] = {
        "endpoint_id": "we_1",
        "tenant": TENANT,
        "url": "https://acme.example/hook",
        "events": tuple(WebhookType),
        "secrets": (SigningSecret(value=SECRET),),
        "created_at": NOW,
    }
    return WebhookEndpoint.model_validate(fields | changes)


class FakeTopic:
    """`EventGridPublisherClient` of one topic.

    Attributes:
        events: What it took.
        error: What it raises instead.
        calls: How often it was asked.
    """

    def __init__(self) -> None:
        self.events = list[CloudEvent[Any]]()
        self.error: Exception | None = None
        self.calls = 0

    def as_client(self) -> EventGridPublisherClient:
        return cast("EventGridPublisherClient", self)

    def is_down(self) -> None:
        self.error = ServiceRequestError("nobody is there")

    async def send(self, events: list[CloudEvent[Any]]) -> None:
        self.calls += 1
        if self.error:
            raise self.error
        self.events += events


class FakeEndpoints:
    """`WebhookEndpoints`: everybody knows of a change at once."""

    def __init__(self, *endpoints: WebhookEndpoint) -> None:
        self.kept = {endpoint.endpoint_id: endpoint for endpoint in endpoints}

    def as_table(self) -> WebhookEndpoints:
        return cast("WebhookEndpoints", self)

    async def of(self, tenant: str) -> Sequence[WebhookEndpoint]:
        return [endpoint for endpoint in self.kept.values() if endpoint.tenant == tenant]

    async def find(self, endpoint_id: str) -> WebhookEndpoint | None:
        return self.kept.get(endpoint_id)

    async def all(self) -> Sequence[WebhookEndpoint]:
        return list(self.kept.values())

    async def get(self, endpoint_id: str) -> WebhookEndpoint:
        if endpoint_id not in self.kept:
            raise NotFound(f"There is no webhook endpoint '{endpoint_id}'.", code="webhook_not_found")
        return self.kept[endpoint_id]

    async def insert(self, endpoint: WebhookEndpoint) -> None:
        self.kept[endpoint.endpoint_id] = endpoint

    async def amend(
        self, endpoint_id: str, change: Callable[[WebhookEndpoint], WebhookEndpoint], tell: Tell | None = None
    ) -> WebhookEndpoint:
        before = await self.get(endpoint_id)
        if tell:
            await tell(before, change(before))
        self.kept[endpoint_id] = change(before)
        return self.kept[endpoint_id]

    async def remove(self, endpoint_id: str) -> None:
        del self.kept[endpoint_id]


class FakeDeliveries:
    """`WebhookDeliveries`: one for each event and endpoint."""

    def __init__(self) -> None:
        self.kept = dict[tuple[str, str], Delivery]()
        self.broken: Exception | None = None
        """What writing raises."""

    def as_table(self) -> WebhookDeliveries:
        return cast("WebhookDeliveries", self)

    def add(self, delivery: Delivery) -> None:
        self.kept[_key(delivery)] = delivery

    async def insert(self, delivery: Delivery) -> bool:
        if self.broken:
            raise self.broken
        is_new = _key(delivery) not in self.kept
        self.kept.setdefault(_key(delivery), delivery)
        return is_new

    async def update(self, before: Delivery, after: Delivery) -> None:
        if self.broken:
            raise self.broken
        self.kept[_key(before)] = after

    async def remove(self, delivery: Delivery) -> None:
        self.kept.pop(_key(delivery), None)

    async def due(self, now: datetime, *, limit: int, of_each: int) -> Sequence[Delivery]:
        due, count = list[Delivery](), Counter[str]()
        for each in sorted(self.kept.values(), key=lambda each: each.look_at):
            if each.look_at <= now and count[each.endpoint_id] < of_each:
                count[each.endpoint_id] += 1
                due.append(each)
        return due[:limit]

    async def page(self, endpoint_id: str, *, after: str | None, limit: int) -> Sequence[Delivery]:
        mine = [each for each in self.kept.values() if each.endpoint_id == endpoint_id]
        mine.sort(key=cursor_of)
        return [each for each in mine if after is None or cursor_of(each) > after][:limit]


@dataclass
class Listeners:
    """Who hears of events, all of them reachable, and nobody until a test says so.

    Attributes:
        received: What arrived at webhook receivers.
        answers: What they answer, in this order; then 204. An exception is raised.
        silent_host: Who never answers.
        unanswered: How often that was asked.
        meanwhile: What happens while one is asked.
    """

    clock: Callable[[], datetime]
    topic: FakeTopic | None = None
    endpoints: FakeEndpoints = field(default_factory=FakeEndpoints)
    deliveries: FakeDeliveries = field(default_factory=FakeDeliveries)
    received: list[httpx.Request] = field(default_factory=list)
    answers: list[int | Exception] = field(default_factory=list)
    silent_host: str | None = None
    unanswered: int = 0
    meanwhile: Callable[[], None] = lambda: None
    secrets: SecretStore = field(default_factory=a_secret_store)

    def webhooks(self) -> Webhooks:
        http = httpx.AsyncClient(transport=httpx.MockTransport(self._receive))
        return Webhooks(
            endpoints=self.endpoints.as_table(),
            deliveries=self.deliveries.as_table(),
            sender=WebhookSender(http, self.secrets, self.clock),
            clock=self.clock,
        )

    def announcer(self, videos: VideoTable, contents: BlobStore) -> Announcer:
        event_grid = EventGrid(self.topic.as_client(), monotonic=self._monotonic) if self.topic else None
        return Announcer(videos, contents, event_grid, self.webhooks())

    def _monotonic(self) -> float:
        return self.clock().timestamp()

    def _receive(self, request: httpx.Request) -> httpx.Response:
        self.meanwhile()
        if request.url.host == self.silent_host:
            self.unanswered += 1
            raise httpx.ReadTimeout("nobody answers")
        answer = self.answers.pop(0) if self.answers else 204
        if isinstance(answer, Exception):
            raise answer
        self.received.append(request)
        return httpx.Response(answer)


def _key(delivery: Delivery) -> tuple[str, str]:
    return delivery.endpoint_id, delivery.event_id
