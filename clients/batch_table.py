"""Batch records in Table Storage.

PartitionKey     RowKey             row
tenant-TENANT    b<newest first>    the record; a plain range query lists the newest first
tenant-TENANT    j<hash of a key>   the Idempotency-Key that made a batch, and the body it came with
open-batches     the batch's id     whose it is, since when; the sweeper looks after each until its history is purged
"""

import hashlib
import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any, NamedTuple

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from clients.idempotency import AlreadyAccepted, Idempotency
from clients.table_rows import just_after, rows_between, tenant_partition
from domain.batch import BATCH_IDS, Batch, BatchRef
from domain.errors import NotFound

_OPEN = "open-batches"
_NESTED = ("metadata", "models", "in_flight", "errors")
_AMEND_ATTEMPTS = 20
_REMEMBERED = 20


class _Seen(NamedTuple):
    """A record and the ETag of its row."""

    batch: Batch
    etag: str


class OpenBatch(NamedTuple):
    """A batch that somebody has to look after.

    Attributes:
        at: When its record was about to be written.
    """

    ref: BatchRef
    at: datetime


class BatchPage(NamedTuple):
    """One page of a tenant's batches."""

    batches: Sequence[Batch]
    has_more: bool


class BatchTable:
    """Reads and writes batch records.

    Args:
        table: The table; its credential needs data access.
    """

    def __init__(self, table: TableClient) -> None:
        self._table = table
        self._last_seen = OrderedDict[BatchRef, _Seen]()

    async def insert(self, batch: Batch, promise: Idempotency | None = None) -> Batch:
        """Accept a batch: from here on the sweeper sees to it that it runs. One that is there stays as it is.

        Returns:
            The record as it now is.

        Raises:
            AlreadyAccepted: The Idempotency-Key has made another batch.
        """
        await self._table.upsert_entity(_open_entity(batch))
        rows = [_to_entity(batch), *([_promise_entity(batch, promise)] if promise else ())]
        try:
            await self._table.submit_transaction([("create", row) for row in rows])
        except HttpResponseError as error:
            if error.status_code != HTTPStatus.CONFLICT:
                raise
        else:
            return batch
        if promise:
            await self._note(batch, promise)
        return await self.get(batch.ref)

    async def made_by(self, tenant: str, idempotency_key: str) -> AlreadyAccepted | None:
        """What an Idempotency-Key was used for, if it was."""
        key = {"partition_key": tenant_partition(tenant), "row_key": _promise_row(idempotency_key)}
        try:
            kept: Any = await self._table.get_entity(**key)
        except ResourceNotFoundError:
            return None
        return AlreadyAccepted(kept["batch_id"], kept["body_sha256"])

    async def get(self, ref: BatchRef) -> Batch:
        """The record.

        Raises:
            NotFound: The tenant has no such batch.
        """
        return (await self._read(ref)).batch

    async def amend(self, ref: BatchRef, change: Callable[[Batch], Batch]) -> Batch:
        """Change a record as if nobody else did at the same time.

        Args:
            ref: Which one.
            change: Makes the new record from the present one; may run more than once.

        Returns:
            The record as it now is.

        Raises:
            NotFound: The tenant has no such batch.
        """
        seen = self._last_seen.pop(ref, None)  # likely still the newest; if not, it cannot be replaced
        if seen and (after := change(seen.batch)) != seen.batch and await self._replace(after, seen.etag):
            return after
        for _ in range(_AMEND_ATTEMPTS):
            seen = await self._read(ref)
            after = change(seen.batch)
            if after == seen.batch or await self._replace(after, seen.etag):
                return after
        raise RuntimeError(f"{ref.batch_id} kept changing while it was being changed")

    async def page(self, tenant: str, *, after: str | None, limit: int) -> BatchPage:
        """A tenant's batches, the newest first.

        Args:
            tenant: Whose.
            after: The last id of the page before; None for the first page.
            limit: At most so many.

        Raises:
            NotFound: `after` is no id of a batch.
        """
        if after is not None and not BATCH_IDS.has(after):
            raise NotFound(f"There is no batch '{after}'.", param="after")
        span = (just_after(_row(after)) if after else "b", "c")
        found = rows_between(self._table, tenant_partition(tenant), span, limit=limit + 1)
        batches = [_to_batch(row) async for row in found]
        return BatchPage(batches[:limit], has_more=len(batches) > limit)

    async def open(self) -> AsyncIterator[OpenBatch]:
        """Every batch that somebody has to look after."""
        async for row in rows_between(self._table, _OPEN, ("", "~")):
            ref = BatchRef(tenant=row["tenant"], batch_id=row["RowKey"])
            yield OpenBatch(ref, row.get("at") or BATCH_IDS.created_at(ref.batch_id))

    async def close_case(self, ref: BatchRef) -> None:
        """Nobody needs to look after it any more."""
        await self._table.delete_entity(_OPEN, ref.batch_id)

    async def close(self) -> None:
        """Close the connections."""
        await self._table.close()

    async def _note(self, batch: Batch, promise: Idempotency) -> None:
        """Let a key stand for a batch that is there, unless it stands for another one."""
        row = _promise_entity(batch, promise)
        try:
            await self._table.create_entity(row)
        except ResourceExistsError:
            earlier = await self.made_by(batch.tenant, promise.key)
            if earlier and earlier.made_id != batch.batch_id:
                raise earlier from None

    async def _read(self, ref: BatchRef) -> _Seen:
        try:
            if BATCH_IDS.has(ref.batch_id):
                row: Any = await self._table.get_entity(tenant_partition(ref.tenant), _row(ref.batch_id))
                return self._remember(_Seen(_to_batch(row), row.metadata["etag"]))
        except ResourceNotFoundError:
            pass
        raise NotFound(f"There is no batch '{ref.batch_id}'.", param="batch_id", code="batch_not_found")

    async def _replace(self, batch: Batch, etag: str) -> bool:
        """Write a record over the one that has this ETag, if there still is one."""
        unchanged: dict[str, Any] = {"etag": etag, "match_condition": MatchConditions.IfNotModified}
        try:
            written = await self._table.update_entity(_to_entity(batch), UpdateMode.REPLACE, **unchanged)
        except HttpResponseError as error:
            if error.status_code not in {HTTPStatus.PRECONDITION_FAILED, HTTPStatus.NOT_FOUND}:
                raise
            return False
        self._remember(_Seen(batch, written["etag"]))
        return True

    def _remember(self, seen: _Seen) -> _Seen:
        self._last_seen[seen.batch.ref] = seen
        if len(self._last_seen) > _REMEMBERED:
            self._last_seen.popitem(last=False)
        return seen


def _row(batch_id: str) -> str:
    return f"b{BATCH_IDS.newest_first_key(batch_id)}"


def _open_entity(batch: Batch) -> dict[str, Any]:
    return {"PartitionKey": _OPEN, "RowKey": batch.batch_id, "tenant": batch.tenant, "at": batch.created_at}


def _promise_row(idempotency_key: str) -> str:
    return f"j{hashlib.sha256(idempotency_key.encode()).hexdigest()}"


def _promise_entity(batch: Batch, promise: Idempotency) -> dict[str, Any]:
    row = _promise_row(promise.key)
    made = {"batch_id": batch.batch_id, "body_sha256": promise.body_sha256}
    return {"PartitionKey": tenant_partition(batch.tenant), "RowKey": row, **made}


def _to_entity(batch: Batch) -> dict[str, Any]:
    fields = batch.model_dump(mode="json", exclude_none=True)
    for name in _NESTED:
        if name in fields:
            fields[name] = json.dumps(fields[name], ensure_ascii=False)
    return {"PartitionKey": tenant_partition(batch.tenant), "RowKey": _row(batch.batch_id), **fields}


def _to_batch(entity: Any) -> Batch:
    fields = dict(entity)
    for name in _NESTED:
        if name in fields:
            fields[name] = json.loads(fields[name])
    return Batch.model_validate(fields)
