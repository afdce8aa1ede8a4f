"""The Event Grid webhook shakes both hands and takes both schemas."""

import json
from pathlib import Path

import pytest

from tests.integration.functions_host.host_kit import APPS, Child, Start

WEBHOOK = "/runtime/webhooks/eventgrid"


@pytest.fixture(scope="module")
def host(start: Start, journal) -> Child:
    return start("--app", APPS / "triggers", "--port", 0, JOURNAL=str(journal), TICK="0 0 0 1 1 *")


def grid_event(event_id: str, subject: str = "reel") -> dict:
    return {
        "id": event_id,
        "topic": "/t",
        "subject": subject,
        "eventType": "Made",
        "eventTime": "2026-11-21T00:00:00Z",
        "data": {"n": 1},
        "dataVersion": "1",
    }


def cloud_event(event_id: str) -> dict:
    return {"specversion": "1.0", "id": event_id, "source": "/s", "type": "Made", "data": {"n": 2}}


def deliver(host, function, content, **headers):
    return host.http.post(WEBHOOK, params={"functionName": function}, content=json.dumps(content), headers=headers)


def noted(journal: Path, function: str) -> list[dict]:
    entries = [json.loads(line) for line in journal.read_text().splitlines()]
    return [entry for entry in entries if entry.pop("function") == function]


def test_the_cloud_events_handshake(host):
    headers = {"WebHook-Request-Origin": "eventgrid.azure.net"}
    answer = host.http.options(WEBHOOK, params={"functionName": "on_cloud_event"}, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["webhook-allowed-origin"] == "eventgrid.azure.net"
    assert host.http.options(WEBHOOK, params={"functionName": "on_cloud_event"}).status_code == 400


def test_the_event_grid_schema_handshake(host):
    validation = [grid_event("v") | {"data": {"validationCode": "512d38b6"}}]
    answer = deliver(host, "on_event", validation, **{"aeg-event-type": "SubscriptionValidation"})
    assert (answer.status_code, answer.json()) == (200, {"validationResponse": "512d38b6"})
    assert deliver(host, "on_event", [], **{"aeg-event-type": "SubscriptionValidation"}).status_code == 400


@pytest.mark.parametrize("events", [[grid_event("one")], [grid_event("two"), grid_event("three")]])
def test_each_event_of_the_event_grid_schema_is_one_invocation(host, journal, events):
    journal.write_text("")
    assert deliver(host, "on_event", events, **{"aeg-event-type": "Notification"}).status_code == 202
    assert noted(journal, "on_event") == [{"id": event["id"], "subject": "reel", "data": {"n": 1}} for event in events]


@pytest.mark.parametrize("content", [cloud_event("one"), [cloud_event("two"), cloud_event("three")]])
def test_cloud_events_come_single_or_in_batches(host, journal, content):
    journal.write_text("")
    kind = "cloudevents-batch" if isinstance(content, list) else "cloudevents"
    answer = deliver(host, "ON_CLOUD_EVENT", content, **{"content-type": f"application/{kind}+json"})
    assert answer.status_code == 202
    expected = content if isinstance(content, list) else [content]
    assert noted(journal, "on_cloud_event") == [
        {"id": event["id"], "source": "/s", "data": {"n": 2}} for event in expected
    ]


def test_a_failed_invocation_asks_for_the_batch_again_but_stops_no_other(host, journal):
    journal.write_text("")
    events = [grid_event("bad", "poison"), grid_event("good")]
    assert deliver(host, "on_event", events).status_code == 500
    assert [event["id"] for event in noted(journal, "on_event")] == ["good"]


def test_what_is_no_delivery_is_refused(host):
    assert deliver(host, "nobody", []).status_code == 404
    assert deliver(host, "on_event", [1]).status_code == 400
    assert deliver(host, "on_event", [], **{"aeg-event-type": "Gossip"}).status_code == 400
    assert host.http.post(WEBHOOK, params={"functionName": "on_event"}, content=b"{").status_code == 400
