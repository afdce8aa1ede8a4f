"""Deliveries of webhooks in Table Storage: the log of each endpoint, and an index of what is to be looked at when.

    PartitionKey         RowKey                          row
    deliveries-ENDPOINT  <newest first>-EVENT            a delivery; the key follows from the event
    deliveries-due       <look_at>-<the two keys above>  look at it then; one whose time does not agree is left over

The index is written first: whatever a crash leaves half done is looked at, and nothing of it is lost.
"""

import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.data.tables.aio import TableClient

from clients.table_rows import rows_between
from domain.webhook import Delivery

DUE = "deliveries-due"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LAST_MS = 16**12 - 1
_log = logging.getLogger(__name__)


class _LeftOver(Exception):
    """A row of the index that stands for nothing."""


class WebhookDeliveries:
    """Keeps what is on its way to the endpoints, and for a week what was.

    Args:
        table: The table of the videos; its credential needs data access.
    """

    def __init__(self, table: TableClient) -> None:
        self._table = table

    async def insert(self, delivery: Delivery) -> bool:
        """Keep a new delivery.

        Returns:
            False if there is one of this event to this endpoint already.
        """
        await self._table.upsert_entity(_due_row(delivery))
        try:
            await self._table.create_entity(_row_of(delivery))
        except ResourceExistsError:
            try:
                await self._delivery(_due_row(delivery))
            except (_LeftOver, ValueError):
                await self._forget_due(delivery)
            return False
        return True

    async def update(self, before: Delivery, after: Delivery) -> None:
        """Keep what became of one."""
        await self._table.upsert_entity(_due_row(after))
        await self._table.upsert_entity(_row_of(after))
        if _due_key(before) != _due_key(after):
            await self._forget_due(before)

    async def remove(self, delivery: Delivery) -> None:
        """Keep one no longer."""
        await self._table.delete_entity(*_keys(delivery))
        await self._forget_due(delivery)

    async def due(self, now: datetime, *, limit: int, of_each: int) -> Sequence[Delivery]:
        """What is to be looked at, the longest due first; what is left over in the index is tidied up.

        Args:
            now: The present time.
            limit: At most so many.
            of_each: At most so many to the same endpoint, so that one leaves room for the others.
        """
        found, count = list[Delivery](), Counter[str]()
        async for row in rows_between(self._table, DUE, ("", _time_key(now + _MILLISECOND))):
            if count[row["endpoint_id"]] == of_each:
                continue
            try:
                found.append(await self._delivery(row))
            except _LeftOver:
                await self._table.delete_entity(DUE, row["RowKey"])
            except ValueError:
                _log.exception("the delivery %s cannot be read", row["RowKey"])
            else:
                count[row["endpoint_id"]] += 1
            if len(found) == limit:
                break
        return found

    async def page(self, endpoint_id: str, *, after: str | None, limit: int) -> Sequence[Delivery]:
        """An endpoint's deliveries, the newest event first.

        Args:
            endpoint_id: Whose.
            after: The cursor of the last one of the page before; see `cursor_of`.
            limit: At most so many.
        """
        span = (f"{after}~" if after else "", "~")
        rows = rows_between(self._table, _partition(endpoint_id), span, limit=limit)
        return [delivery async for row in rows if (delivery := _readable(row))]

    async def _delivery(self, due: Mapping[str, Any]) -> Delivery:
        """What a row of the index stands for.

        Raises:
            _LeftOver: It is gone, or to be looked at another time.
            ValueError: It cannot be read.
        """
        try:
            row: Any = await self._table.get_entity(_partition(due["endpoint_id"]), due["delivery"])
        except ResourceNotFoundError:
            raise _LeftOver from None
        delivery = _delivery_of(row)
        if _due_key(delivery) != due["RowKey"]:
            raise _LeftOver
        return delivery

    async def _forget_due(self, delivery: Delivery) -> None:
        await self._table.delete_entity(DUE, _due_key(delivery))


def cursor_of(delivery: Delivery) -> str:
    """Its place in its endpoint's log."""
    return _keys(delivery)[1]


def _partition(endpoint_id: str) -> str:
    return f"deliveries-{endpoint_id}"


def _keys(delivery: Delivery) -> tuple[str, str]:
    newest_first = f"{_LAST_MS - (delivery.at - _EPOCH) // _MILLISECOND:012x}"
    return _partition(delivery.endpoint_id), f"{newest_first}-{delivery.event_id}"


def _due_key(delivery: Delivery) -> str:
    return f"{_time_key(delivery.look_at)}-{delivery.endpoint_id}-{_keys(delivery)[1]}"


def _time_key(at: datetime) -> str:
    return f"{(at - _EPOCH) // _MILLISECOND:012x}"


def _due_row(delivery: Delivery) -> Mapping[str, Any]:
    key = {"PartitionKey": DUE, "RowKey": _due_key(delivery)}
    return {**key, "endpoint_id": delivery.endpoint_id, "delivery": _keys(delivery)[1]}


def _row_of(delivery: Delivery) -> Mapping[str, Any]:
    partition, row = _keys(delivery)
    return {"PartitionKey": partition, "RowKey": row, "delivery": delivery.model_dump_json()}


def _readable(row: Mapping[str, Any]) -> Delivery | None:
    try:
        return _delivery_of(row)
    except ValueError:
        _log.exception("the delivery %s cannot be read", row["RowKey"])
        return None


def _delivery_of(row: Mapping[str, Any]) -> Delivery:
    return Delivery.model_validate(json.loads(row["delivery"]))
