"""Entity group transactions: rows of one partition are all written, or none is.

The SDK needs several times as long to put one together and to read its answer as everything else together takes, so the
protocol is spoken here: https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import Enum
from http import HTTPStatus
from typing import Any, Final, Literal, NamedTuple, cast
from urllib.parse import quote, urlsplit

from aiohttp import ClientConnectorError, ConnectionTimeoutError
from azure.core import AsyncPipelineClient
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import HttpResponseError, ServiceRequestError, ServiceResponseError
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import (
    AsyncBearerTokenCredentialPolicy,
    AsyncRetryPolicy,
    RequestIdPolicy,
    SansIOHTTPPolicy,
)
from azure.core.pipeline.transport import AioHttpTransport
from azure.core.rest import HttpRequest
from azure.data.tables.aio import TableClient

MOST_WRITES: Final = 100
"""A transaction takes no more."""
CONNECTION_TIMEOUT_S: Final = 5
READ_TIMEOUT_S: Final = 20
"""Others wait for a transaction."""
_SCOPE: Final = "https://storage.azure.com/.default"
_BATCH, _CHANGESET = "batch_of_changes", "changeset"
"""What begins a part; JSON has no line breaks, so nobody's text can look like one."""
_BEFORE_PART: Final = f"--{_CHANGESET}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
_PART_HEADERS: Final = (
    "Content-Type: application/json\r\nAccept: application/json;odata=minimalmetadata\r\n"
    "Prefer: return-no-content\r\nDataServiceVersion: 3.0;\r\n"
)
_STATUS: Final = re.compile(rb"^HTTP/1\.1 (\d{3})", re.MULTILINE)
_ETAG: Final = re.compile(rb"^etag: *(\S.*?)\r?$", re.MULTILINE | re.IGNORECASE)
_INDEX: Final = re.compile(rb'"value" *: *"(\d+):')
_LOST: Final = {HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED, HTTPStatus.NOT_FOUND}
_NOT_CONNECTED: Final = (ClientConnectorError, ConnectionTimeoutError)
"""Whatever else happens to a connection, the SDK says that nothing was sent, but it may have been."""


class Write(NamedTuple):
    """One row to write.

    Attributes:
        row: With its two keys.
        how: `create` is refused if the row is there, `replace` unless it is there with this ETag; `put` never is.
        etag: Of the row to replace.
    """

    row: Mapping[str, Any]
    how: Literal["create", "replace", "put"] = "create"
    etag: str | None = None


class WriteLost(Exception):
    """A write was refused for what is in its row, and with it the whole transaction.

    Args:
        index: Which one.
    """

    def __init__(self, index: int) -> None:
        super().__init__(f"write {index} was refused")
        self.index = index


class Transactions:
    """Writes what belongs together.

    Args:
        table: Where; the transactions go the same way, with the same credential.
    """

    def __init__(self, table: TableClient) -> None:
        credential = cast("Any", table.credential)
        named = isinstance(credential, AzureNamedKeyCredential)
        identity = _SharedKey(credential) if named else AsyncBearerTokenCredentialPolicy[Any, Any](credential, _SCOPE)
        retries = AsyncRetryPolicy[Any, Any](retry_total=3, retry_backoff_factor=0.2)
        policies = [RequestIdPolicy(), retries, _Date(), identity]
        self._url = table.url
        self._rows = f"{table.url}/{table.table_name}"
        self._headers = {
            "x-ms-version": table.api_version,
            "DataServiceVersion": "3.0",
            "MaxDataServiceVersion": "3.0;NetFx",
            "Content-Type": f"multipart/mixed; boundary={_BATCH}",
            "Accept": "application/json",
        }
        transport = AioHttpTransport(
            use_env_settings=False,  # no proxies and no .netrc, which would be looked for anew for every call
            connection_timeout=CONNECTION_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
        )
        self._client = AsyncPipelineClient[Any, Any](table.url, policies=policies, transport=transport)

    async def commit(self, writes: Sequence[Write]) -> Sequence[str]:
        """Write all of them.

        Args:
            writes: At most `MOST_WRITES`, of one partition, each of another row.

        Returns:
            The rows' new ETags.

        Raises:
            ServiceRequestError: They were not even sent.
            WriteLost: One of them was refused, so none was written.
        """
        request = HttpRequest("POST", f"{self._url}/$batch", headers=self._headers, content=self._encode(writes))
        try:
            response = await self._client.send_request(request)
        except ServiceRequestError as error:
            if isinstance(error.inner_exception, _NOT_CONNECTED):
                raise
            raise ServiceResponseError(error.message, error=error) from error
        async with response:
            answer: bytes = await response.read()
        statuses = [int(status) for status in _STATUS.findall(answer)]
        if response.status_code != HTTPStatus.ACCEPTED or not statuses:
            raise HttpResponseError(response=response)
        if statuses[0] in _LOST:
            index = _INDEX.search(answer)
            raise WriteLost(int(index[1]) if index else 0)
        etags = [etag.decode() for etag in _ETAG.findall(answer)]
        if len(etags) != len(writes):
            raise HttpResponseError(f"A transaction failed: {answer[:1000]!r}", response=response)
        return etags

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    def _encode(self, writes: Sequence[Write]) -> bytes:
        parts = [f"--{_BATCH}\r\nContent-Type: multipart/mixed; boundary={_CHANGESET}\r\n\r\n"]
        for write in writes:
            key = f"(PartitionKey='{_quoted(write.row['PartitionKey'])}',RowKey='{_quoted(write.row['RowKey'])}')"
            target = f"POST {self._rows}" if write.how == "create" else f"PUT {self._rows}{key}"
            condition = f"If-Match: {write.etag}\r\n" if write.etag else ""
            body = json.dumps(
                _with_types(write.row), ensure_ascii=False
            )  # an escape would take up to three times the room
            parts.append(f"{_BEFORE_PART}{target} HTTP/1.1\r\n{_PART_HEADERS}{condition}\r\n{body}\r\n")
        parts.append(f"--{_CHANGESET}--\r\n--{_BATCH}--\r\n")
        return "".join(parts).encode()


class _Date(SansIOHTTPPolicy[Any, Any]):
    """Says when it is sent, as the service demands."""

    def on_request(self, request: PipelineRequest[Any]) -> None:
        request.http_request.headers["x-ms-date"] = format_datetime(datetime.now(UTC), usegmt=True)


class _SharedKey(SansIOHTTPPolicy[Any, Any]):
    """Signs with the account's key (Shared Key Lite)."""

    def __init__(self, credential: AzureNamedKeyCredential) -> None:
        self._credential = credential

    def on_request(self, request: PipelineRequest[Any]) -> None:
        name, key = self._credential.named_key
        headers = request.http_request.headers
        signed = f"{headers['x-ms-date']}\n/{name}{urlsplit(request.http_request.url).path}"
        digest = hmac.digest(base64.b64decode(key), signed.encode(), hashlib.sha256)
        headers["Authorization"] = f"SharedKeyLite {name}:{base64.b64encode(digest).decode()}"


def _with_types(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as OData: what JSON has no type for carries its name beside it."""
    fields = dict[str, Any]()
    for name, value in row.items():
        match value:
            case datetime():
                fields[name] = value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
                fields[f"{name}@odata.type"] = "Edm.DateTime"
            case float():
                fields[name] = value
                fields[f"{name}@odata.type"] = "Edm.Double"
            case Enum():
                fields[name] = value.value
            case str() | bool() | int():
                fields[name] = value
            case _:
                raise TypeError(f"a row takes no {type(value).__name__}, but {name} is one")
    return fields


def _quoted(key: str) -> str:
    return quote(key.replace("'", "''"), safe="")
