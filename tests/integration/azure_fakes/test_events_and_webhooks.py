"""What the app tells the world is recorded, letter for letter."""

from typing import Any

import httpx
import pytest

from local.azure_fakes.fakes import Fakes

EVENT = {"specversion": "1.0", "id": "1", "type": "video.completed", "source": "/videos", "data": {"id": "video_1"}}
BATCH = {"content-type": "application/cloudevents-batch+json; charset=utf-8"}
KEY = {"aeg-sas-key": "topic-key"}


async def publish(http: httpx.AsyncClient, fakes: Fakes, body: Any, headers: dict[str, str]) -> httpx.Response:
    url = f"{fakes.url}/eventgrid/api/events?api-version=2018-01-01"
    return await http.post(url, json=body, headers=headers)


async def test_events_are_recorded(fakes: Fakes, http: httpx.AsyncClient, control: Any) -> None:
    await control.settings(eventgrid_key="topic-key")
    other = EVENT | {"id": "2", "subject": "kept"}
    assert (await publish(http, fakes, [EVENT, other], BATCH | KEY)).status_code == 200
    single = {"content-type": "application/cloudevents+json"}
    assert (await publish(http, fakes, EVENT | {"id": "3"}, single | KEY)).status_code == 200

    state = await control.state()
    assert state["events"] == [EVENT, other, EVENT | {"id": "3"}]
    assert state["counters"]["event"] == 2


async def test_a_token_for_event_grid_does_too(fakes: Fakes, http: httpx.AsyncClient) -> None:
    for resource, status in (("https://eventgrid.azure.net", 200), ("https://vault.azure.net", 401)):
        token, _ = fakes.world.tokens.issue(resource, None)
        answer = await publish(http, fakes, [EVENT], BATCH | {"authorization": f"Bearer {token}"})
        assert answer.status_code == status


@pytest.mark.parametrize("headers", [{}, {"aeg-sas-key": "wrong"}])
async def test_a_publisher_without_the_key_is_refused(
    fakes: Fakes, http: httpx.AsyncClient, control: Any, headers: dict[str, str]
) -> None:
    assert (await publish(http, fakes, [EVENT], BATCH | headers)).status_code == 401
    await control.settings(eventgrid_key="topic-key")
    assert (await publish(http, fakes, [EVENT], BATCH | headers)).status_code == 401
    assert (await control.state())["events"] == []


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ([EVENT | {"specversion": "0.3"}], BATCH, 400),
        ([{"id": "1"}], BATCH, 400),
        (EVENT, BATCH, 400),
        ([EVENT], {"content-type": "application/json"}, 415),
    ],
)
async def test_what_is_no_cloud_event_is_refused(
    fakes: Fakes, http: httpx.AsyncClient, body: Any, headers: dict[str, str], status: int
) -> None:
    fakes.world.change_settings({"eventgrid_key": "topic-key"})
    assert (await publish(http, fakes, body, headers | KEY)).status_code == status


async def test_webhooks_are_recorded_as_they_came(fakes: Fakes, http: httpx.AsyncClient, control: Any) -> None:
    body = '{"id": "evt_1",  "text": "ä"}'
    answer = await http.post(f"{fakes.url}/webhooks/shop", content=body, headers={"Webhook-Id": "evt_1"})
    assert answer.status_code == 204

    state = await control.state()
    (delivery,) = state["webhooks"]
    assert (delivery["name"], delivery["body"], delivery["headers"]["webhook-id"]) == ("shop", body, "evt_1")
    assert delivery["at"] > 0
    assert state["counters"]["webhook"] == 1
