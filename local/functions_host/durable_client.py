"""What a durable client binding gets: where the engine is, and the URLs of the Durable HTTP API."""

import json
from dataclasses import dataclass

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
        storage: JsonObject = self.durable_task.get("storageProvider", {})
        hub = binding.properties.get("taskHub") or self.durable_task.get("hubName", _DEFAULT_HUB)
        connection = binding.properties.get("connectionName") or storage.get(
            "connectionStringName", _DEFAULT_CONNECTION
        )
        query = f"taskHub={hub}&connection={connection}&code={self.key or ''}"
        api = self.base_url + API_PATH
        configuration = {
            "taskHubName": hub,
            "connectionName": connection,
            # A trailing slash would become a part of the gRPC target.
            "rpcBaseUrl": f"http://{self.engine}",
            "requiredQueryStringParameters": query,
            "baseUrl": api,
            "httpBaseUrl": api,
            "managementUrls": {"id": _ID} | {name: _url(api, path, query) for name, path in _MANAGEMENT_PATHS.items()},
            "creationUrls": {
                "createNewInstancePostUri": f"{api}/orchestrators/{{functionName}}[/{{instanceId}}]?{query}",
                "createAndWaitOnNewInstancePostUri": f"{api}/orchestrators/{{functionName}}[/{{instanceId}}]"
                f"?timeout={{timeoutInSeconds}}&pollingInterval={{intervalInSeconds}}&{query}",
            },
            "maxGrpcMessageSizeInBytes": _MAX_MESSAGE_BYTES,
        }
        return json.dumps(configuration)


def _url(api: str, path: str, query: str) -> str:
    separator = "&" if "?" in path else "?"
    return f"{api}/instances/{_ID}{path}{separator}{query}"
