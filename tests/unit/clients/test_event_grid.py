"""A topic is asked once, rests after a failure, and its key may change."""

import asyncio

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.core.messaging import CloudEvent

from clients import event_grid as client
from clients.event_grid import REST_S, EventGrid
from clients.secret_store import SecretStore
from clients.service_key import ServiceKey
from tests.unit.fakes import FakeClock, FakeVault, FakeVaults, keyvault_secret
from tests.unit.listeners import FakeTopic

EVENTS = [CloudEvent(source="/reelay", type="Reelay.Video.Queued", data={}, id=str(number)) for number in range(2)]


@pytest.fixture
def topic() -> FakeTopic:
    return FakeTopic()


async def test_events_are_published_together(topic: FakeTopic):
    assert await EventGrid(topic.as_client()).publish(EVENTS)
    assert (topic.calls, topic.events) == (1, EVENTS)


async def test_a_topic_that_is_down_is_left_alone_for_a_while(topic: FakeTopic):
    clock = FakeClock()
    event_grid = EventGrid(topic.as_client(), monotonic=lambda: clock().timestamp())
    topic.is_down()
    assert [await event_grid.publish(EVENTS) for _ in range(2)] == [False, False]
    assert topic.calls == 1
    topic.error = None
    clock.advance(REST_S)
    assert await event_grid.publish(EVENTS)


async def test_a_refused_key_is_read_again(topic: FakeTopic):
    clock, vault = FakeClock(), FakeVault(topic="old")
    key = ServiceKey(keyvault_secret("topic"), SecretStore(FakeVaults(v=vault)))
    event_grid = EventGrid(topic.as_client(), key, monotonic=lambda: clock().timestamp())
    topic.error = ClientAuthenticationError("401")
    assert not await event_grid.publish(EVENTS)
    assert key.credential.key == "old"
    vault.secrets["topic"], topic.error = "new", None
    clock.advance(REST_S)
    assert await event_grid.publish(EVENTS)
    assert key.credential.key == "new"


async def test_a_key_that_cannot_be_read_keeps_events_for_later(topic: FakeTopic):
    key = ServiceKey(keyvault_secret("missing"), SecretStore(FakeVaults(v=FakeVault())))
    assert not await EventGrid(topic.as_client(), key).publish(EVENTS)
    assert topic.calls == 0


async def test_a_key_that_takes_too_long_keeps_events_for_later(topic: FakeTopic, monkeypatch: pytest.MonkeyPatch):
    async def never(_: object) -> str:
        return await asyncio.Future[str]()

    store = SecretStore(FakeVaults(v=FakeVault()))
    monkeypatch.setattr(store, "get", never)
    monkeypatch.setattr(client, "LIMIT_S", 0)
    assert not await EventGrid(topic.as_client(), ServiceKey(keyvault_secret("topic"), store)).publish(EVENTS)
    assert topic.calls == 0
