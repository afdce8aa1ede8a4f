"""What the purge reads and removes, in Azurite's Table Storage."""

import secrets
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from azure.data.tables.aio import TableClient

from activities.late_renders import LateRenders
from clients.batch_table import BatchTable
from clients.blob_store import BlobStore
from clients.file_table import FileTable
from clients.files import Files
from clients.idempotency import AlreadyAccepted, Idempotency
from clients.ledger import Ledger
from clients.purge_progress import PurgeProgress
from clients.video_table import VideoTable
from domain.errors import NotFound
from domain.file import FILE_IDS, File, Purpose
from domain.media import content_blob
from domain.retention import Retention, RetentionRules
from domain.video import StoredContent, Variant, Video, VideoRef
from domain.video_id import new_video_id
from event_sources.purge import Purge
from event_sources.removal import Removal
from tests.unit.examples import a_catalog
from tests.unit.fakes import FakeClock, FakeOrchestrations, FakeVideosApi

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
KEY = Idempotency("key", "body")


def video_at(second: int = 0, **changes: Any) -> Video:
    created_at = NOW + second * SECOND
    fields: dict[str, Any] = {
        "video_id": new_video_id(created_at, secrets.token_bytes(10)),
        "tenant": "ann",
        "model": "sora-2",
        "prompt": "a boat",
        "seconds": 4,
        "size": "1280x720",
        "created_at": created_at,
    }
    return Video.model_validate(fields | changes)


async def inserted(videos: VideoTable, video: Video, idempotency: Idempotency | None = None) -> Video:
    await videos.insert(video, alarm_at=NOW, idempotency=idempotency)
    return video


async def rows_of(table: TableClient) -> set[str]:
    """The first letters of a tenant's rows."""
    return {row["RowKey"][0] async for row in table.query_entities("PartitionKey eq 'tenant-ann'")}


@pytest.mark.parametrize("limit", [1, 2, 3, 10])
async def test_the_oldest_come_first_and_none_is_left_out(videos: VideoTable, limit: int):
    added = [await inserted(videos, video_at(second)) for second in range(5)]
    added[1] = await videos.amend(added[1].ref, lambda video: video.deleted(NOW))
    await inserted(videos, video_at(tenant="bob"))
    await inserted(videos, video_at(5))
    await videos._table.delete_entity("tenant-ann", f"v{16**32 - 1 - int(added[2].video_id[6:], 16):032x}")

    found, after = list[tuple[VideoRef, Video | None]](), None
    while slice_ := await videos.oldest("ann", after=after, made_before=NOW + 5 * SECOND, limit=limit):
        found += slice_
        after = slice_[-1].ref.video_id

    assert found == [(video.ref, None if video is added[2] else video) for video in added]


async def test_what_was_read_among_the_oldest_can_be_changed(videos: VideoTable):
    video = await inserted(videos, video_at())
    await videos.oldest("ann", after=None, made_before=NOW + SECOND, limit=9)
    await VideoTable(videos._table, videos._ledger).amend(
        video.ref, lambda seen: seen.model_copy(update={"user": "ann"})
    )

    changed = await videos.amend(video.ref, lambda seen: seen.content_removed(NOW))

    assert changed == video.model_copy(update={"user": "ann", "content_removed_at": NOW})
    assert await videos.get(video.ref) == changed


async def test_a_removed_video_frees_its_idempotency_key(videos: VideoTable, table: TableClient):
    video = await inserted(videos, video_at(), KEY)
    assert "k" in await rows_of(table)
    for _ in range(2):
        await videos.remove(video.ref)
    assert await rows_of(table) == {"l", "u"}
    await inserted(videos, video_at(1), KEY)


async def test_a_video_that_was_never_made_leaves_the_key_to_the_one_that_was(videos: VideoTable, table: TableClient):
    made, never_made = await inserted(videos, video_at(), KEY), video_at(1)
    with pytest.raises(AlreadyAccepted):
        await inserted(videos, never_made, KEY)
    await videos.remove(never_made.ref)
    with pytest.raises(AlreadyAccepted) as refusal:
        await inserted(videos, video_at(2), KEY)
    assert refusal.value.made_id == made.video_id


async def test_what_a_video_cost_outlives_it(videos: VideoTable, ledger: Ledger, table: TableClient):
    video = await inserted(videos, video_at(reserved_usd=Decimal("0.50")))
    content = StoredContent(blob="b", content_type="video/mp4", size_bytes=1, sha256="0" * 64)
    intent = video.submitting("east", NOW, usd_per_second=Decimal("0.10")).in_progress("job", NOW)
    rendered = intent.copying(NOW, rendered_s=4).copied({Variant.VIDEO: content})
    await videos.amend(video.ref, lambda _: rendered.completed(NOW))
    await videos.remove(video.ref)

    rows = [row["RowKey"] async for row in table.query_entities("PartitionKey eq 'tenant-ann'")]
    assert [row[0] for row in rows] == ["l", "l", "u"]
    reserve, settle = [entry async for entry in ledger.entries("ann")]
    assert (reserve.kind, reserve.reserved_usd, reserve.in_flight) == ("reserve", Decimal("0.50"), 1)
    assert (settle.video_id, settle.deployment, settle.seconds, settle.size) == (video.video_id, "east", 4, "1280x720")
    assert (settle.kind, settle.spent_usd, settle.reserved_usd) == ("settle", Decimal("0.40"), Decimal("-0.50"))
    assert (await ledger.recount("ann")).differences() == []


async def test_tenants_are_those_who_ever_had_anything(videos: VideoTable, table: TableClient):
    await videos.remove((await inserted(videos, video_at())).ref)
    await inserted(videos, video_at(tenant="bob"))
    await FileTable(table).expect("cid", FILE_IDS.new(NOW, bytes(10)))
    assert [tenant async for tenant in videos.tenants()] == ["ann", "bob", "cid"]


async def test_progress_is_kept_for_each_tenant_and_kind(table: TableClient):
    progress = PurgeProgress(table)
    assert await progress.of("ann", "content") is None
    await progress.note("ann", "content", "video_1")
    await progress.note("ann", "record", "video_2")
    await progress.note("ann", "content", "video_3")
    assert await progress.of("ann", "content") == "video_3"
    assert await progress.of("ann", "record") == "video_2"
    assert await progress.of("ann", "request") is None
    assert await progress.of("bob", "content") is None


async def test_files_that_are_old_or_expired_or_half_there_are_found(table: TableClient):
    files = FileTable(table)

    async def file_at(second: int, *, expires_at: datetime | None = None) -> str:
        file_id = FILE_IDS.new(NOW + second * SECOND, bytes(10))
        record = File(
            file_id=file_id,
            tenant="ann",
            filename="a",
            purpose=Purpose.BATCH,
            size_bytes=1,
            created_at=NOW + second * SECOND,
            expires_at=expires_at,
        )
        await files.expect("ann", file_id)
        await files.insert(record)
        return file_id

    old, expired, kept_ = await file_at(0), await file_at(1, expires_at=NOW + DAY), await file_at(2)
    half_there = FILE_IDS.new(NOW + 3 * SECOND, bytes(10))
    await files.expect("ann", half_there)

    async def outdated(now: datetime, made_before: datetime | None) -> list[str]:
        found, after = list[str](), None
        while ids := await files.outdated("ann", after=after, now=now, made_before=made_before, limit=2):
            found += ids
            after = ids[-1]
        return found

    assert await outdated(NOW, None) == []
    assert await outdated(NOW, NOW + SECOND) == [old]
    assert await outdated(NOW + DAY, None) == [expired]
    assert await outdated(NOW + 2 * DAY, NOW + SECOND) == [old, expired, half_there]
    assert await outdated(NOW + 2 * DAY, NOW + 3 * SECOND) == [old, expired, kept_, half_there]


async def test_content_that_retention_removed_is_gone_for_its_reader_and_the_record_stays(
    videos: VideoTable, blobs: BlobStore, table: TableClient, caller: httpx.AsyncClient, kept: Video
):
    removal = Removal(videos, blobs, blobs, FakeOrchestrations().as_orchestrations())
    rules, files = RetentionRules(default=Retention(content_days=30, request_days=30)), Files(FileTable(table), blobs)
    late_renders = LateRenders(a_catalog(), videos, FakeVideosApi(FakeClock()).as_api())
    purge = Purge(rules, videos, files, BatchTable(table), PurgeProgress(table), removal, late_renders, limit_s=60)

    assert await purge.run(kept.created_at + 29 * DAY)
    assert (await caller.get(f"/videos/{kept.video_id}/content")).status_code == 200
    for days in (31, 32):
        assert await purge.run(kept.created_at + days * DAY)

    answer = await caller.get(f"/videos/{kept.video_id}/content")
    assert (answer.status_code, answer.json()["error"]["code"]) == (410, "content_removed")
    assert (await caller.get(f"/videos/{kept.video_id}")).json()["status"] == "completed"
    with pytest.raises(NotFound):
        await blobs.read(content_blob(kept.ref, Variant.VIDEO))
