"""The index of what is to be delivered holds nothing that is not, loses nothing, and bears rows nobody can read."""

from datetime import timedelta

import pytest

from clients.webhook_deliveries import DUE, WebhookDeliveries
from clients.webhook_endpoints import PARTITION, WebhookEndpoints
from domain.webhook import RETRY_AFTER, Attempt, Delivery, WebhookEndpoint, WebhookEvent, WebhookType
from tests.unit.clients.memory_table import MemoryTable
from tests.unit.examples import NOW
from tests.unit.listeners import an_endpoint

OTHER = an_endpoint(endpoint_id="we_2")
MOMENT = timedelta(seconds=1)
SOON = NOW + RETRY_AFTER[0]


@pytest.fixture
def table() -> MemoryTable:
    return MemoryTable()


@pytest.fixture
def deliveries(table: MemoryTable) -> WebhookDeliveries:
    return WebhookDeliveries(table.as_client())


def a_delivery(event_id: str = "evt_1", *, to: WebhookEndpoint | None = None) -> Delivery:
    event = WebhookEvent(id=event_id, type=WebhookType.VIDEO_FAILED, at=NOW, resource_id="video_1")
    return Delivery.of(event, to or an_endpoint(), NOW)


def later(delivery: Delivery) -> Delivery:
    return delivery.model_copy(update={"look_at": delivery.look_at + MOMENT})


async def test_telling_again_leaves_nothing_in_the_index(table: MemoryTable, deliveries: WebhookDeliveries):
    await deliveries.insert(a_delivery())
    before = dict(table.rows)
    for again in (later(a_delivery()), a_delivery()):
        assert not await deliveries.insert(again)
        assert table.rows == before


async def test_a_failure_in_the_moment_it_was_queued_stays_due(deliveries: WebhookDeliveries):
    failed = a_delivery().after(Attempt(at=NOW, error="HTTP 500"))
    assert failed.look_at == a_delivery().look_at
    await deliveries.insert(a_delivery())
    await deliveries.update(a_delivery(), failed)
    assert await deliveries.due(SOON, limit=9, of_each=9) == [failed]


async def test_what_is_left_over_takes_no_place_and_is_tidied_up(table: MemoryTable, deliveries: WebhookDeliveries):
    for number in range(3):
        await deliveries.insert(a_delivery(f"evt_{number}"))
        await table.delete_entity("deliveries-we_1", table.keys("deliveries-we_1")[0])
    await deliveries.insert(a_delivery(to=OTHER))
    assert await deliveries.due(SOON, limit=1, of_each=1) == [a_delivery(to=OTHER)]
    assert len(table.keys(DUE)) == 1


async def test_no_endpoint_takes_the_places_of_another(deliveries: WebhookDeliveries):
    for number in range(5):
        await deliveries.insert(a_delivery(f"evt_{number}"))
    await deliveries.insert(later(a_delivery(to=OTHER)))
    due = await deliveries.due(SOON + MOMENT, limit=3, of_each=2)
    assert [delivery.endpoint_id for delivery in due] == ["we_1", "we_1", "we_2"]


async def test_a_delivery_that_cannot_be_read_stops_no_other(
    table: MemoryTable, deliveries: WebhookDeliveries, caplog: pytest.LogCaptureFixture
):
    await deliveries.insert(a_delivery())
    for (partition, _), row in table.rows.items():
        if partition != DUE:
            row["delivery"] = '{"of": "another age"}'
    await deliveries.insert(a_delivery("evt_2"))
    assert not await deliveries.insert(later(a_delivery()))
    assert await deliveries.due(SOON, limit=1, of_each=1) == [a_delivery("evt_2")]
    assert await deliveries.page("we_1", after=None, limit=9) == [a_delivery("evt_2")]
    assert len(table.keys(DUE)) == 2
    assert "cannot be read" in caplog.text


async def test_an_endpoint_that_is_enabled_again_is_not_taken_for_disabled(table: MemoryTable):
    here, elsewhere = (WebhookEndpoints(table.as_client(), lambda: 0) for _ in range(2))
    await elsewhere.insert(an_endpoint(enabled=False))
    assert await here.of(an_endpoint().tenant) == [an_endpoint(enabled=False)]
    await elsewhere.remove("we_1")
    await elsewhere.insert(an_endpoint())
    assert await here.find("we_1") == an_endpoint()


async def test_an_endpoint_that_cannot_be_read_stops_no_other(table: MemoryTable, caplog: pytest.LogCaptureFixture):
    await table.upsert_entity({"PartitionKey": PARTITION, "RowKey": "we_0", "endpoint": '{"of": "another age"}'})
    await WebhookEndpoints(table.as_client()).insert(OTHER)
    assert await WebhookEndpoints(table.as_client()).all() == [OTHER]
    assert "we_0 cannot be read" in caplog.text
