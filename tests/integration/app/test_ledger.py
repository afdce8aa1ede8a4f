"""Money in Azurite's Table Storage: no budget is overshot, and the sums agree with the ledger."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from azure.data.tables.aio import TableClient

from clients.ledger import Ledger
from clients.transactions import Transactions, Write, WriteLost
from clients.video_table import VideoTable
from domain.caller import Caller, Limits, Period
from domain.failures import Failure
from domain.video import Video
from tests.integration.app.test_video_table import NOW, video_at

PRICE = Decimal("0.40")
RICH = Caller(tenant="ann", key_id="key_1", tenant_limits=Limits(budget_usd={Period.TOTAL: 37 * PRICE}))


def videos_of(count: int) -> list[Video]:
    return [video_at(n).model_copy(update={"reserved_usd": PRICE, "key_id": "key_1"}) for n in range(count)]


async def accept(videos: VideoTable, video: Video) -> str:
    try:
        await videos.insert(video, alarm_at=NOW, caller=RICH)
    except Exception as error:  # noqa: BLE001 - counted
        return type(error).__name__
    return "accepted"


@pytest.mark.parametrize("processes", [1, 3])
async def test_exactly_as_many_are_accepted_as_the_budget_pays(table: TableClient, processes: int):
    """Each process remembers what it read, and hears of the others' changes only when its own are refused."""
    books = [Ledger(table, Transactions(table), lambda: datetime.now(UTC)) for _ in range(processes)]
    tables = [VideoTable(table, ledger) for ledger in books]
    work = [accept(tables[number % processes], video) for number, video in enumerate(videos_of(200))]
    assert Counter(await asyncio.gather(*work)) == {"accepted": 37, "BudgetExceeded": 163}

    kept = (await tables[0].page("ann", after=None, limit=100)).videos
    assert len(kept) == 37
    failure = Failure(code="render_failed", message="No.")
    ends = [
        tables[n % processes].amend(video.ref, lambda seen: seen.failed(failure, NOW)) for n, video in enumerate(kept)
    ]
    await asyncio.gather(*ends)
    recount = await books[0].recount("ann")
    assert (recount.differences(), recount.entries, recount.counted.in_flight) == ([], 74, 0)
    for ledger in books:
        await ledger.close()


async def test_a_transaction_writes_all_or_nothing(table: TableClient):
    transactions = Transactions(table)
    texts = {"text": "é語🎬'\"\\\n", "moment": NOW, "share": 0.5, "count": 7, "yes": True}
    row = {"PartitionKey": "tenant-o'neill", "RowKey": "a b ü'", **texts}
    (etag,) = await transactions.commit([Write(row)])
    kept = await table.get_entity("tenant-o'neill", "a b ü'")
    assert ({name: kept[name] for name in texts}, kept.metadata["etag"]) == (texts, etag)

    other = {**row, "RowKey": "other"}
    for refused in (Write(row), Write(row, "replace", "W/\"datetime'2020-01-01T00%3A00%3A00.0000000Z'\"")):
        with pytest.raises(WriteLost) as lost:
            await transactions.commit([Write(other), refused])
        assert lost.value.index == 1
    assert [row["RowKey"] async for row in table.query_entities("PartitionKey ne ''")] == ["a b ü'"]
    (newer,) = await transactions.commit([Write({**row, "count": 8}, "replace", etag)])
    await transactions.commit([Write({**row, "count": 9}, "put")])
    assert (await table.get_entity("tenant-o'neill", "a b ü'"))["count"] == 9
    assert newer != etag
    await transactions.close()


async def test_the_longest_requests_go_together(table: TableClient, videos: VideoTable, ledger: Ledger):
    fields = {"prompt": "🎬" * 32_000, "metadata": {f"{n:064}": "語" * 512 for n in range(16)}, "user": "語" * 512}
    asked = [video.model_copy(update=fields) for video in videos_of(16)]
    await asyncio.gather(*(videos.insert(video, alarm_at=NOW) for video in asked))
    assert (await videos.get(asked[7].ref)).prompt == fields["prompt"]
    assert (await ledger.recount("ann")).differences() == []
