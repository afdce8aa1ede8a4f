"""Event Grid by its own SDK: with the topic's key, and with our identity."""

from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import pytest
from azure.core.credentials import AzureKeyCredential
from azure.core.messaging import CloudEvent
from azure.eventgrid.aio import EventGridPublisherClient
from azure.identity.aio import ManagedIdentityCredential

from clients.event_grid import EventGrid
from local.azure_fakes.fakes import Fakes
from local.azure_fakes.faults import Effect, Fault, Operation

EVENT = CloudEvent(source="/reelay", type="Reelay.Video.Queued", data={"sequence": 1}, id="evt_1", subject="s")


def opened(fakes: Fakes, credential: Any) -> EventGridPublisherClient:
    return EventGridPublisherClient(f"{fakes.url}/eventgrid/api/events", credential, retry_total=0)


async def test_events_arrive_with_the_topics_key(fakes: Fakes):
    fakes.world.change_settings({"eventgrid_key": "topic-key"})
    async with opened(fakes, AzureKeyCredential("topic-key")) as client:
        assert await EventGrid(client).publish([EVENT])
    (event,) = fakes.world.events
    assert {name: event[name] for name in ("id", "type", "source", "subject", "specversion", "data")} == {
        "id": "evt_1",
        "type": "Reelay.Video.Queued",
        "source": "/reelay",
        "subject": "s",
        "specversion": "1.0",
        "data": {"sequence": 1},
    }


async def test_events_arrive_with_our_identity(fakes: Fakes):
    async with ManagedIdentityCredential() as identity, opened(fakes, identity) as client:
        send = partial(client.send, enforce_https=False)  # the fake topic speaks http only
        assert await EventGrid(cast("EventGridPublisherClient", SimpleNamespace(send=send))).publish([EVENT])
    assert [event["id"] for event in fakes.world.events] == ["evt_1"]


@pytest.mark.parametrize("status", [400, 401, 413, 500, 503])
async def test_a_topic_that_does_not_take_them_is_asked_once(fakes: Fakes, status: int):
    fakes.world.change_settings({"eventgrid_key": "topic-key"})
    fakes.world.faults.add([Fault(operation=Operation.EVENT, effect=Effect.STATUS, status=status)])
    async with opened(fakes, AzureKeyCredential("topic-key")) as client:
        assert not await EventGrid(client).publish([EVENT])
        assert fakes.world.events == []
        assert await EventGrid(client).publish([EVENT])


async def test_a_wrong_key_is_no_error_of_ours(fakes: Fakes):
    async with opened(fakes, AzureKeyCredential("wrong")) as client:
        assert not await EventGrid(client).publish([EVENT])
