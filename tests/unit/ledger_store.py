"""The table as the ledger uses it, in memory: it may lose an answer, be asked twice, or die before it writes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, cast

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError, ServiceRequestError
from azure.data.tables.aio import TableClient

from clients.ledger import Ledger
from clients.transactions import MOST_WRITES, Write, WriteLost


class Fault(Enum):
    """What goes wrong with a transaction."""

    NOTHING_SENT = "nothing sent"
    NOTHING_WRITTEN = "nothing written"
    REFUSED = "refused"
    ANSWER_LOST = "answer lost"
    SENT_AGAIN = "sent again"


class Row(dict[str, Any]):
    """A row and its ETag."""

    def __init__(self, row: Mapping[str, Any], etag: str) -> None:
        super().__init__(row)
        self.metadata = {"etag": etag}


class LedgerStore:
    """Rows by their two keys.

    Attributes:
        faults: What goes wrong with the next transactions.
        commits: How many were written.
        reads: How many rows were read.
        is_away: Whether rows cannot be read.
    """

    def __init__(self) -> None:
        self.rows = dict[tuple[str, str], Row]()
        self.faults = list[Fault | None]()
        self.commits = 0
        self.reads = 0
        self.is_away = False

    def ledger(self, clock: Callable[[], datetime]) -> Ledger:
        """As another process opens it."""
        return Ledger(self.as_client(), self, clock)

    def as_client(self) -> TableClient:
        return cast("TableClient", self)

    async def commit(self, writes: Sequence[Write]) -> Sequence[str]:
        await asyncio.sleep(0)
        fault = self.faults.pop(0) if self.faults else None
        if fault is Fault.NOTHING_SENT:
            raise ServiceRequestError("nobody is there")
        if fault is Fault.REFUSED:
            raise WriteLost(len(writes) - 1)
        if fault is Fault.NOTHING_WRITTEN:
            raise HttpResponseError("the storage is away")
        keys = [(write.row["PartitionKey"], write.row["RowKey"]) for write in writes]
        assert len({partition for partition, _ in keys}) == 1
        assert len(set(keys)) == len(keys) <= MOST_WRITES
        for index, (key, write) in enumerate(zip(keys, writes, strict=True)):
            kept = self.rows.get(key)
            etag = kept.metadata["etag"] if kept else None
            if write.how != "put" and etag != write.etag:
                raise WriteLost(index)
        self.commits += 1
        etags = [f"{self.commits}-{index}" for index in range(len(writes))]
        self.rows |= {key: Row(write.row, etag) for key, write, etag in zip(keys, writes, etags, strict=True)}
        await asyncio.sleep(0)
        if fault is Fault.ANSWER_LOST:
            raise HttpResponseError("the answer was lost")
        if fault is Fault.SENT_AGAIN:
            return await self.commit(writes)
        return etags

    async def close(self) -> None:
        pass

    async def upsert_entity(self, row: Mapping[str, Any]) -> None:
        self.rows[row["PartitionKey"], row["RowKey"]] = Row(row, "upserted")

    async def get_entity(self, partition_key: str, row_key: str) -> Row:
        self.reads += 1
        await asyncio.sleep(0)
        if self.is_away:
            raise HttpResponseError("the storage is away")
        if (partition_key, row_key) not in self.rows:
            raise ResourceNotFoundError
        return self.rows[partition_key, row_key]

    async def query_entities(
        self, _query: str, *, parameters: Mapping[str, Any], **_paging: object
    ) -> AsyncIterator[Row]:
        keys = [key for key in sorted(self.rows) if key[0] == parameters["partition"]]
        for key in keys:
            if parameters["start"] <= key[1] < parameters["end"]:
                yield self.rows[key]
