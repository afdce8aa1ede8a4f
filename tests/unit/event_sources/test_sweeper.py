"""The sweeper does what each record asks for, and one record that cannot be helped does not stop the others."""

import asyncio
import json
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

import pytest
from azure.core.exceptions import HttpResponseError

from activities.late_renders import LateRenders
from activities.leftovers import Leftovers
from clients.telemetry.logs import JsonFormatter, note
from domain.errors import UpstreamUnavailable
from domain.events import pending_events
from domain.failures import Failure
from domain.media import content_blob
from domain.video import Variant, Video
from domain.workflow import News
from event_sources.removal import Removal
from event_sources.sweeper import RECORD_IS_LATE, Sweeper
from tests.unit.examples import NOW, PRICE, a_catalog, a_stored_content, a_video, an_id, usd
from tests.unit.fakes import FakeBlobStore, FakeClock, FakeOrchestrations, FakeVideosApi, FakeVideoTable
from tests.unit.listeners import FakeTopic, Listeners

LOOK_AGAIN_AFTER, HISTORY_RETENTION = timedelta(minutes=1), timedelta(hours=1)
MOMENT = timedelta(seconds=1)
FAILURE = Failure(code="render_failed", message="No.")


@dataclass
class World:
    """What the sweeper looks after."""

    videos: FakeVideoTable = field(default_factory=FakeVideoTable)
    contents: FakeBlobStore = field(default_factory=FakeBlobStore)
    inputs: FakeBlobStore = field(default_factory=FakeBlobStore)
    orchestrations: FakeOrchestrations = field(default_factory=FakeOrchestrations)
    listeners: Listeners = field(default_factory=lambda: Listeners(lambda: NOW))
    api: FakeVideosApi = field(default_factory=lambda: FakeVideosApi(FakeClock()))
    limit_s: float = 60

    def removal(self) -> Removal:
        return Removal(
            videos=self.videos.as_table(),
            contents=self.contents.as_store(),
            inputs=self.inputs.as_store(),
            orchestrations=self.orchestrations.as_orchestrations(),
        )

    def sweeper(self) -> Sweeper:
        return Sweeper(
            videos=self.videos.as_table(),
            orchestrations=self.orchestrations.as_orchestrations(),
            removal=self.removal(),
            announcer=self.listeners.announcer(self.videos.as_table(), self.contents.as_store()),
            leftovers=Leftovers(a_catalog(), self.videos.as_table(), self.contents.as_store(), self.api.as_api()),
            late_renders=LateRenders(a_catalog(), self.videos.as_table(), self.api.as_api()),
            look_again_after=LOOK_AGAIN_AFTER,
            history_retention=HISTORY_RETENTION,
            limit_s=self.limit_s,
        )


@pytest.fixture
def world() -> World:
    return World()


def ended(video: Video) -> Video:
    return video.failed(FAILURE, NOW)


async def test_a_video_whose_alarm_has_not_rung_is_left_alone(world: World):
    world.videos.add(a_video(), alarm_at=NOW + MOMENT)
    assert await world.sweeper().sweep(NOW) == 0
    assert world.orchestrations.started == []


@pytest.mark.parametrize(
    "video",
    [
        a_video(),
        a_video().submitting("east", NOW, usd_per_second=PRICE),
        a_video().submitting("east", NOW, usd_per_second=PRICE).in_progress("job-1", NOW),
        a_video().deleted(NOW),
    ],
    ids=lambda video: video.state,
)
async def test_a_video_that_has_not_ended_is_kept_running_and_looked_at_again(world: World, video: Video):
    world.videos.add(video)
    assert await world.sweeper().sweep(NOW) == 1
    assert world.orchestrations.started == [video.ref]
    assert world.videos.alarms[video.ref] == NOW + LOOK_AGAIN_AFTER
    assert world.videos.records[video.ref] == video
    assert world.orchestrations.woken == ([(video.ref, News(cancelled=True))] if video.cancel_requested_at else [])


async def test_an_ended_video_keeps_its_history_for_a_while(world: World):
    video = world.videos.add(ended(a_video()))
    await world.sweeper().sweep(NOW + HISTORY_RETENTION - MOMENT)
    assert world.orchestrations.purged == []
    assert world.videos.alarms[video.ref] == NOW + HISTORY_RETENTION


async def test_an_old_videos_history_is_purged_and_its_record_stays(world: World):
    video = world.videos.add(ended(a_video()))
    await world.sweeper().sweep(NOW + HISTORY_RETENTION)
    assert world.orchestrations.purged == [video.ref]
    assert world.videos.alarms == {}
    assert list(world.videos.records.values()) == [video]


async def test_an_ended_and_deleted_video_is_removed_with_all_it_has(world: World):
    stored = a_stored_content(blob="acme/v/input_reference.png")
    video = world.videos.add(ended(a_video(input_reference=stored)).deleted(NOW))
    other = a_video(video_id=an_id(1))
    for variant in Variant:
        for one in (video, other):
            world.contents.blobs[content_blob(one.ref, variant)] = b"x"
    world.inputs.blobs[stored.blob] = b"x"
    await world.sweeper().sweep(NOW)
    assert world.contents.blobs.keys() == {content_blob(other.ref, variant) for variant in Variant}
    assert world.inputs.blobs == {}
    assert world.orchestrations.purged == [video.ref]
    assert world.videos.records == world.videos.alarms == {}


async def test_an_alarm_before_its_record_goes_on_until_none_can_come(world: World):
    ref = a_video().ref
    world.videos.alarms[ref] = NOW
    await world.sweeper().sweep(NOW)
    assert world.videos.alarms[ref] > NOW
    later = NOW + RECORD_IS_LATE + timedelta(minutes=5)
    await world.sweeper().sweep(later)
    assert world.videos.alarms == {}


@pytest.mark.parametrize(
    "video", [a_video(), ended(a_video()), ended(a_video()).deleted(NOW)], ids=["running", "ended", "deleted"]
)
async def test_sweeping_twice_is_sweeping_once(world: World, video: Video):
    world.videos.add(video)
    await world.sweeper().sweep(NOW)
    after_once = (dict(world.videos.records), dict(world.videos.alarms))
    await world.sweeper().sweep(NOW)
    assert (world.videos.records, world.videos.alarms) == after_once


async def test_a_video_that_cannot_be_looked_after_does_not_stop_the_others_and_goes_on_ringing(
    world: World, caplog: pytest.LogCaptureFixture
):
    unreadable, unreachable, well = (world.videos.add(a_video(video_id=an_id(number))) for number in range(3))
    world.videos.broken[unreadable.ref] = ValueError("a record of another age")
    world.orchestrations.broken[unreachable.ref] = HttpResponseError("no engine")
    assert await world.sweeper().sweep(NOW) == 3
    assert world.orchestrations.started == [well.ref]
    assert [world.videos.alarms[video.ref] for video in (unreadable, unreachable)] == [NOW, NOW]
    assert unreadable.video_id in caplog.text


async def test_a_line_says_nothing_of_the_videos_before(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    async def refuse(video: Video) -> None:
        note(upstream_request_id=f"of {video.video_id}")
        raise HttpResponseError("no engine")

    monkeypatch.setattr(caplog.handler, "formatter", JsonFormatter())
    monkeypatch.setattr(world.orchestrations, "ensure_running", refuse)
    first, second = (world.videos.add(a_video(video_id=an_id(number))) for number in range(2))
    world.videos.broken[second.ref] = ValueError("a record of another age")
    await world.sweeper().sweep(NOW)
    lines = [json.loads(line) for line in caplog.text.splitlines()]
    assert [(line["tenant"], line["video"], line.get("upstream_request_id")) for line in lines] == [
        ("acme", first.video_id, f"of {first.video_id}"),
        ("acme", second.video_id, None),
    ]


async def test_a_sweep_ends_when_its_time_is_over_and_leaves_the_rest_ringing(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    async def never(_: Video) -> None:
        await asyncio.Future[None]()

    video = world.videos.add(a_video())
    monkeypatch.setattr(world.orchestrations, "ensure_running", never)
    world.limit_s = 0
    assert await world.sweeper().sweep(NOW) == 0
    assert world.videos.alarms[video.ref] == NOW
    assert "goes on the next time" in caplog.text


async def test_a_removal_that_breaks_off_is_finished_the_next_time(world: World):
    video = world.videos.add(ended(a_video()).deleted(NOW))
    world.contents.broken = HttpResponseError("storage is down")
    await world.sweeper().sweep(NOW)
    assert list(world.videos.records.values()) == [video]
    world.contents.broken = None
    await world.sweeper().sweep(NOW)
    assert world.videos.records == {}


@pytest.mark.parametrize("video", [a_video(), ended(a_video()), ended(a_video()).deleted(NOW)])
async def test_what_was_not_told_is_told(world: World, video: Video):
    world.listeners.topic = topic = FakeTopic()
    world.videos.add(video)
    await world.sweeper().sweep(NOW)
    assert [event.id for event in topic.events] == [event.id for event in pending_events(video)]


async def test_an_ended_video_is_not_let_go_before_its_events_are_told(world: World):
    world.listeners.topic = topic = FakeTopic()
    topic.is_down()
    kept, deleted = ended(a_video()), ended(a_video(video_id=an_id(1))).deleted(NOW)
    for video in (kept, deleted):
        world.videos.add(video)
    later = NOW + HISTORY_RETENTION
    await world.sweeper().sweep(later)
    assert world.videos.records.keys() == world.videos.alarms.keys() == {kept.ref, deleted.ref}
    assert set(world.videos.alarms.values()) == {later + LOOK_AGAIN_AFTER}
    assert world.orchestrations.purged == []
    topic.error = None
    world.listeners.clock = lambda: later + LOOK_AGAIN_AFTER
    await world.sweeper().sweep(later + LOOK_AGAIN_AFTER)
    assert [event.type.rpartition(".")[2] for event in topic.events] == 2 * ["Queued", "Failed"] + ["Deleted"]
    assert world.videos.records.keys() == {kept.ref}
    assert world.videos.alarms == {}


async def test_the_files_of_a_deleted_video_do_not_wait_until_that_is_told(world: World):
    world.listeners.topic = FakeTopic()
    world.listeners.topic.is_down()
    stored = a_stored_content(blob="acme/v/input_reference.png")
    video = world.videos.add(ended(a_video(input_reference=stored)).deleted(NOW))
    world.inputs.blobs[stored.blob] = world.contents.blobs[content_blob(video.ref, Variant.VIDEO)] = b"x"
    await world.sweeper().sweep(NOW)
    assert world.inputs.blobs == world.contents.blobs == {}
    assert list(world.videos.records) == [video.ref]


TIMEOUT = Failure(code="render_timeout", message="The job did not end within 3600 s.")


def timed_out() -> Video:
    intent = a_video(reserved_usd=usd("0.40")).submitting("east", NOW, usd_per_second=PRICE / 4)
    return intent.in_progress("job-1", NOW).failed(TIMEOUT, NOW)


@pytest.mark.parametrize(
    ("status", "cost_usd", "is_over"), [("succeeded", PRICE, True), ("failed", None, True), ("running", None, False)]
)
async def test_a_late_completion_is_settled_before_the_history_goes(
    world: World, status: str, cost_usd: Decimal | None, is_over: bool
):
    video, now = world.videos.add(timed_out()), NOW + HISTORY_RETENTION
    world.api.add_job(video, status=status)
    await world.sweeper().sweep(now)
    assert world.videos.records[video.ref].cost_usd == cost_usd
    assert (video.ref not in world.videos.alarms) == is_over


@pytest.mark.parametrize(("status", "is_over"), [("succeeded", True), ("failed", True), ("running", False)])
async def test_a_late_completion_is_settled_before_a_deleted_record_goes(world: World, status: str, is_over: bool):
    video = world.videos.add(timed_out().deleted(NOW))
    world.api.add_job(video, status=status)
    await world.sweeper().sweep(NOW)
    assert world.api.calls["retrieve"] == 1
    assert (video.ref not in world.videos.records) == is_over
    assert world.videos.alarms == ({} if is_over else {video.ref: NOW + LOOK_AGAIN_AFTER})


async def test_what_never_ends_is_not_looked_after_for_ever(world: World):
    video = world.videos.add(timed_out())
    world.api.add_job(video)
    await world.sweeper().sweep(NOW + timedelta(days=2))
    assert world.videos.alarms == {}


async def test_a_job_that_is_gone_cost_nothing(world: World):
    video = world.videos.add(timed_out())
    await world.sweeper().sweep(NOW + HISTORY_RETENTION)
    assert (world.videos.records[video.ref].cost_usd, world.videos.alarms) == (None, {})


def refused(world: World) -> Video:
    """A video that must not be shown, whose content is still here and at its deployment."""
    intent = a_video().submitting("east", NOW, usd_per_second=PRICE)
    job = world.api.add_job(intent, status="succeeded")
    copying = intent.in_progress(job.upstream_id, NOW).copying(NOW, rendered_s=4)
    for variant in Variant:
        world.contents.blobs[content_blob(copying.ref, variant)] = b"x"
    failure = Failure(code="content_policy_violation", message="No.")
    return world.videos.add(copying.failed(failure, NOW))


async def test_what_was_refused_and_could_not_be_removed_is_removed(world: World):
    video = refused(world)
    world.contents.broken = HttpResponseError("storage is down")
    await world.sweeper().sweep(NOW)
    assert world.videos.alarms[video.ref] == NOW
    world.contents.broken = None
    await world.sweeper().sweep(NOW)
    assert (world.contents.blobs, world.api.jobs) == ({}, {})
    assert world.videos.records[video.ref].content_removed_at == NOW
    assert world.videos.alarms[video.ref] == NOW + HISTORY_RETENTION


async def test_what_was_refused_goes_from_here_though_its_deployment_keeps_it_for_now(world: World):
    video = refused(world)
    world.api.fails["delete"] = UpstreamUnavailable("HTTP 500: down")
    await world.sweeper().sweep(NOW)
    assert world.contents.blobs == {}
    assert world.videos.alarms[video.ref] == NOW + LOOK_AGAIN_AFTER
    del world.api.fails["delete"]
    await world.sweeper().sweep(NOW + LOOK_AGAIN_AFTER)
    assert world.api.jobs == {}
    assert world.videos.records[video.ref].content_removed_at


async def test_what_was_refused_goes_from_its_deployment_though_its_tenant_deletes_the_video(world: World):
    video = refused(world)
    world.videos.add(video.deleted(NOW))
    world.api.fails["delete"] = UpstreamUnavailable("HTTP 500: down")
    await world.sweeper().sweep(NOW)
    assert (world.contents.blobs, world.videos.alarms) == ({}, {video.ref: NOW + LOOK_AGAIN_AFTER})
    del world.api.fails["delete"]
    await world.sweeper().sweep(NOW + LOOK_AGAIN_AFTER)
    assert (world.api.jobs, world.videos.records) == ({}, {})


async def test_a_job_that_is_never_deleted_is_left_to_age(world: World):
    refused(world)
    world.api.fails["delete"] = UpstreamUnavailable("HTTP 500: down")
    await world.sweeper().sweep(NOW + timedelta(days=2))
    assert (world.contents.blobs, world.videos.alarms) == ({}, {})


async def test_an_end_is_told_although_what_was_refused_cannot_be_removed(world: World):
    world.listeners.topic = topic = FakeTopic()
    refused(world)
    world.contents.broken = HttpResponseError("storage is down")
    await world.sweeper().sweep(NOW)
    assert topic.events
