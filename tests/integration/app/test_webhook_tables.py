"""Endpoints and deliveries in Table Storage: nothing is lost between two rows, and only what is due is read."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from azure.data.tables.aio import TableClient

from clients.webhook_deliveries import DUE, WebhookDeliveries, cursor_of
from clients.webhook_endpoints import FRESH_S, WebhookEndpoints
from domain.errors import NotFound
from domain.webhook import RETRY_AFTER, Attempt, Delivery, WebhookEndpoint, WebhookEvent, WebhookType
from tests.unit.listeners import an_endpoint

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MOMENT = timedelta(milliseconds=1)
ENDPOINT = an_endpoint(created_at=NOW)


@pytest.fixture
def deliveries(table: TableClient) -> WebhookDeliveries:
    return WebhookDeliveries(table)


def a_delivery(number: int = 0, *, seconds: float = 0) -> Delivery:
    at = NOW + timedelta(seconds=seconds)
    event = WebhookEvent(id=f"evt_{number}", type=WebhookType.VIDEO_FAILED, at=at, resource_id="video_1")
    return Delivery.of(event, ENDPOINT, at)


def failed(delivery: Delivery) -> Delivery:
    return delivery.after(Attempt(at=delivery.look_at, status_code=500, error="HTTP 500", took_ms=7))


async def due_rows(table: TableClient) -> int:
    query = table.query_entities("PartitionKey eq @due", parameters={"due": DUE})
    return len([row async for row in query])


async def test_a_delivery_is_due_at_its_time_and_comes_back_as_it_was(deliveries: WebhookDeliveries):
    delivery = a_delivery()
    assert await deliveries.insert(delivery)
    assert await deliveries.due(delivery.look_at - MOMENT, limit=9, of_each=9) == []
    assert await deliveries.due(delivery.look_at, limit=9, of_each=9) == [delivery]


async def test_an_event_is_kept_once_for_an_endpoint(deliveries: WebhookDeliveries, table: TableClient):
    first, again = a_delivery(), a_delivery().model_copy(update={"look_at": NOW + timedelta(seconds=21)})
    assert await deliveries.insert(first)
    assert not await deliveries.insert(again)
    assert await deliveries.due(again.look_at, limit=9, of_each=9) == [first]
    assert await due_rows(table) == 1, "what the second has left over is tidied up"


async def test_after_an_attempt_it_is_due_at_another_time(deliveries: WebhookDeliveries, table: TableClient):
    before = a_delivery()
    after = failed(before)
    await deliveries.insert(before)
    await deliveries.update(before, after)
    assert await deliveries.due(after.look_at - MOMENT, limit=9, of_each=9) == []
    assert await deliveries.due(after.look_at, limit=9, of_each=9) == [after]
    await deliveries.remove(after)
    assert await due_rows(table) == 0
    assert await deliveries.page("we_1", after=None, limit=9) == []


@pytest.mark.parametrize("writes", [1, 2])
async def test_a_crash_between_two_rows_loses_no_delivery(
    deliveries: WebhookDeliveries, table: TableClient, monkeypatch: pytest.MonkeyPatch, writes: int
):
    before = a_delivery()
    after = failed(before)
    await deliveries.insert(before)
    upsert, left = table.upsert_entity, writes

    async def crashing(row: dict[str, object]) -> None:
        nonlocal left
        await upsert(row)
        left -= 1
        if not left:
            raise ConnectionResetError

    monkeypatch.setattr(table, "upsert_entity", crashing)
    with pytest.raises(ConnectionResetError):
        await deliveries.update(before, after)
    monkeypatch.setattr(table, "upsert_entity", upsert)
    found = await deliveries.due(after.look_at, limit=9, of_each=9)
    assert found == [before if writes == 1 else after]
    assert await due_rows(table) == 1


async def test_the_longest_due_come_first_and_not_more_than_asked_for(deliveries: WebhookDeliveries):
    queued = [a_delivery(number, seconds=seconds) for number, seconds in enumerate([30, 10, 20, 3000])]
    for delivery in queued:
        await deliveries.insert(delivery)
    now = NOW + timedelta(seconds=30) + RETRY_AFTER[0]
    assert [delivery.event_id for delivery in await deliveries.due(now, limit=2, of_each=9)] == ["evt_1", "evt_2"]
    assert len(await deliveries.due(now, limit=9, of_each=9)) == 3


async def test_the_log_of_an_endpoint_is_read_in_pages_the_newest_first(deliveries: WebhookDeliveries):
    for number in range(5):
        await deliveries.insert(a_delivery(number, seconds=number))
    first = await deliveries.page("we_1", after=None, limit=3)
    rest = await deliveries.page("we_1", after=cursor_of(first[-1]), limit=3)
    assert [each.event_id for each in (*first, *rest)] == [f"evt_{number}" for number in (4, 3, 2, 1, 0)]
    assert await deliveries.page("we_2", after=None, limit=3) == []


async def test_endpoints_come_back_as_they_were_and_every_host_soon_knows_them(table: TableClient):
    seconds = 0.0
    here, elsewhere = WebhookEndpoints(table, lambda: seconds), WebhookEndpoints(table, lambda: seconds)
    assert await elsewhere.of(ENDPOINT.tenant) == []
    await here.insert(ENDPOINT)
    assert await here.of(ENDPOINT.tenant) == await elsewhere.all() == [ENDPOINT]
    await here.amend(ENDPOINT.endpoint_id, lambda kept: kept.gone())
    assert await elsewhere.of(ENDPOINT.tenant) == [ENDPOINT]
    seconds = FRESH_S
    assert await elsewhere.of(ENDPOINT.tenant) == [ENDPOINT.gone()]
    assert await elsewhere.of("globex") == []


async def test_an_endpoint_that_is_not_remembered_yet_is_found_all_the_same(table: TableClient):
    here, elsewhere = WebhookEndpoints(table), WebhookEndpoints(table)
    assert await elsewhere.find(ENDPOINT.endpoint_id) is None
    await here.insert(ENDPOINT)
    assert await elsewhere.find(ENDPOINT.endpoint_id) == ENDPOINT
    await here.remove(ENDPOINT.endpoint_id)
    assert await here.find(ENDPOINT.endpoint_id) is None
    with pytest.raises(NotFound):
        await elsewhere.get(ENDPOINT.endpoint_id)


async def test_two_changes_at_once_are_both_kept(table: TableClient, monkeypatch: pytest.MonkeyPatch):
    endpoints, rival = WebhookEndpoints(table), WebhookEndpoints(table)
    await endpoints.insert(ENDPOINT)
    read = endpoints._read

    async def read_and_lose(endpoint_id: str) -> object:
        row = await read(endpoint_id)
        monkeypatch.setattr(endpoints, "_read", read)
        await rival.amend(endpoint_id, lambda kept: kept.model_copy(update={"enabled": False}))
        return row

    monkeypatch.setattr(endpoints, "_read", read_and_lose)
    told = list[tuple[WebhookEndpoint, WebhookEndpoint]]()

    async def tell(before: WebhookEndpoint, after: WebhookEndpoint) -> None:
        told.append((before, after))

    to_another = partial(WebhookEndpoint.model_copy, update={"url": "https://b/"})
    amended = await endpoints.amend(ENDPOINT.endpoint_id, to_another, tell)
    assert (amended.enabled, amended.url) == (False, "https://b/")
    assert [before.enabled for before, _ in told] == [True, False]
    assert told[-1][1] == amended, "what is told last is what was done"
