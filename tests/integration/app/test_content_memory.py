"""Content on its way through the app takes a bounded part of its memory; who comes too many hears when to come back."""

import asyncio

import httpx

from clients.blob_store import BlobStore
from domain.media import content_blob
from domain.video import Variant, Video
from front_door.memory_budget import MemoryBudget
from tests.contract.caller_kit import error_of
from tests.integration.app.front_door import CONTENT, MEMORY_BYTES


async def test_request_beyond_the_bound_hears_when_to_come_back(
    caller: httpx.AsyncClient, memory: MemoryBudget, kept: Video
):
    path = f"/videos/{kept.video_id}/content"
    async with memory.borrow(MEMORY_BYTES - len(CONTENT) + 1):
        refused = await caller.get(path)
        small = await caller.get(path, headers={"range": "bytes=0-9"})

    error = error_of(refused)
    assert (refused.status_code, error["code"], error["type"]) == (503, "busy", "server_error")
    assert int(refused.headers["retry-after"]) * 1000 == int(refused.headers["retry-after-ms"]) > 0
    assert (small.status_code, small.content) == (206, CONTENT[:10])
    assert (await caller.get(path)).content == CONTENT


async def test_request_beyond_the_bound_waits_its_turn(caller: httpx.AsyncClient, kept: Video):
    answers = await asyncio.gather(*(caller.get(f"/videos/{kept.video_id}/content") for _ in range(10)))

    assert [answer.content for answer in answers] == [CONTENT] * 10


async def test_failed_read_gives_its_memory_back(caller: httpx.AsyncClient, blobs: BlobStore, kept: Video):
    await blobs.delete(content_blob(kept.ref, Variant.VIDEO))

    for _ in range(2):  # one read that kept its memory would leave none for another
        assert (await caller.get(f"/videos/{kept.video_id}/content")).status_code == 404
