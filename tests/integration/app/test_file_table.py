"""File records in Azurite's Table Storage: every page is right, and a file is removed without a trace."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from azure.data.tables.aio import TableClient

from clients.blob_store import BlobStore
from clients.file_table import FileTable
from clients.files import Files
from clients.table_rows import Tenants
from domain.errors import NotFound
from domain.file import FILE_IDS, File, Purpose

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def files(table: TableClient) -> FileTable:
    return FileTable(table)


def file_at(second: int = 0, *, tenant: str = "ann", purpose: Purpose = Purpose.BATCH) -> File:
    created_at = NOW + timedelta(seconds=second)
    return File(
        file_id=FILE_IDS.new(created_at, secrets.token_bytes(10)),
        tenant=tenant,
        filename="a 'quoted' 🎬 name.jsonl",
        purpose=purpose,
        size_bytes=7,
        created_at=created_at,
    )


async def test_record_comes_back_as_it_was(files: FileTable):
    file = file_at().model_copy(update={"expires_at": NOW, "sha256": "0" * 64})
    for _ in range(2):
        await files.insert(file)
    assert await files.get("ann", file.file_id) == file
    assert (await files.page("ann", after=None, limit=10)).files == [file]


async def test_missing_record(files: FileTable):
    file = file_at()
    await files.insert(file)
    for tenant, file_id in (("bob", file.file_id), ("ann", file_at().file_id), ("ann", "x"), ("ann", "file-")):
        with pytest.raises(NotFound):
            await files.get(tenant, file_id)


@pytest.mark.parametrize("limit", [1, 2, 3, 10])
@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("purpose", [None, Purpose.VISION])
async def test_pages_join_into_the_list(files: FileTable, limit: int, newest_first: bool, purpose: Purpose | None):
    kept = [file_at(second, purpose=[Purpose.VISION, Purpose.BATCH][second % 2]) for second in range(6)]
    for file in [*kept, file_at(2, tenant="bob")]:
        await files.insert(file)
    await files.expect("ann", file_at(3).file_id)
    wanted = [file for file in kept if purpose in {None, file.purpose}]

    found, has_more = list[File](), True
    while has_more:
        after = found[-1].file_id if found else None
        page = await files.page("ann", after=after, limit=limit, newest_first=newest_first, purpose=purpose)
        found += page.files
        has_more = page.has_more

    assert found == (wanted[::-1] if newest_first else wanted)


async def test_page_after_no_file_is_refused(files: FileTable):
    with pytest.raises(NotFound):
        await files.page("ann", after="file-1", limit=2)


@pytest.mark.parametrize("at_once", [1, 2, 3, 100])
async def test_many_are_found_by_their_ids(files: FileTable, monkeypatch: pytest.MonkeyPatch, at_once: int):
    monkeypatch.setattr("clients.file_table._FOUND_AT_ONCE", at_once)
    kept = [file_at(second) for second in range(6)]
    foreign, uploading = file_at(2, tenant="bob"), file_at(3)
    for file in [*kept, foreign]:
        await files.insert(file)
    await files.expect("ann", uploading.file_id)
    asked = [kept[4], file_at(9), kept[0], foreign, uploading, kept[3], kept[0], file_at(-9)]

    found = await files.find("ann", ["x", *(file.file_id for file in asked)])

    assert found == {file.file_id: file for file in (kept[0], kept[3], kept[4])}
    assert await files.find("ann", []) == {}


async def expired(files: FileTable, after: timedelta) -> Sequence[str]:
    return await files.outdated("ann", after=None, now=NOW + after, made_before=None, limit=10)


async def test_an_upload_that_broke_off_expires_after_a_day_and_is_no_file(files: FileTable):
    file = file_at()
    for _ in range(2):
        await files.expect("ann", file.file_id)
    assert await expired(files, timedelta(hours=23)) == []
    assert await expired(files, timedelta(hours=25)) == [file.file_id]
    assert not (await files.page("ann", after=None, limit=2)).files
    assert not (await files.page("ann", after=None, limit=2, newest_first=False)).files
    with pytest.raises(NotFound):
        await files.get("ann", file.file_id)


@pytest.mark.parametrize("expected", [["before"], ["after"], ["before", "after"]])
async def test_what_has_come_does_not_expire_however_often_it_is_expected(files: FileTable, expected: list[str]):
    file = file_at()
    if "before" in expected:
        await files.expect("ann", file.file_id)
    await files.insert(file)
    if "after" in expected:
        await files.expect("ann", file.file_id)
    assert await expired(files, timedelta(days=9)) == []
    assert await files.get("ann", file.file_id) == file
    assert (await files.page("ann", after=None, limit=2, newest_first=False)).files == [file]


async def test_an_upload_makes_its_tenant_known_to_the_purge(files: FileTable, table: TableClient):
    await files.expect("ann", file_at().file_id)
    assert [tenant async for tenant in Tenants(table).all()] == ["ann"]


@pytest.mark.parametrize("newest_first", [True, False])
async def test_growth_shows(files: FileTable, newest_first: bool):
    file = file_at()
    await files.insert(file)
    await files.grown("ann", file.file_id, 2**31 - 1)
    grown = file.model_copy(update={"size_bytes": 2**31 - 1})
    assert await files.get("ann", file.file_id) == grown
    assert (await files.page("ann", after=None, limit=2, newest_first=newest_first)).files == [grown]


async def test_removed_file_does_not_come_back_when_it_grows(files: FileTable):
    file = file_at()
    await files.insert(file)
    await files.remove("ann", file.file_id)
    with pytest.raises(NotFound):
        await files.grown("ann", file.file_id, 1)
    assert not (await files.page("ann", after=None, limit=2, newest_first=False)).files


async def test_removing_takes_the_bytes_and_every_row(files: FileTable, blobs: BlobStore, table: TableClient):
    file, kept = file_at(), Files(files, blobs)

    async def chunks():
        yield b"some "
        yield b"bytes"

    stored = await kept.upload("ann", file.file_id, chunks())
    await files.insert(file)
    assert await blobs.read(stored.blob) == b"some bytes"

    for _ in range(2):
        await kept.remove("ann", file.file_id)

    with pytest.raises(NotFound):
        await blobs.read(stored.blob)
    assert [row["PartitionKey"] async for row in table.list_entities()] == ["tenants"]
