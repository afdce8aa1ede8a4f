"""Webhook endpoints in Table Storage: a row for each, all in one partition, for there are few of them."""

import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from clients.expiring_cache import ExpiringCache
from domain.errors import NotFound
from domain.webhook import WebhookEndpoint

PARTITION = "webhooks"
FRESH_S = 15.0
"""How long they are believed before they are read again: then every host knows of a change."""
_ATTEMPTS = 10
_log = logging.getLogger(__name__)

type Tell = Callable[[WebhookEndpoint, WebhookEndpoint], Awaitable[None]]
"""Hears how an endpoint is, and how it will be."""


class WebhookEndpoints:
    """Keeps the endpoints, for all hosts, and remembers them for a while, so that events cost no read.

    Args:
        table: The table of the videos; its credential needs data access.
        monotonic: Seconds since some moment.
    """

    def __init__(self, table: TableClient, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._table = table
        self._cache = ExpiringCache(self._read_all, fresh_s=FRESH_S, monotonic=monotonic)

    async def of(self, tenant: str) -> Sequence[WebhookEndpoint]:
        """A tenant's endpoints; as good as always without a request."""
        return [endpoint for endpoint in (await self._cache.get(PARTITION)).values() if endpoint.tenant == tenant]

    async def find(self, endpoint_id: str) -> WebhookEndpoint | None:
        """An endpoint, if there is one; as good as always without a request, unless it is disabled."""
        known = (await self._cache.get(PARTITION)).get(endpoint_id)
        if known and known.enabled:
            return known
        with suppress(NotFound):  # it may be newer than what is remembered, or enabled again
            return await self.get(endpoint_id)
        return None

    async def all(self) -> Sequence[WebhookEndpoint]:
        """Every endpoint, as it now is."""
        return list((await self._cache.renew(PARTITION)).values())

    async def get(self, endpoint_id: str) -> WebhookEndpoint:
        """An endpoint, as it now is.

        Raises:
            NotFound: There is none.
        """
        return _endpoint_of(await self._read(endpoint_id))

    async def insert(self, endpoint: WebhookEndpoint) -> None:
        """Add one."""
        await self._table.create_entity(_row_of(endpoint))
        self._cache.known(PARTITION, {})[endpoint.endpoint_id] = endpoint

    async def amend(
        self, endpoint_id: str, change: Callable[[WebhookEndpoint], WebhookEndpoint], tell: Tell | None = None
    ) -> WebhookEndpoint:
        """Change one as if nobody else did at the same time.

        Args:
            endpoint_id: Which one.
            change: What it will be.
            tell: Hears of it just before: also of what others then turn out to have been faster with.

        Raises:
            NotFound: There is none.
        """
        for _ in range(_ATTEMPTS):
            row = await self._read(endpoint_id)
            before = _endpoint_of(row)
            after = change(before)
            if tell:
                await tell(before, after)
            unchanged: dict[str, Any] = {"etag": row.metadata["etag"], "match_condition": MatchConditions.IfNotModified}
            try:
                await self._table.update_entity(_row_of(after), UpdateMode.REPLACE, **unchanged)
            except HttpResponseError as error:
                if error.status_code not in {HTTPStatus.PRECONDITION_FAILED, HTTPStatus.NOT_FOUND}:
                    raise
                continue
            self._cache.known(PARTITION, {})[endpoint_id] = after
            return after
        raise RuntimeError(f"{endpoint_id} kept changing while it was being changed")

    async def remove(self, endpoint_id: str) -> None:
        """Forget one; its deliveries go when they are next looked at."""
        await self._table.delete_entity(PARTITION, endpoint_id)
        self._cache.known(PARTITION, {}).pop(endpoint_id, None)

    async def _read_all(self, partition: str) -> dict[str, WebhookEndpoint]:
        """What it raises goes to who asks: nobody is taken to be without endpoints because these could not be read."""
        rows = self._table.query_entities("PartitionKey eq @partition", parameters={"partition": partition})
        return {row["RowKey"]: endpoint async for row in rows if (endpoint := _readable(row))}

    async def _read(self, endpoint_id: str) -> Any:
        try:
            return await self._table.get_entity(PARTITION, endpoint_id)
        except ResourceNotFoundError:
            message = f"There is no webhook endpoint '{endpoint_id}'."
            raise NotFound(message, param="endpoint_id", code="webhook_not_found") from None


def _row_of(endpoint: WebhookEndpoint) -> Mapping[str, Any]:
    """What changes together is one property."""
    return {"PartitionKey": PARTITION, "RowKey": endpoint.endpoint_id, "endpoint": endpoint.model_dump_json()}


def _readable(row: Mapping[str, Any]) -> WebhookEndpoint | None:
    try:
        return _endpoint_of(row)
    except ValueError:
        _log.exception("the webhook endpoint %s cannot be read", row["RowKey"])
        return None


def _endpoint_of(row: Mapping[str, Any]) -> WebhookEndpoint:
    return WebhookEndpoint.model_validate(json.loads(row["endpoint"]))
