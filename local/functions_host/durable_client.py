"""What a durable client binding gets: where the engine is, and the URLs of the Durable HTTP API."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from local.functions_host.configuration import JsonObject
from local.functions_host.functions import Binding

API_PATH = "/runtime/webhooks/durabletask"

_DEFAULT_HUB = "TestHubName"
_DEFAULT_CONNECTION = "Storage"
_MAX_MESSAGE_BYTES = 2**31 - 1

# What durable clients replace by an instance id.
_ID = "INSTANCEID"

_MANAGEMENT_PATHS = {
    "statusQueryGetUri": "",
    "sendEventPostUri": "/raiseEvent/{eventName}",
    "terminatePostUri": "/terminate?reason={text}",
    "rewindPostUri": "/rewind?reason={text}",
    "purgeHistoryDeleteUri": "",
    "restartPostUri": "/restart",
    "suspendPostUri": "/suspend?reason={text}",
    "resumePostUri": "/resume?reason={text}",
}


@dataclass(frozen=True, slots=True)
class DurableClientConfiguration:
    """Makes the configuration of each durable client binding.

    Attributes:
        base_url: The host's own URL, without a trailing slash.
        engine: The engine's "HOST:PORT".
        durable_task: `extensions.durableTask` of host.json.
        key: The system key that the Durable HTTP API asks for; None when it asks for none.
    """

    base_url: str
    engine: str
    durable_task: JsonObject
    key: str | None

    def __call__(self, binding: Binding) -> str:
        """The configuration for a binding, as the JSON text that the real extension sends."""
        hub, connection = self._hub(binding.properties), self._connection(binding.properties)
        api, query = self.api_url, self._query(hub, connection)
        configuration = {
            "taskHubName": hub,
            "connectionName": connection,
            # A trailing slash would become a part of the gRPC target.
            "rpcBaseUrl": f"http://{self.engine}",
            "requiredQueryStringParameters": query,
            "baseUrl": api,
            "httpBaseUrl": api,
            "managementUrls": _management_urls(api, _ID, query),
            "creationUrls": {
                "createNewInstancePostUri": f"{api}/orchestrators/{{functionName}}[/{{instanceId}}]?{query}"
            },
            "maxGrpcMessageSizeInBytes": _MAX_MESSAGE_BYTES,
        }
        return json.dumps(configuration)

    @property
    def api_url(self) -> str:
        """Where the Durable HTTP API is served."""
        return self.base_url + API_PATH

    def management_urls(self, instance_id: str) -> dict[str, str]:
        """The URLs to manage one orchestration through the Durable HTTP API."""
        query = self._query(self._hub({}), self._connection({}))
        return _management_urls(self.api_url, quote(instance_id, safe=""), query)

    def _hub(self, declared: Mapping[str, Any]) -> str:
        return declared.get("taskHub") or self.durable_task.get("hubName", _DEFAULT_HUB)

    def _connection(self, declared: Mapping[str, Any]) -> str:
        storage: JsonObject = self.durable_task.get("storageProvider", {})
        return declared.get("connectionName") or storage.get("connectionStringName", _DEFAULT_CONNECTION)

    def _query(self, hub: str, connection: str) -> str:
        return f"taskHub={hub}&connection={connection}&code={self.key or ''}"


def _management_urls(api: str, instance_id: str, query: str) -> dict[str, str]:
    urls = {"id": instance_id}
    for name, path in _MANAGEMENT_PATHS.items():
        urls[name] = f"{api}/instances/{instance_id}{path}{'&' if '?' in path else '?'}{query}"
    return urls
