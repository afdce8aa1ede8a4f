"""`python -m benchmarks.purge [content] [record]`: ten thousand expired videos, removed by the host's purge.

In the row `content` their content goes and the records stay; in `record` all of it goes but what they cost.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

import httpx
from azure.core.credentials import AzureNamedKeyCredential
from azure.data.tables.aio import TableClient
from azure.storage.blob.aio import BlobServiceClient

from benchmarks.__main__ import INTERRUPTED
from benchmarks.figure import Figure, Unit
from benchmarks.memory import MEMORY_AIM, peak_of
from benchmarks.stack import Stack, running_stack
from benchmarks.table import print_table
from clients import video_rows as rows
from clients.azure import CONTENTS, TABLE
from clients.blob_store import AccountKeySigner, BlobStore
from clients.purge_progress import PurgeProgress
from clients.table_rows import Tenants, rows_between, tenant_partition
from domain.media import content_blob
from domain.video import Variant, Video, VideoRef, VideoState
from domain.video_id import new_video_id
from local.stack.addresses import ACCOUNT
from local.stack.app_settings import AZURITE_ACCOUNT_KEY
from local.stack.main import run

VIDEOS: Final = 10_000
TENANT: Final = "old"
AGE: Final = timedelta(days=100)
RULES: Final = {"content": {"content_days": 30}, "record": {"record_days": 30}}
_WRITERS = 32
_LOOK_EVERY_S = 0.2
_FILE = b"x" * 1_000


async def _measure(chosen: Sequence[str]) -> int:
    load_before = os.getloadavg()[0]
    print_table({row: await _purge(row) for row in chosen}, load_before)
    return 0


async def _purge(row: str) -> list[Figure]:
    retention = json.dumps({"tenants": {TENANT: RULES[row]}})
    async with running_stack(REELAY_RETENTION=retention) as stack, _storage(stack) as (table, contents):
        videos = [_video(number) for number in range(VIDEOS)]
        await Tenants(table).remember(TENANT)
        await _in_parallel(_write(video, table, contents) for video in videos)
        started = time.perf_counter()
        with peak_of(stack.host_pid) as peak:
            runs = await _run_until_done(stack, PurgeProgress(table), row, videos[-1].video_id)
        duration_s = time.perf_counter() - started
        left = await _left(table)
    remark = f"{runs} run{'s' * (runs > 1)} of the purge, {VIDEOS / duration_s:.0f} videos a second; rows left: {left}"
    return [
        Figure(name=f"{VIDEOS} expired videos", value=duration_s, unit=Unit.SECONDS, remark=remark),
        peak.figure("host memory", MEMORY_AIM),
    ]


async def _run_until_done(stack: Stack, progress: PurgeProgress, kind: str, last_id: str) -> int:
    """Starts the purge by hand, again whenever the time of a run is over, and returns how often."""
    limit_s, runs = 245.0, 0
    async with httpx.AsyncClient(base_url=stack.description.host) as host:
        while True:
            (await host.post("/admin/functions/purge", json={})).raise_for_status()
            runs, started = runs + 1, time.perf_counter()
            while time.perf_counter() - started < limit_s:
                if await progress.of(TENANT, kind) == last_id:
                    return runs
                await asyncio.sleep(_LOOK_EVERY_S)


def _video(number: int) -> Video:
    created_at = datetime.now(UTC) - AGE + number * timedelta(seconds=1)
    ref = VideoRef(tenant=TENANT, video_id=new_video_id(created_at, number.to_bytes(10)))
    return Video(
        **ref.model_dump(),
        model="sora-2",
        prompt="A lighthouse in the rain",
        seconds=4,
        size="1280x720",
        created_at=created_at,
        state=VideoState.COMPLETED,
        deployment="sora-2-eastus2",
        ended_at=created_at,
        cost_usd=Decimal("0.40"),
    )


async def _write(video: Video, table: TableClient, contents: BlobStore) -> None:
    """Leave a video as it is left when it has ended and its history is gone."""
    stored = await contents.put(content_blob(video.ref, Variant.VIDEO), _FILE, "video/mp4")
    kept = video.model_copy(update={"contents": {Variant.VIDEO: stored}})
    for row in (
        rows.to_entity(kept),
        rows.order_entity(video.ref, video.video_id),
        rows.idempotency_entity(video.ref, video.video_id, "body"),
    ):
        await table.upsert_entity(row)


async def _in_parallel(work: Iterable[Awaitable[None]]) -> None:
    waiting = iter(work)

    async def worker() -> None:
        for each in waiting:
            await each

    await asyncio.gather(*(worker() for _ in range(_WRITERS)))


async def _left(table: TableClient) -> str:
    """How many rows of each kind there still are; `video_rows` says what their first letters mean."""
    found = rows_between(table, tenant_partition(TENANT), ("", "~"))
    counts = Counter([str(row["RowKey"])[0] async for row in found])
    return ", ".join(f"{count} {letter}" for letter, count in sorted(counts.items())) or "none"


@asynccontextmanager
async def _storage(stack: Stack) -> AsyncGenerator[tuple[TableClient, BlobStore]]:
    credential = AzureNamedKeyCredential(ACCOUNT, AZURITE_ACCOUNT_KEY)
    signer = AccountKeySigner(AZURITE_ACCOUNT_KEY)
    async with (
        TableClient(stack.description.table, TABLE, credential=credential) as table,
        BlobServiceClient(stack.description.blob, credential=AZURITE_ACCOUNT_KEY) as blobs,
    ):
        yield table, BlobStore(blobs.get_container_client(CONTENTS), signer)


def main() -> int:
    """Reads the command line and returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.purge", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"what to run: {', '.join(RULES)}")
    chosen: list[str] = parser.parse_args().rows or list(RULES)
    if unknown := [row for row in chosen if row not in RULES]:
        parser.error(f"there is no row {', '.join(unknown)}: choose from {', '.join(RULES)}")
    return run(_measure(chosen), when_stopped=INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main())
