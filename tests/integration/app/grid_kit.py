"""Event Grid as it delivers: what its SDK publishes, posted to the functions of the app."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from azure.core.credentials import AzureKeyCredential
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridEvent, EventGridPublisherClient, SystemEventNames
from azure.storage.blob import ContainerClient

from local.stack.app_settings import AZURITE_ACCOUNT_KEY
from tests.e2e.running_stack import RunningStack

ON_VIDEO_REQUESTED, ON_BLOB_CREATED = "on_video_requested", "on_blob_created"
ACCOUNT = "/subscriptions/0/resourceGroups/r/providers/Microsoft.Storage/storageAccounts/acct"


class _Sent(Exception):
    """Takes the place of the network."""


def on_the_wire(*events: CloudEvent[Any] | EventGridEvent) -> list[dict[str, Any]]:
    """What the SDK publishes."""

    def intercept(request: Any) -> None:
        raise _Sent(request.http_request.body)

    topic, key = "https://topic.example/api/events", AzureKeyCredential("key")
    with EventGridPublisherClient(topic, key) as publisher, pytest.raises(_Sent) as sent:
        publisher.send(list(events), raw_request_hook=intercept)
    return json.loads(sent.value.args[0])


@dataclass
class EventGrid:
    """A subscription of each function.

    Attributes:
        http: Reaches the host.
        requests: The container that holds the inbox.
    """

    http: httpx.Client
    requests: ContainerClient

    def deliver(self, function: str, *events: dict[str, Any]) -> int:
        """Deliver events in the schema they have, and return the answer's status."""
        cloud_events = "specversion" in events[0]
        content_type = "application/cloudevents-batch+json" if cloud_events else "application/json"
        headers = {"content-type": f"{content_type}; charset=utf-8", "aeg-event-type": "Notification"}
        return self._post(function, json.dumps(events), headers).status_code

    def validate(self, function: str) -> httpx.Response:
        """The handshake of the Event Grid schema."""
        event = EventGridEvent(
            "", "Microsoft.EventGrid.SubscriptionValidationEvent", {"validationCode": "512d38b6"}, "2"
        )
        return self._post(function, json.dumps(on_the_wire(event)), {"aeg-event-type": "SubscriptionValidation"})

    def ask_to_deliver(self, function: str) -> httpx.Response:
        """The handshake of CloudEvents."""
        origin = {"webhook-request-origin": "eventgrid.azure.net"}
        return self.http.options("", params={"functionName": function}, headers=origin)

    def put(self, blob: str, content: bytes | dict[str, Any], *, as_cloud_event: bool = False) -> dict[str, Any]:
        """Write a file, and return the event that tells of it."""
        content = json.dumps(content).encode() if isinstance(content, dict) else content
        client = self.requests.get_blob_client(blob)
        written = client.upload_blob(content, overwrite=True)
        data = {
            "api": "PutBlob",
            "clientRequestId": secrets.token_hex(8),
            "requestId": secrets.token_hex(8),
            "eTag": written["etag"].strip('"'),
            "contentType": "application/octet-stream",
            "contentLength": len(content),
            "blobType": "BlockBlob",
            "url": client.url,
            "sequencer": "0" * 32,
            "storageDiagnostics": {"batchId": secrets.token_hex(8)},
        }
        return blob_created(blob, data, as_cloud_event=as_cloud_event)

    def error(self, blob: str) -> dict[str, Any]:
        return json.loads(self.requests.download_blob(blob).readall())["error"]

    def dead_letters(self) -> list[dict[str, Any]]:
        names = self.requests.list_blob_names(name_starts_with="dead-letter/")
        return [json.loads(self.requests.download_blob(name).readall()) for name in names]

    def _post(self, function: str, content: str, headers: dict[str, str]) -> httpx.Response:
        return self.http.post("", params={"functionName": function}, content=content, headers=headers)


@contextmanager
def open_event_grid(stack: RunningStack) -> Iterator[EventGrid]:
    """Event Grid in front of a stack."""
    webhook = f"{stack.host}/runtime/webhooks/eventgrid"
    requests = ContainerClient(stack.blob, "requests", credential=AZURITE_ACCOUNT_KEY)
    with httpx.Client(base_url=webhook, timeout=30) as http, requests:
        yield EventGrid(http, requests)


def video_requested(**data: Any) -> dict[str, Any]:
    """An event that asks for a video."""
    (event,) = on_the_wire(CloudEvent(source="/studio", type="Reelay.VideoRequested", data=data))
    return event


def blob_created(blob: str, data: dict[str, Any], *, as_cloud_event: bool = False) -> dict[str, Any]:
    """The event that storage publishes of a file; its times have seven digits."""
    subject, kind = (
        f"/blobServices/default/containers/requests/blobs/{blob}",
        SystemEventNames.StorageBlobCreatedEventName,
    )
    time = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}1Z"
    if as_cloud_event:
        (event,) = on_the_wire(CloudEvent(source=ACCOUNT, type=kind, data=data, subject=subject))
        return event | {"time": time}
    (event,) = on_the_wire(EventGridEvent(subject, kind, data, "", topic=ACCOUNT))
    return event | {"eventTime": time, "metadataVersion": "1"}
