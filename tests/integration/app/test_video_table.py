"""Records in Azurite's Table Storage: nothing is lost when many write at once, and every page is right."""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from azure.data.tables.aio import TableClient

from clients.idempotency import AlreadyAccepted, Idempotency
from clients.video_table import VideoTable
from domain.claim import Claim
from domain.errors import NotFound
from domain.failures import Failure
from domain.video import StoredContent, Variant, Video, VideoRef, VideoState
from domain.video_id import new_video_id

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def video_at(second: float = 0, *, tenant: str = "ann", prompt: str = "a boat") -> Video:
    created_at = NOW + timedelta(seconds=second)
    video_id = new_video_id(created_at, secrets.token_bytes(10))
    return Video(
        video_id=video_id,
        tenant=tenant,
        model="sora-2",
        prompt=prompt,
        seconds=4,
        size="1280x720",
        created_at=created_at,
    )


async def kept(videos: VideoTable, video: Video) -> Video:
    await videos.insert(video, alarm_at=NOW)
    return video


async def test_record_comes_back_as_it_was(videos: VideoTable):
    content = StoredContent(blob="a/b.mp4", content_type="video/mp4", size_bytes=7, sha256="0" * 64)
    video = await kept(
        videos, video_at().model_copy(update={"user": "ann", "metadata": {"a": "b"}, "input_reference": content})
    )
    assert await videos.get(video.ref) == video

    def change(before: Video) -> Video:
        rendered = (
            before.submitting("d", NOW, usd_per_second=Decimal("0.10")).in_progress("job", NOW).progressed(40, NOW)
        )
        return rendered.copied({Variant.VIDEO: content}).failed(Failure(code="c", message="m"), NOW)

    changed = await videos.amend(video.ref, change)
    assert await videos.get(video.ref) == changed == change(video)


@pytest.mark.parametrize("character", ["a", "é", "語", "🎬", "\N{FAMILY}", "\0", "\n", "'"])
async def test_longest_prompt_fits(videos: VideoTable, character: str):
    video = await kept(videos, video_at(prompt=character * 32_000))

    assert (await videos.get(video.ref)).prompt == video.prompt


async def test_each_change_is_heard_of_once_whoever_else_writes(table: TableClient, videos: VideoTable):
    heard = list[tuple[VideoState | None, VideoState]]()
    ledger = videos._ledger

    def hear(before: Video | None, after: Video) -> None:
        heard.append((before and before.state, after.state))

    tables = [VideoTable(table, ledger, hear) for _ in range(4)]
    video, promise = video_at(), Idempotency("key", "0" * 64)
    await tables[0].insert(video, alarm_at=NOW, idempotency=promise)
    with pytest.raises(AlreadyAccepted):
        await tables[1].insert(video_at(1), alarm_at=NOW, idempotency=promise)
    submitting = [
        each.amend(video.ref, lambda kept: kept.submitting("d", NOW, usd_per_second=Decimal(0))) for each in tables
    ]
    await asyncio.gather(*submitting)
    failure = Failure(code="c", message="m")
    await asyncio.gather(*(each.amend(video.ref, lambda kept: kept.failed(failure, NOW)) for each in tables))

    queued, asked, failed = VideoState.QUEUED, VideoState.SUBMITTING, VideoState.FAILED
    assert heard == [(None, queued), (queued, asked), (asked, failed)]


async def test_missing_record(videos: VideoTable):
    video = await kept(videos, video_at())

    for ref in (video_at().ref, VideoRef(tenant="bob", video_id=video.video_id), VideoRef(tenant="ann", video_id="x")):
        with pytest.raises(NotFound):
            await videos.get(ref)
        with pytest.raises(NotFound):
            await videos.amend(ref, lambda before: before.cancelling(NOW))


async def test_concurrent_changes_are_all_kept(videos: VideoTable):
    video = await kept(videos, video_at())

    async def note(number: int) -> None:
        await videos.amend(
            video.ref,
            lambda before: before.model_copy(update={"metadata": {**(before.metadata or {}), str(number): ""}}),
        )

    await asyncio.gather(*(note(number) for number in range(10)))

    assert (await videos.get(video.ref)).metadata == {str(number): "" for number in range(10)}


async def test_change_that_changes_nothing_writes_nothing(videos: VideoTable):
    video = await kept(videos, video_at())

    await asyncio.gather(*(videos.amend(video.ref, lambda before: before.cancelling(NOW)) for _ in range(10)))
    cancelled = await videos.amend(video.ref, lambda before: before.cancelling(NOW + timedelta(days=1)))

    assert cancelled.cancel_requested_at == NOW


async def test_one_of_many_concurrent_inserts_gets_the_idempotency_key(videos: VideoTable):
    candidates = [video_at(number) for number in range(20)]

    async def insert(video: Video) -> str:
        try:
            await videos.insert(video, alarm_at=NOW, idempotency=Idempotency("key", "body"))
        except AlreadyAccepted as earlier:
            return earlier.made_id
        return video.video_id

    (winner,) = set(await asyncio.gather(*(insert(video) for video in candidates)))

    page = await videos.page("ann", after=None, limit=100)
    assert [video.video_id for video in page.videos] == [winner]


async def test_refused_insert_leaves_nothing(videos: VideoTable):
    await videos.insert(video_at(), alarm_at=NOW, idempotency=Idempotency("key", "body"))
    late = video_at(1)

    with pytest.raises(AlreadyAccepted) as refusal:
        await videos.insert(late, alarm_at=NOW, idempotency=Idempotency("key", "another"))

    assert refusal.value.body_sha256 == "body"
    with pytest.raises(NotFound):
        await videos.get(late.ref)
    assert late.ref not in [ref async for ref in videos.due(NOW)]


@pytest.fixture
async def shelf(videos: VideoTable) -> list[str]:
    """Ids of what is left, oldest first: single videos, pairs and a long run were deleted or removed between."""
    all_of_them = [video_at(number) for number in range(24)]
    await asyncio.gather(*(kept(videos, video) for video in all_of_them))
    deleted, removed = {0, 3, 6, 7, 9, 10, 11, 12, 13, 14, 15, 23}, {4, 17, 18}
    await asyncio.gather(
        *(videos.amend(all_of_them[number].ref, lambda before: before.deleted(NOW)) for number in deleted),
        *(videos.remove(all_of_them[number].ref) for number in removed),
    )
    await kept(videos, video_at(5, tenant="bob"))
    return [video.video_id for number, video in enumerate(all_of_them) if number not in deleted | removed]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 8, 9, 10, 100])
@pytest.mark.parametrize("newest_first", [True, False])
async def test_pages_join_into_the_list(videos: VideoTable, shelf: list[str], limit: int, newest_first: bool):
    found = list[str]()
    has_more, pages = True, 0
    while has_more:
        page = await videos.page("ann", after=found[-1] if found else None, limit=limit, newest_first=newest_first)
        assert len(page.videos) == limit or not page.has_more
        found += [video.video_id for video in page.videos]
        has_more, pages = page.has_more, pages + 1

    assert found == (shelf[::-1] if newest_first else shelf)
    assert pages == -(-len(shelf) // limit)


@pytest.mark.parametrize("newest_first", [True, False])
async def test_page_may_begin_after_a_video_that_is_gone(videos: VideoTable, shelf: list[str], newest_first: bool):
    gone = shelf[3]
    await videos.remove(VideoRef(tenant="ann", video_id=gone))

    page = await videos.page("ann", after=gone, limit=2, newest_first=newest_first)

    assert [video.video_id for video in page.videos] == (shelf[1:3][::-1] if newest_first else shelf[4:6])


async def test_page_after_no_video_is_refused(videos: VideoTable):
    with pytest.raises(NotFound):
        await videos.page("ann", after="video_1", limit=2)


async def test_render_job_belongs_to_whoever_claims_it_first(videos: VideoTable):
    claims = [Claim(f"video_{number}", settled_at=NOW if number % 2 else None) for number in range(10)]

    (winner,) = set(await asyncio.gather(*(videos.claim("https://d/", "job/1?#\\", claim) for claim in claims)))

    assert winner in claims
    assert await videos.claim("https://d", "job/1?#\\", Claim("video_77")) == winner
    assert await videos.claim("https://another", "job/1?#\\", Claim("video_77")) == Claim("video_77")
    await videos.release("https://d/", "job/1?#\\")
    assert await videos.claim("https://d", "job/1?#\\", Claim("video_77")) == Claim("video_77")


async def test_alarms_ring_when_it_is_time(videos: VideoTable):
    early, late, other = video_at(0), video_at(1), video_at(2, tenant="bob")
    minute = timedelta(minutes=1)

    async def due(at: datetime) -> set[str]:
        return {ref.video_id async for ref in videos.due(at)}

    await videos.insert(early, alarm_at=NOW)
    await videos.insert(late, alarm_at=NOW + minute)
    await videos.insert(other, alarm_at=NOW)

    assert await due(NOW - minute) == set()
    assert await due(NOW) == {early.video_id, other.video_id}
    assert await due(NOW + minute) == {early.video_id, late.video_id, other.video_id}

    await videos.set_alarm(early.ref, NOW + minute)
    await videos.amend(late.ref, lambda before: before, alarm_at=NOW)
    await videos.clear_alarm(other.ref)
    await videos.clear_alarm(other.ref)
    assert await due(NOW) == {late.video_id}

    await videos.remove(late.ref)
    await videos.remove(late.ref)
    assert await due(NOW + minute) == {early.video_id}


async def test_what_another_instance_changed_is_read_before_a_change_is_refused(videos: VideoTable):
    """Each instance remembers what it read last, and neither gets stuck on that."""
    elsewhere = VideoTable(videos._table, videos._ledger)
    content = StoredContent(blob="a/b.mp4", content_type="video/mp4", size_bytes=7, sha256="0" * 64)
    video = await kept(videos, video_at())
    price = Decimal("0.1")
    await videos.amend(video.ref, lambda v: v.submitting("d", NOW, usd_per_second=price).in_progress("job", NOW))
    await elsewhere.amend(video.ref, lambda v: v.copying(NOW, rendered_s=4).copied({Variant.VIDEO: content}))
    assert (await videos.amend(video.ref, lambda v: v.completed(NOW))).has_ended


async def test_record_that_another_instance_removed_is_missing(videos: VideoTable):
    video = await kept(videos, video_at())
    await videos.get(video.ref)
    await VideoTable(videos._table, videos._ledger).remove(video.ref)
    with pytest.raises(NotFound):
        await videos.amend(video.ref, lambda v: v.cancelling(NOW))
