"""What is old is removed, nothing else, and it does not matter when and how often the purge dies."""

import random
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from activities.late_renders import LateRenders
from clients.files import Files
from domain.batch import BatchStatus
from domain.catalog import Catalog
from domain.failures import Failure
from domain.media import content_blob
from domain.retention import RetentionRules
from domain.video import Variant, Video
from event_sources.purge import SLICE, Purge
from event_sources.removal import Removal
from tests.unit.activities.batch_world import BatchWorld
from tests.unit.event_sources.mortal import Fuse, Killed
from tests.unit.examples import NOW, PRICE, TENANT, a_catalog, a_deployment, a_file, a_video, an_id
from tests.unit.fakes import (
    FakeBatchTable,
    FakeBlobStore,
    FakeClock,
    FakeFileTable,
    FakeOrchestrations,
    FakePurgeProgress,
    FakeVideosApi,
    FakeVideoTable,
)

DAY = timedelta(days=1)
ALL = {"content_days": 10, "record_days": 20, "request_days": 5}


@dataclass
class World:
    """What the purge goes through."""

    videos: FakeVideoTable = field(default_factory=FakeVideoTable)
    contents: FakeBlobStore = field(default_factory=FakeBlobStore)
    inputs: FakeBlobStore = field(default_factory=FakeBlobStore)
    orchestrations: FakeOrchestrations = field(default_factory=FakeOrchestrations)
    files: FakeFileTable = field(default_factory=FakeFileTable)
    file_blobs: FakeBlobStore = field(default_factory=FakeBlobStore)
    batches: FakeBatchTable = field(default_factory=FakeBatchTable)
    progress: FakePurgeProgress = field(default_factory=FakePurgeProgress)
    catalog: Catalog = field(default_factory=a_catalog)
    api: FakeVideosApi = field(default_factory=lambda: FakeVideosApi(FakeClock()))
    fuse: Fuse = field(default_factory=Fuse)

    def purge(self, tenants: Mapping[str, Any] | None = None, *, limit_s: float = 60, **days: int | None) -> Purge:
        mortal = self.fuse.under
        videos = mortal(self.videos.as_table())
        return Purge(
            retention=RetentionRules.model_validate({"default": days, "tenants": tenants or {}}),
            videos=videos,
            files=Files(mortal(self.files.as_table()), mortal(self.file_blobs.as_store())),
            batches=self.batches.as_table(),
            progress=mortal(self.progress.as_progress()),
            removal=Removal(
                videos=videos,
                contents=mortal(self.contents.as_store()),
                inputs=mortal(self.inputs.as_store()),
                orchestrations=mortal(self.orchestrations.as_orchestrations()),
            ),
            late_renders=LateRenders(self.catalog, self.videos.as_table(), self.api.as_api()),
            limit_s=limit_s,
        )

    async def add(self, number: int, *, created_at: datetime = NOW, tenant: str = TENANT, **changes: Any) -> Video:
        """A completed video with all that it may have."""
        blank = a_video(video_id=an_id(number, created_at), tenant=tenant, created_at=created_at)
        stored = {
            variant: await self.contents.put(content_blob(blank.ref, variant), b"x", "video/mp4") for variant in Variant
        }
        image = await self.inputs.put(f"{tenant}/{blank.video_id}/input_reference.png", b"x", "image/png")
        fields: dict[str, Any] = {
            "state": "completed",
            "ended_at": created_at,
            "contents": stored,
            "input_reference": image,
            "cost_usd": PRICE,
        }
        return self.videos.add(Video.model_validate(blank.model_dump() | fields | changes))

    def kept_of(self, video: Video) -> set[str]:
        """What is left of a video."""
        found = {
            "record": video.ref in self.videos.records,
            "content": any(content_blob(video.ref, variant) in self.contents.blobs for variant in Variant),
            "request": any(video.video_id in blob for blob in self.inputs.blobs),
        }
        return {name for name, is_kept in found.items() if is_kept}


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize(
    ("age_days", "kept"),
    [
        (4, {"record", "content", "request"}),
        (5, {"record", "content"}),
        (9, {"record", "content"}),
        (10, {"record"}),
        (19, {"record"}),
        (20, set()),
    ],
)
async def test_each_part_goes_when_its_days_are_over(world: World, age_days: int, kept: set[str]):
    video = await world.add(1)
    assert await world.purge(**ALL).run(NOW + age_days * DAY + timedelta(milliseconds=1))
    assert world.kept_of(video) == kept


async def test_without_rules_all_is_kept(world: World):
    video = await world.add(1)
    await world.purge().run(NOW + 10_000 * DAY)
    assert world.kept_of(video) == {"record", "content", "request"}


async def test_a_tenants_own_rule_goes_before_the_common_one(world: World):
    ours, theirs = await world.add(1), await world.add(2, tenant="globex")
    await world.purge({"globex": {"content_days": None}}, **ALL).run(NOW + 11 * DAY)
    assert world.kept_of(ours) == {"record"}
    assert world.kept_of(theirs) == {"record", "content"}


async def test_the_record_says_when_the_content_was_removed(world: World):
    video, at = await world.add(1), NOW + 11 * DAY
    for days in (0, 1):
        await world.purge(content_days=10).run(at + days * DAY)
    assert world.videos.records[video.ref] == video.model_copy(update={"content_removed_at": at})


@pytest.mark.parametrize(("status", "is_kept"), [("succeeded", False), ("failed", False), ("running", True)])
async def test_a_record_waits_for_a_render_that_may_cost_something(world: World, status: str, is_kept: bool):
    intent = a_video().submitting("east", NOW, usd_per_second=PRICE).in_progress("job-1", NOW)
    video = world.videos.add(intent.failed(Failure(code="render_timeout", message="Too late."), NOW))
    world.api.add_job(video, status=status)
    world.catalog = a_catalog(a_deployment(content_lifetime_s=2 * DAY.total_seconds()))
    await world.purge(record_days=1).run(NOW + DAY + timedelta(seconds=1))
    assert (world.api.calls["retrieve"], video.ref in world.videos.records) == (1, is_kept)


async def test_the_history_goes_with_the_record(world: World):
    video = await world.add(1)
    await world.purge(record_days=1).run(NOW + 2 * DAY)
    assert world.orchestrations.purged == [video.ref]
    assert world.videos.places == set()


async def test_days_count_from_the_end(world: World):
    video = await world.add(1, ended_at=NOW + 3 * DAY)
    await world.purge(**ALL).run(NOW + 7 * DAY)
    assert world.kept_of(video) == {"record", "content", "request"}
    await world.purge(**ALL).run(NOW + 8 * DAY + timedelta(milliseconds=1))
    assert world.kept_of(video) == {"record", "content"}


@pytest.mark.parametrize(
    "changes",
    [{"state": "in_progress", "ended_at": None, "upstream_id": "job-1"}, {"deleted_at": NOW}],
    ids=["not ended", "deleted"],
)
async def test_what_others_are_busy_with_is_left_to_them_but_not_forgotten(world: World, changes: dict[str, Any]):
    busy, after = await world.add(1, **changes), await world.add(2)
    await world.purge(**ALL).run(NOW + 11 * DAY)
    assert world.kept_of(busy) == {"record", "content", "request"}
    assert world.kept_of(after) == {"record"}
    assert world.progress.noted == {}
    world.videos.records[busy.ref] = busy.model_copy(update={"ended_at": NOW, "deleted_at": None})
    await world.purge(**ALL).run(NOW + 12 * DAY)
    assert world.kept_of(busy) == {"record"}


async def test_what_was_copied_in_vain_is_removed(world: World):
    failed = await world.add(1, state="failed", failure=Failure(code="cancelled", message="No."), cost_usd=None)
    await world.purge(**ALL).run(NOW + 30 * DAY)
    assert world.kept_of(failed) == set()


async def test_a_place_whose_record_is_gone_is_removed(world: World):
    ref = a_video().ref
    world.videos.places.add(ref)
    await world.purge(**ALL).run(NOW + 30 * DAY)
    assert world.videos.places == set()


async def test_what_is_done_is_not_looked_at_again(world: World):
    for number in range(SLICE + 5):
        await world.add(number)
    await world.purge(content_days=10).run(NOW + 11 * DAY)
    late = await world.add(SLICE + 9, created_at=NOW + DAY)
    world.fuse.calls_left = 12  # progress, place and record, three files, record; the end, twice; and the files
    assert await world.purge(content_days=10).run(NOW + 12 * DAY)
    assert world.kept_of(late) == {"record", "request"}


@pytest.mark.parametrize(
    ("changes", "rules", "age_days", "is_kept"),
    [
        ({}, ALL, 4, True),
        ({}, ALL, 6, False),
        ({"purpose": "batch_output"}, {}, 10_000, True),
        ({"expires_at": NOW + DAY}, {}, 0.9, True),
        ({"expires_at": NOW + DAY}, {}, 1.1, False),
    ],
)
async def test_a_file_goes_when_it_is_old_or_expired(
    world: World, changes: dict[str, Any], rules: dict[str, int], age_days: float, is_kept: bool
):
    await world.add(1)
    file = a_file(**changes)
    await world.files.insert(file)
    await world.file_blobs.put(file.blob, b"x", "application/octet-stream")
    await world.purge(**rules).run(NOW + age_days * DAY)
    assert bool(world.files.records) == bool(world.files.places) == bool(world.file_blobs.blobs) == is_kept


async def test_the_files_of_a_batch_wait_for_its_end(world: World):
    await world.add(1)
    batch = BatchWorld(b"").batch
    ids = [batch.input_file_id, batch.output_file_id, batch.error_file_id]
    for file_id in ids:
        file = a_file(file_id=file_id, expires_at=NOW + DAY)
        await world.files.insert(file)
        await world.file_blobs.put(file.blob, b"x", "application/octet-stream")
    await world.batches.insert(batch)
    await world.purge(request_days=5).run(NOW + 30 * DAY)
    assert {file_id for _, file_id in world.files.records} == set(ids)
    assert len(world.file_blobs.blobs) == len(ids)
    world.batches.records[batch.ref] = batch.moved(BatchStatus.FAILED, NOW)
    await world.purge(request_days=5).run(NOW + 30 * DAY)
    assert not world.files.records


async def test_bytes_of_an_upload_that_broke_off_are_removed_after_a_day(world: World):
    await world.add(1)
    file = a_file()
    await world.files.expect(TENANT, file.file_id)
    await world.file_blobs.put(file.blob, b"x", "application/octet-stream")
    await world.purge().run(NOW + DAY / 2)
    assert world.file_blobs.blobs
    await world.purge().run(NOW + DAY)
    assert not world.file_blobs.blobs
    assert not world.files.places


async def test_one_that_cannot_be_removed_does_not_stop_the_others_and_is_tried_again(
    world: World, caplog: pytest.LogCaptureFixture
):
    broken, well = await world.add(1), await world.add(2)
    world.orchestrations.broken[broken.ref] = HttpResponseError("no engine")
    await world.purge(**ALL).run(NOW + 30 * DAY)
    assert world.videos.records.keys() == {broken.ref}
    assert world.kept_of(well) == set()
    assert broken.video_id in caplog.text
    world.orchestrations.broken.clear()
    await world.purge(**ALL).run(NOW + 31 * DAY)
    assert world.kept_of(broken) == set()


async def test_a_run_whose_time_is_over_goes_on_the_next_time(world: World, caplog: pytest.LogCaptureFixture):
    video = await world.add(1)
    assert not await world.purge(**ALL, limit_s=0).run(NOW + 30 * DAY)
    assert "goes on the next time" in caplog.text
    assert await world.purge(**ALL).run(NOW + 30 * DAY)
    assert world.kept_of(video) == set()


async def killed_again_and_again(world: World, calls: Sequence[int], now: datetime, **days: int) -> int:
    """Run until one run gets through; run number n is killed after `calls[n]` calls."""
    for deaths, calls_left in enumerate([*calls, None]):
        world.fuse.calls_left = calls_left
        with suppress(Killed):
            await world.purge(**days).run(now)
            return deaths
    raise AssertionError("the last run was not to be killed")


@pytest.mark.parametrize("calls", range(40))
@pytest.mark.parametrize("age_days", [11, 30])
async def test_a_kill_at_any_call_loses_nothing(world: World, calls: int, age_days: int):
    old = [await world.add(number) for number in range(2)]
    young = await world.add(9, created_at=NOW + age_days * DAY - DAY)
    file = a_file()
    await world.files.insert(file)
    await world.file_blobs.put(file.blob, b"x", "application/octet-stream")

    await killed_again_and_again(world, [calls], NOW + age_days * DAY, **ALL)

    assert [world.kept_of(video) for video in old] == [{"record"} if age_days == 11 else set()] * 2
    assert world.kept_of(young) == {"record", "content", "request"}
    assert not world.file_blobs.blobs


@pytest.mark.parametrize("seed", range(3))
async def test_some_hundreds_are_purged_over_many_deaths(world: World, seed: int):
    chance = random.Random(seed)  # noqa: S311 - a kill is no secret
    now = NOW + 40 * DAY
    tenants = [TENANT, "globex", "initech"]
    added = [
        await world.add(number, created_at=NOW + number * DAY / 10, tenant=chance.choice(tenants))
        for number in range(400)
    ]

    deaths = await killed_again_and_again(world, [chance.randrange(200) for _ in range(200)], now, **ALL)

    assert deaths > 5
    for video in added:
        age = now - video.created_at
        if age > 20 * DAY:
            assert world.kept_of(video) == set()
        elif age > 10 * DAY:
            assert world.kept_of(video) == {"record"}
            assert world.videos.records[video.ref].content_removed_at
        elif age > 5 * DAY:
            assert world.kept_of(video) == {"record", "content"}
        else:
            assert world.kept_of(video) == {"record", "content", "request"}
    assert world.videos.places == world.videos.records.keys()
