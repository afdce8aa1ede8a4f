"""Video records in Table Storage; `video_rows` says how they are laid out."""

from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from http import HTTPStatus
from typing import Any, NamedTuple

from azure.core import MatchConditions
from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from clients import video_rows as rows
from clients.idempotency import AlreadyAccepted, Idempotency
from clients.ledger import Ledger
from clients.table_rows import Tenants, just_after, rows_between
from clients.transactions import Write, WriteLost
from domain.booking import Order
from domain.caller import Caller
from domain.claim import Claim
from domain.errors import Busy, LimitReached, NotFound, PerhapsDone
from domain.movement import Movement
from domain.timed_id import first_key_at
from domain.video import InvalidTransition, Video, VideoRef
from domain.video_id import VIDEO_IDS, is_video_id

type Wrote = Callable[[Video | None, Video], None]
"""Hears of each change of a record once it is written: what was there before, if something was, and what is now."""

_AMEND_ATTEMPTS = 20
_REMEMBERED = 100


class _Seen(NamedTuple):
    """A record and the ETag of its row."""

    video: Video
    etag: str


class Page(NamedTuple):
    """One page of a tenant's videos."""

    videos: Sequence[Video]
    has_more: bool


class Aged(NamedTuple):
    """A place in a tenant's order of videos, and the video if there is one."""

    ref: VideoRef
    video: Video | None


class VideoTable:
    """Reads and writes video records.

    Args:
        table: The table; its credential needs data access.
        ledger: Books what accepting and ending a video moves.
        wrote: Hears of what is written, if somebody wants to.
    """

    def __init__(self, table: TableClient, ledger: Ledger, wrote: Wrote | None = None) -> None:
        self._table = table
        self._ledger = ledger
        self._wrote = wrote or _unheard
        self._tenants = Tenants(table)
        self._last_seen = OrderedDict[VideoRef, _Seen]()

    async def insert(
        self,
        video: Video,
        *,
        alarm_at: datetime,
        idempotency: Idempotency | None = None,
        caller: Caller | None = None,
    ) -> None:
        """Accept a video.

        Its record, its place in the lists, its alarm, its Idempotency-Key if it has one, and what is set aside for it
        are written together, or nothing is.

        Args:
            video: The record.
            alarm_at: When the sweeper shall look at it.
            idempotency: What was promised with a key.
            caller: Whose limits hold, if any do.

        Raises:
            AlreadyAccepted: The Idempotency-Key was used before.
            LimitReached: The caller's limits leave no room for it.
            Busy: Too many others come at the same time.
            PerhapsDone: The storage does not say whether it was accepted.
        """
        await self._tenants.remember(video.tenant)
        writes = [
            Write(rows.to_entity(video)),
            Write(rows.order_entity(video.ref, idempotency.key if idempotency else None), "put"),
            Write(rows.alarm_entity(video.ref, alarm_at), "put"),
        ]
        if idempotency:
            writes.append(Write(rows.idempotency_entity(video.ref, idempotency.key, idempotency.body_sha256)))
        try:
            await self._ledger.book(video.tenant, Order(Movement.accepting(video), caller), writes)
        except (AzureError, Busy, LimitReached, WriteLost):
            if await self._is_kept(video, idempotency):
                return
            raise
        self._wrote(None, video)

    def check_rate(self, caller: Caller) -> None:
        """Refuse at once what `insert` would certainly refuse as it comes too soon.

        Raises:
            RateLimited: The caller has to wait.
        """
        self._ledger.check_rate(caller)

    async def get(self, ref: VideoRef) -> Video:
        """The record.

        Raises:
            NotFound: The tenant has no such video.
        """
        return (await self._read(ref)).video

    async def made_by(self, tenant: str, idempotency_key: str) -> VideoRef | None:
        """The video that a key made, if it made one."""
        try:
            row: Any = await self._table.get_entity(*rows.idempotency_row(tenant, idempotency_key))
        except ResourceNotFoundError:
            return None
        return VideoRef(tenant=tenant, video_id=row["video_id"])

    async def get_visible(self, ref: VideoRef) -> Video:
        """The record, as long as its tenant has not deleted it.

        Raises:
            NotFound: The tenant has no such video any more.
        """
        video = await self.get(ref)
        if video.deleted_at:
            raise _missing(ref)
        return video

    def last_seen(self, ref: VideoRef) -> Video | None:
        """The record as this process last read or wrote it, if it remembers; it may have changed since."""
        seen = self._last_seen.get(ref)
        return seen.video if seen else None

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
        if amended := await self._amend_last_seen(ref, change, alarm_at):
            return amended
        for _ in range(_AMEND_ATTEMPTS):
            seen = await self._read(ref)
            after = change(seen.video)
            if after == seen.video and alarm_at is None:
                return after
            if amended := await self._replace(seen, after, alarm_at):
                return amended
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

    def tenants(self) -> AsyncIterator[str]:
        """Everybody who ever had anything."""
        return self._tenants.all()

    async def oldest(self, tenant: str, *, after: str | None, made_before: datetime, limit: int) -> Sequence[Aged]:
        """A tenant's videos from the oldest on, deleted ones too, and places of the order that have no video.

        Args:
            tenant: Whose.
            after: The id after which to begin; None for the beginning.
            made_before: The time at which to end.
            limit: At most so many.
        """
        start, _ = rows.ORDERS
        span = (just_after(rows.order_key(after)) if after else start, f"{start}{first_key_at(made_before)}")
        order = [row["RowKey"] async for row in self._rows(tenant, span, limit=limit)]
        if not order:
            return []
        span = (rows.record_key_of(order[-1]), just_after(rows.record_key_of(order[0])))
        found = {row["RowKey"]: self._remember(_seen(row)).video async for row in self._rows(tenant, span)}
        ids = [VIDEO_IDS.of_key(place.removeprefix(start)) for place in order]
        return [Aged(VideoRef(tenant=tenant, video_id=each), found.get(rows.record_key(each))) for each in ids]

    async def remove(self, ref: VideoRef) -> None:
        """Remove a record, its Idempotency-Key, its place in the lists and its alarm; harmless when they are gone.

        What it cost stays in the ledger.

        The place goes after the key that it tells of, and the alarm last: what is left half done, rings.
        """
        partition = rows.tenant_partition(ref.tenant)
        await self._table.delete_entity(partition, rows.record_key(ref.video_id))
        await self._remove_promise(ref)
        for key in (rows.order_key, rows.alarm_key):
            await self._table.delete_entity(partition, key(ref.video_id))

    async def claim(self, endpoint: str, upstream_id: str, claim: Claim) -> Claim:
        """Make a render job a video's own.

        Args:
            endpoint: Where the job is; an upstream's ids are its own.
            upstream_id: The job's id there.
            claim: Whose it shall be.

        Returns:
            Whose it is: the first claim stays.
        """
        row = rows.claim_entity(endpoint, upstream_id, claim)
        try:
            await self._table.create_entity(row)
        except ResourceExistsError:
            kept: Any = await self._table.get_entity(row["PartitionKey"], row["RowKey"])
            return Claim(kept["video_id"], kept.get("settled_at"))
        return claim

    async def release(self, endpoint: str, upstream_id: str) -> None:
        """Make a render job nobody's again."""
        partition, row = rows.claim_key(endpoint, upstream_id)
        await self._table.delete_entity(partition, row)

    async def due(self, now: datetime) -> AsyncIterator[VideoRef]:
        """The videos whose alarm has rung, tenant by tenant."""
        async for tenant in self._tenants.all():
            async for alarm in self._rows(tenant, rows.ALARMS, also="alarm_at le @now", now=now):
                yield VideoRef(tenant=tenant, video_id=alarm["video_id"])

    async def set_alarm(self, ref: VideoRef, at: datetime) -> None:
        """The sweeper shall look at this video again, not before `at`."""
        await self._table.upsert_entity(rows.alarm_entity(ref, at))

    async def clear_alarm(self, ref: VideoRef) -> None:
        """The sweeper need not look at this video again."""
        await self._table.delete_entity(rows.tenant_partition(ref.tenant), rows.alarm_key(ref.video_id))

    async def close(self) -> None:
        """Close the connections."""
        await self._table.close()

    async def _is_kept(self, video: Video, idempotency: Idempotency | None) -> bool:
        """Whether a video was accepted, whatever came back: what is sent again may have been done the first time.

        Raises:
            AlreadyAccepted: The Idempotency-Key was used before.
            PerhapsDone: The storage does not say.
        """
        try:
            if idempotency:
                await self._raise_if_promised(video, idempotency)
            await self.get(video.ref)
        except NotFound:
            return False
        except AzureError as error:
            raise PerhapsDone("The storage did not answer: the video may have been accepted.") from error
        return True

    async def _raise_if_promised(self, video: Video, idempotency: Idempotency) -> None:
        with suppress(ResourceNotFoundError):
            kept: Any = await self._table.get_entity(*rows.idempotency_row(video.tenant, idempotency.key))
            if kept["video_id"] != video.video_id:
                raise AlreadyAccepted(kept["video_id"], kept["body_sha256"])

    async def _remove_promise(self, ref: VideoRef) -> None:
        """Forget the Idempotency-Key that came with a video, unless another one was made with it."""
        partition = rows.tenant_partition(ref.tenant)
        with suppress(ResourceNotFoundError):
            place: Any = await self._table.get_entity(partition, rows.order_key(ref.video_id))
            if "promise" in place:
                kept: Any = await self._table.get_entity(partition, place["promise"])
                if kept["video_id"] == ref.video_id:
                    await self._table.delete_entity(partition, place["promise"])

    async def _read(self, ref: VideoRef) -> _Seen:
        self._last_seen.pop(ref, None)
        if not is_video_id(ref.video_id):
            raise _missing(ref)
        try:
            row: Any = await self._table.get_entity(rows.tenant_partition(ref.tenant), rows.record_key(ref.video_id))
        except ResourceNotFoundError:
            raise _missing(ref) from None
        return self._remember(_seen(row))

    def _remember(self, seen: _Seen) -> _Seen:
        self._last_seen[seen.video.ref] = seen
        if len(self._last_seen) > _REMEMBERED:
            self._last_seen.popitem(last=False)
        return seen

    async def _amend_last_seen(
        self, ref: VideoRef, change: Callable[[Video], Video], alarm_at: datetime | None
    ) -> Video | None:
        """What was just read is likely still the newest: that spares a read. None whenever it is not, or may not be."""
        seen = self._last_seen.pop(ref, None)
        if seen is None:
            return None
        try:
            after = change(seen.video)
        except InvalidTransition:
            return None
        return await self._replace(seen, after, alarm_at) if after != seen.video else None

    async def _replace(self, seen: _Seen, video: Video, alarm_at: datetime | None) -> Video | None:
        """Write a record over the one that was seen, and book what that moves; None if that is there no more."""
        movement = Movement.between(seen.video, video)
        etag = await (self._book(movement, seen, video, alarm_at) if movement else self._write(seen, video, alarm_at))
        if etag is None:
            return None
        self._wrote(seen.video, video)
        return self._remember(_Seen(video, etag)).video

    async def _book(self, movement: Movement, seen: _Seen, video: Video, alarm_at: datetime | None) -> str | None:
        writes = [Write(rows.to_entity(video), "replace", seen.etag)]
        if alarm_at:
            writes.append(Write(rows.alarm_entity(video.ref, alarm_at), "put"))
        try:
            return (await self._ledger.book(video.tenant, Order(movement), writes))[0]
        except WriteLost:
            return None

    async def _write(self, seen: _Seen, video: Video, alarm_at: datetime | None) -> str | None:
        record = rows.to_entity(video)
        unchanged: dict[str, Any] = {"etag": seen.etag, "match_condition": MatchConditions.IfNotModified}
        try:
            if alarm_at is None:
                written = await self._table.update_entity(record, UpdateMode.REPLACE, **unchanged)
            else:
                update = ("update", record, {"mode": UpdateMode.REPLACE, **unchanged})
                alarm = ("upsert", rows.alarm_entity(video.ref, alarm_at))
                written = (await self._table.submit_transaction([update, alarm]))[0]
        except HttpResponseError as error:
            if error.status_code not in {HTTPStatus.PRECONDITION_FAILED, HTTPStatus.NOT_FOUND}:
                raise
            return None
        return written["etag"]

    async def _newest_first(self, tenant: str, after: str | None, limit: int) -> list[Video]:
        first, end = rows.RECORDS
        span = (just_after(rows.record_key(after)) if after else first, end)
        return await self._visible(tenant, span, limit)

    async def _oldest_first(self, tenant: str, after: str | None, limit: int) -> list[Video]:
        """Find the next places in the order, then read the records between them: some may be deleted ones."""
        start, end = rows.ORDERS
        start = just_after(rows.order_key(after)) if after else start
        videos = list[Video]()
        while len(videos) < limit:
            order = [row["RowKey"] async for row in self._rows(tenant, (start, end), limit=limit)]
            if not order:
                break
            start = just_after(order[-1])
            span = (rows.record_key_of(order[-1]), just_after(rows.record_key_of(order[0])))
            videos += reversed(await self._visible(tenant, span, len(order)))
        return videos[:limit]

    async def _visible(self, tenant: str, span: tuple[str, str], limit: int) -> list[Video]:
        found = self._rows(tenant, span, limit=limit, also="visible eq true")
        return [rows.to_video(row) async for row in found]

    def _rows(self, tenant: str, span: tuple[str, str], **how: Any) -> AsyncIterator[Any]:
        return rows_between(self._table, rows.tenant_partition(tenant), span, **how)


def _unheard(_before: Video | None, _after: Video) -> None:
    """Where nobody listens."""


def _seen(row: Any) -> _Seen:
    return _Seen(rows.to_video(row), row.metadata["etag"])


def _missing(ref: VideoRef) -> NotFound:
    return NotFound(f"There is no video '{ref.video_id}'.", param="video_id", code="video_not_found")
