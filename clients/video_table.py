"""Video records in Table Storage; `video_rows` says how they are laid out."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any, NamedTuple

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from clients import video_rows as rows
from domain.errors import NotFound
from domain.video import Video, VideoRef
from domain.video_id import is_video_id

_AMEND_ATTEMPTS = 20


class Idempotency(NamedTuple):
    """What a caller promised with an Idempotency-Key.

    Attributes:
        key: As it was sent.
        body_sha256: Digest of the body it came with.
    """

    key: str
    body_sha256: str


class AlreadyAccepted(Exception):
    """The Idempotency-Key was used before.

    Args:
        video_id: The video it made.
        body_sha256: Digest of the body it came with.
    """

    def __init__(self, video_id: str, body_sha256: str) -> None:
        super().__init__(video_id)
        self.video_id = video_id
        self.body_sha256 = body_sha256


class Page(NamedTuple):
    """One page of a tenant's videos."""

    videos: Sequence[Video]
    has_more: bool


class VideoTable:
    """Reads and writes video records.

    Args:
        table: The table; its credential needs data access.
    """

    def __init__(self, table: TableClient) -> None:
        self._table = table
        self._known_tenants = set[str]()

    async def insert(self, video: Video, *, alarm_at: datetime, idempotency: Idempotency | None = None) -> None:
        """Accept a video: the record, its place in the lists, its alarm and its Idempotency-Key, or nothing of it.

        Raises:
            AlreadyAccepted: The Idempotency-Key was used before.
        """
        await self._remember_tenant(video.tenant)
        entities = [rows.to_entity(video), rows.order_entity(video.ref), rows.alarm_entity(video.ref, alarm_at)]
        if idempotency:
            entities.append(rows.idempotency_entity(video.ref, idempotency.key, idempotency.body_sha256))
        try:
            await self._table.submit_transaction([("create", entity) for entity in entities])
        except HttpResponseError as error:
            if error.status_code != HTTPStatus.CONFLICT:
                raise
            await self._raise_unless_our_own(video, entities[-1])

    async def get(self, ref: VideoRef) -> Video:
        """The record.

        Raises:
            NotFound: The tenant has no such video.
        """
        return rows.to_video(await self._read(ref))

    async def get_visible(self, ref: VideoRef) -> Video:
        """The record, as long as its tenant has not deleted it.

        Raises:
            NotFound: The tenant has no such video any more.
        """
        video = await self.get(ref)
        if video.deleted_at:
            raise _missing(ref)
        return video

    async def amend(
        self, ref: VideoRef, change: Callable[[Video], Video], *, alarm_at: datetime | None = None
    ) -> Video:
        """Change a record as if nobody else did at the same time.

        Args:
            ref: Which one.
            change: Makes the new record from the present one; may run more than once.
            alarm_at: When the sweeper shall look at it again, if that changes.

        Returns:
            The record as it now is.

        Raises:
            NotFound: The tenant has no such video.
        """
        for _ in range(_AMEND_ATTEMPTS):
            entity = await self._read(ref)
            before = rows.to_video(entity)
            after = change(before)
            if after == before and alarm_at is None:
                return before
            try:
                await self._replace(after, entity.metadata["etag"], alarm_at)
            except HttpResponseError as error:
                if error.status_code != HTTPStatus.PRECONDITION_FAILED:
                    raise
            else:
                return after
        raise RuntimeError(f"{ref.video_id} kept changing while it was being changed")

    async def page(self, tenant: str, *, after: str | None, limit: int, newest_first: bool = True) -> Page:
        """A tenant's videos in order of creation.

        Args:
            tenant: Whose.
            after: The last id of the page before; None for the first page.
            limit: At most so many.
            newest_first: The direction.

        Raises:
            NotFound: `after` is no id of a video.
        """
        if after is not None and not is_video_id(after):
            raise NotFound(f"There is no video '{after}'.", param="after")
        read = self._newest_first if newest_first else self._oldest_first
        videos = await read(tenant, after, limit + 1)
        return Page(videos[:limit], has_more=len(videos) > limit)

    async def remove(self, ref: VideoRef) -> None:
        """Remove a record, its place in the lists and its alarm; harmless when it is gone."""
        for key in (rows.record_key, rows.order_key, rows.alarm_key):
            await self._table.delete_entity(rows.tenant_partition(ref.tenant), key(ref.video_id))

    async def claim(self, deployment: str, upstream_id: str, video_id: str) -> bool:
        """Make a render job a video's own.

        Returns:
            Whether it now belongs to the video; False if it belongs to another.
        """
        claim = rows.claim_entity(deployment, upstream_id, video_id)
        try:
            await self._table.create_entity(claim)
        except ResourceExistsError:
            owner: Any = await self._table.get_entity(claim["PartitionKey"], claim["RowKey"])
            return owner["video_id"] == video_id
        return True

    async def due(self, now: datetime) -> AsyncIterator[VideoRef]:
        """The videos whose alarm has rung, tenant by tenant."""
        async for tenant in self._rows(rows.TENANTS, ("", "~")):
            query = "PartitionKey eq @partition and RowKey ge @first and RowKey lt @end and alarm_at le @now"
            first, end = rows.ALARMS
            partition = rows.tenant_partition(tenant["RowKey"])
            parameters = {"partition": partition, "first": first, "end": end, "now": now}
            alarms: AsyncIterator[Any] = self._table.query_entities(query, parameters=parameters)
            async for alarm in alarms:
                yield VideoRef.model_validate({"tenant": tenant["RowKey"], "video_id": alarm["video_id"]})

    async def set_alarm(self, ref: VideoRef, at: datetime) -> None:
        """The sweeper shall look at this video again, not before `at`."""
        await self._table.upsert_entity(rows.alarm_entity(ref, at))

    async def clear_alarm(self, ref: VideoRef) -> None:
        """The sweeper need not look at this video again."""
        await self._table.delete_entity(rows.tenant_partition(ref.tenant), rows.alarm_key(ref.video_id))

    async def close(self) -> None:
        """Close the connections."""
        await self._table.close()

    async def _raise_unless_our_own(self, video: Video, last: rows.Entity) -> None:
        """A row was there already: either the key was used before, or the transport repeated an insert that worked."""
        kept: Any = await self._table.get_entity(last["PartitionKey"], last["RowKey"])
        if kept["video_id"] != video.video_id:
            raise AlreadyAccepted(kept["video_id"], kept["body_sha256"])

    async def _read(self, ref: VideoRef) -> Any:
        if not is_video_id(ref.video_id):
            raise _missing(ref)
        try:
            return await self._table.get_entity(rows.tenant_partition(ref.tenant), rows.record_key(ref.video_id))
        except ResourceNotFoundError:
            raise _missing(ref) from None

    async def _replace(self, video: Video, etag: str, alarm_at: datetime | None) -> None:
        record = rows.to_entity(video)
        unchanged: dict[str, Any] = {"etag": etag, "match_condition": MatchConditions.IfNotModified}
        if alarm_at is None:
            await self._table.update_entity(record, UpdateMode.REPLACE, **unchanged)
            return
        alarm = rows.alarm_entity(video.ref, alarm_at)
        await self._table.submit_transaction(
            [("update", record, {"mode": UpdateMode.REPLACE, **unchanged}), ("upsert", alarm)]
        )

    async def _newest_first(self, tenant: str, after: str | None, limit: int) -> list[Video]:
        first, end = rows.RECORDS
        span = (_just_after(rows.record_key(after)) if after else first, end)
        return await self._visible(tenant, span, limit)

    async def _oldest_first(self, tenant: str, after: str | None, limit: int) -> list[Video]:
        """Find the next places in the order, then read the records between them: some may be deleted ones."""
        start, end = rows.ORDERS
        start = _just_after(rows.order_key(after)) if after else start
        videos = list[Video]()
        while len(videos) < limit:
            order = [row["RowKey"] async for row in self._rows(rows.tenant_partition(tenant), (start, end), limit)]
            if not order:
                break
            start = _just_after(order[-1])
            span = (rows.record_key_of(order[-1]), _just_after(rows.record_key_of(order[0])))
            videos += reversed(await self._visible(tenant, span, len(order)))
        return videos[:limit]

    async def _visible(self, tenant: str, span: tuple[str, str], limit: int) -> list[Video]:
        found = self._rows(rows.tenant_partition(tenant), span, limit, " and visible eq true")
        return [rows.to_video(row) async for row in found]

    async def _rows(
        self, partition: str, span: tuple[str, str], limit: int | None = None, also: str = ""
    ) -> AsyncIterator[Any]:
        """The rows whose keys are in [start, end), in order, at most `limit` of them."""
        query = f"PartitionKey eq @partition and RowKey ge @start and RowKey lt @end{also}"
        parameters = {"partition": partition, "start": span[0], "end": span[1]}
        count = 0
        async for row in self._table.query_entities(query, parameters=parameters, results_per_page=limit):
            yield row
            count += 1
            if count == limit:
                return

    async def _remember_tenant(self, tenant: str) -> None:
        if tenant not in self._known_tenants:
            await self._table.upsert_entity(rows.tenant_entity(tenant))
            self._known_tenants.add(tenant)


def _missing(ref: VideoRef) -> NotFound:
    return NotFound(f"There is no video '{ref.video_id}'.", param="video_id", code="video_not_found")


def _just_after(key: str) -> str:
    """The start of a range that excludes a key: keys have one length, so nothing sorts in between."""
    return f"{key}~"
