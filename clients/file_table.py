"""File records in Table Storage, two rows each, in the partition of their tenant.

f<newest first>    the record; a plain range query lists the newest first
g<oldest first>    the same for the other order; before the upload it is there without most of the fields
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from clients.table_rows import Tenants, just_after, rows_between, tenant_partition
from domain.errors import NotFound
from domain.file import FILE_IDS, File, Purpose
from domain.timed_id import first_key_at

_UPLOAD_LIMIT = timedelta(days=1)
_FOUND_AT_ONCE = 100
"""Files of one purpose were often uploaded one after the other: a range of rows has many of them, and few others."""


class FilePage(NamedTuple):
    """One page of a tenant's files."""

    files: Sequence[File]
    has_more: bool


class FileTable:
    """Reads and writes file records.

    Args:
        table: The table; its credential needs data access.
    """

    def __init__(self, table: TableClient) -> None:
        self._table = table
        self._tenants = Tenants(table)

    async def expect(self, tenant: str, file_id: str) -> None:
        """Note that bytes may come, so that those of an upload that broke off expire."""
        await self._tenants.remember(tenant)
        expires_at = FILE_IDS.created_at(file_id) + _UPLOAD_LIMIT
        with suppress(ResourceExistsError):  # it has come already, and need not expire
            await self._table.create_entity({**_key(tenant, _place(file_id)), "expires_at": _as_text(expires_at)})

    async def insert(self, file: File) -> None:
        """Keep a record, over whatever was there."""
        await self._tenants.remember(file.tenant)
        fields = file.model_dump(mode="json", exclude_none=True)
        for row in (_record(file.file_id), _place(file.file_id)):
            await self._table.upsert_entity({**_key(file.tenant, row), **fields}, UpdateMode.REPLACE)

    async def grown(self, tenant: str, file_id: str, size_bytes: int) -> None:
        """Note the new length of a file that is being written.

        Raises:
            NotFound: The tenant has no such file any more.
        """
        for row in (_record(file_id), _place(file_id)):
            try:
                await self._table.update_entity({**_key(tenant, row), "size_bytes": size_bytes}, UpdateMode.MERGE)
            except ResourceNotFoundError:
                raise missing(file_id) from None

    async def get(self, tenant: str, file_id: str) -> File:
        """The record.

        Raises:
            NotFound: The tenant has no such file.
        """
        if not FILE_IDS.has(file_id):
            raise missing(file_id)
        try:
            row: Any = await self._table.get_entity(tenant_partition(tenant), _record(file_id))
        except ResourceNotFoundError:
            raise missing(file_id) from None
        return File.model_validate(row)

    async def find(self, tenant: str, file_ids: Iterable[str]) -> Mapping[str, File]:
        """Those of these files that the tenant has, by id; more than one is read at once where they lie close.

        Args:
            tenant: Whose.
            file_ids: As a caller sent them.
        """
        wanted = sorted({_record(each) for each in file_ids if FILE_IDS.has(each)})
        found = dict[str, File]()
        while wanted:
            span = (wanted[0], just_after(wanted[-1]))
            near = rows_between(self._table, tenant_partition(tenant), span, limit=_FOUND_AT_ONCE)
            rows = {row["RowKey"]: row async for row in near}
            files = [File.model_validate(rows[key]) for key in wanted if key in rows]
            found |= {file.file_id: file for file in files}
            last = max(rows) if len(rows) == _FOUND_AT_ONCE else wanted[-1]
            wanted = [key for key in wanted if key > last]
        return found

    async def page(
        self, tenant: str, *, after: str | None, limit: int, newest_first: bool = True, purpose: Purpose | None = None
    ) -> FilePage:
        """A tenant's files in order of creation.

        Args:
            tenant: Whose.
            after: The last id of the page before; None for the first page.
            limit: At most so many.
            newest_first: The direction.
            purpose: Only those.

        Raises:
            NotFound: `after` is no id of a file.
        """
        if after is not None and not FILE_IDS.has(after):
            raise NotFound(f"There is no file '{after}'.", param="after")
        key, first, end = (_record, "f", "g") if newest_first else (_place, "g", "h")
        span = (just_after(key(after)) if after else first, end)
        condition, name = ("purpose eq @purpose", purpose) if purpose else ("purpose ge @purpose", "")
        partition = tenant_partition(tenant)
        found = rows_between(self._table, partition, span, limit=limit + 1, also=condition, purpose=name)
        files = [File.model_validate(row) async for row in found]
        return FilePage(files[:limit], has_more=len(files) > limit)

    async def outdated(
        self, tenant: str, *, after: str | None, now: datetime, made_before: datetime | None, limit: int
    ) -> Sequence[str]:
        """The ids of files that have expired, and of uploads that broke off, and of all that are old; oldest first.

        Args:
            tenant: Whose.
            after: The id after which to begin; None for the beginning.
            now: The present time.
            made_before: What was made before is old; None if nothing ever is.
            limit: At most so many.
        """
        span = (just_after(_place(after)) if after else "g", "h")
        values = {"old": f"g{first_key_at(made_before)}" if made_before else "", "now": _as_text(now)}
        also = "( RowKey lt @old or expires_at le @now )"  # the SDK finds names between blanks only
        found = rows_between(self._table, tenant_partition(tenant), span, limit=limit, also=also, **values)
        return [FILE_IDS.of_key(row["RowKey"].removeprefix("g")) async for row in found]

    async def forget(self, tenant: str, file_id: str) -> None:
        """Remove a record; its place stays until the bytes are gone. Harmless when it is gone."""
        await self._table.delete_entity(tenant_partition(tenant), _record(file_id))

    async def remove(self, tenant: str, file_id: str) -> None:
        """Remove all rows of a file; harmless when they are gone."""
        await self.forget(tenant, file_id)
        await self._table.delete_entity(tenant_partition(tenant), _place(file_id))

    async def close(self) -> None:
        """Close the connections."""
        await self._table.close()


def missing(file_id: str) -> NotFound:
    """What a tenant is told that has no such file."""
    return NotFound(f"There is no file '{file_id}'.", param="file_id", code="file_not_found")


def _as_text(moment: datetime) -> str:
    """As records have it: such texts sort by time, to the second."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _record(file_id: str) -> str:
    return f"f{FILE_IDS.newest_first_key(file_id)}"


def _place(file_id: str) -> str:
    return f"g{FILE_IDS.oldest_first_key(file_id)}"


def _key(tenant: str, row: str) -> dict[str, Any]:
    return {"PartitionKey": tenant_partition(tenant), "RowKey": row}
