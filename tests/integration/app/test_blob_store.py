"""Content in Azurite's Blob Storage: whole or not there, the same however often it is written, opened by links only."""

import hashlib
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from clients.blob_store import BLOCK_BYTES, BlobStore
from domain.errors import NotFound

# aiohttp advises against bytes of more than 1 MB; a block has four, and handing it to a socket takes a millisecond.
pytestmark = pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning")

BLOB = "ann/video_1/video.mp4"
BLOCKS = [bytes([number]) * BLOCK_BYTES for number in (1, 2)] + [b"the end"]


class Interrupted(Exception):
    """The upstream broke off."""


async def stream(chunks: Iterable[bytes], *, broken: bool = False) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
    if broken:
        raise Interrupted


async def test_stream_is_stored_as_it_came(blobs: BlobStore):
    stored = await blobs.put_stream(BLOB, stream(BLOCKS), "video/mp4")

    whole = b"".join(BLOCKS)
    assert (stored.size_bytes, stored.sha256) == (len(whole), hashlib.sha256(whole).hexdigest())
    assert (stored.blob, stored.content_type) == (BLOB, "video/mp4")
    assert await blobs.read(BLOB) == whole
    assert await blobs.read(BLOB, offset=BLOCK_BYTES - 1, length=2) == b"\1\2"


@pytest.mark.parametrize("chunks", [[b"all"], [b"of ", b"it"], [b"x" * 9] * 5, [b""], [], BLOCKS[:1]])
async def test_a_small_stream_is_stored_as_it_came_whatever_was_there(blobs: BlobStore, chunks: list[bytes]):
    whole = b"".join(chunks)
    for before in (b"before", whole):
        await blobs.put(BLOB, before, "image/webp")
        stored = await blobs.put_stream(BLOB, stream(chunks), "image/webp")
        assert (stored.size_bytes, stored.sha256) == (len(whole), hashlib.sha256(whole).hexdigest())
        assert await blobs.size(BLOB) == len(whole)
        assert not whole or await blobs.read(BLOB) == whole


@pytest.mark.parametrize("leftover", [[b"x"], BLOCKS[:1], BLOCKS, [b"x" * 9] * 5])
async def test_interrupted_stream_stores_nothing_and_its_rerun_the_same_blob(blobs: BlobStore, leftover: list[bytes]):
    with pytest.raises(Interrupted):
        await blobs.put_stream(BLOB, stream(leftover, broken=True), "video/mp4")
    with pytest.raises(NotFound):
        await blobs.read(BLOB)

    reruns = [await blobs.put_stream(BLOB, stream(BLOCKS), "video/mp4") for _ in range(2)]

    assert reruns[0] == reruns[1]
    assert await blobs.read(BLOB) == b"".join(BLOCKS)


async def test_interrupted_rerun_leaves_the_blob_alone(blobs: BlobStore):
    await blobs.put_stream(BLOB, stream(BLOCKS), "video/mp4")

    with pytest.raises(Interrupted):
        await blobs.put_stream(BLOB, stream([b"something else"], broken=True), "video/mp4")

    assert await blobs.read(BLOB) == b"".join(BLOCKS)


async def test_link_opens_one_blob_for_reading(blobs: BlobStore):
    now = datetime.now(UTC)
    await blobs.put_stream(BLOB, stream(BLOCKS), "video/mp4")
    await blobs.put("ann/another", b"secret", "text/plain")

    link = await blobs.link(BLOB, now=now, expires_at=now + timedelta(minutes=15))

    async with httpx.AsyncClient() as anybody:
        answer = await anybody.get(link)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "video/mp4")
        assert answer.content == b"".join(BLOCKS)
        part = await anybody.get(link, headers={"range": "bytes=4194303-4194304"})
        assert (part.status_code, part.content) == (206, b"\1\2")
        query = urlsplit(link).query
        assert (await anybody.get(f"{blobs.url('ann/another')}?{query}")).status_code == 403
        assert (await anybody.put(link, content=b"x", headers={"x-ms-blob-type": "BlockBlob"})).status_code == 403
        assert (await anybody.get(blobs.url(BLOB))).status_code >= 400


async def test_link_says_when_it_ends_and_does(blobs: BlobStore):
    now = datetime.now(UTC).replace(microsecond=0)
    await blobs.put(BLOB, b"content", "video/mp4")

    link = await blobs.link(BLOB, now=now, expires_at=now + timedelta(minutes=15))
    late = await blobs.link(BLOB, now=now - timedelta(hours=1), expires_at=now - timedelta(minutes=1))

    claims = parse_qs(urlsplit(link).query)
    assert claims["sp"] == ["r"]
    assert datetime.fromisoformat(claims["se"][0]) == now + timedelta(minutes=15)
    assert datetime.fromisoformat(claims["st"][0]) <= now
    async with httpx.AsyncClient() as anybody:
        assert (await anybody.get(late)).status_code == 403


async def test_what_is_appended_is_there_once(blobs: BlobStore):
    assert await blobs.size(BLOB) == 0
    assert await blobs.append(BLOB, b"one\n", at=0)
    assert not await blobs.append(BLOB, b"again\n", at=0)
    assert await blobs.append(BLOB, b"two\n", at=4)
    assert not await blobs.append(BLOB, b"gap\n", at=9)
    assert (await blobs.size(BLOB), await blobs.read(BLOB, offset=4)) == (8, b"two\n")


async def test_nothing_is_appended_to_what_is_not_there(blobs: BlobStore):
    assert not await blobs.append(BLOB, b"two\n", at=4)
    assert await blobs.size(BLOB) == 0


async def test_deleted_blob_is_gone(blobs: BlobStore):
    await blobs.put(BLOB, b"content", "video/mp4")

    await blobs.delete(BLOB)
    await blobs.delete(BLOB)

    with pytest.raises(NotFound):
        await blobs.read(BLOB)


async def test_folders_and_their_first_blobs_are_listed_by_name(blobs: BlobStore):
    for name in ("held/b/2.json", "held/a/3.json", "held/a/1.json", "held/a/2.json", "held/x.json", "other/a/1.json"):
        await blobs.put(name, b"{}", "application/json")
    assert [folder async for folder in blobs.folders("held/")] == ["held/a/", "held/b/"]
    assert await blobs.first_names("held/a/", 2) == ["held/a/1.json", "held/a/2.json"]
    assert await blobs.first_names("held/none/", 2) == []
