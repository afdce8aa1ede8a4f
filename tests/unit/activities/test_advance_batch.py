"""Every line of a batch is asked for once and reported once, never too many at a time, whoever dies when."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import httpx
import pytest
from azure.core.exceptions import HttpResponseError
from hypothesis import given, settings
from hypothesis import strategies as st

from activities import batch_feed
from activities.batch_feed import BEGUN_AT_ONCE, IMAGES_AT_ONCE
from clients.guardrails.chain import Guard
from clients.guardrails.subject import Subject
from clients.remote_files import RemoteFiles
from domain.batch import AS_OF_LIMIT, BEGIN_LIMIT, LANDING_LIMIT, BatchStatus
from domain.batch_window import SPARE, window
from domain.batch_workflow import BatchRequest
from domain.caller import Caller, Limits
from domain.errors import BudgetExceeded, CheckImpossible, TooManyInFlight
from domain.failures import FailureCode
from domain.file import file_blob
from domain.finding import Finding
from domain.video import Video
from tests.unit.activities.batch_world import BatchWorld, Died, a_line, as_jsonl, counted, prompts
from tests.unit.callers import OneCaller
from tests.unit.examples import NOW, TENANT, a_catalog, a_deployment, a_model_catalog
from tests.unit.guards import Watchman, guarded_by

WIDTH = 2 + SPARE
UNREADABLE = {"prompt": "p", "input_reference": {"image_url": "https://pictures.example/gone.png"}}


def a_world(count: int) -> BatchWorld:
    return BatchWorld(as_jsonl([a_line(number) for number in range(1, count + 1)]))


async def begun(world: BatchWorld) -> BatchRequest:
    """A batch whose first videos are in flight, and what comes next."""
    request = BatchRequest(batch=world.ref)
    request = request.after(await world.run(request), [])
    return request.after(await world.run(request), [])


async def test_every_line_becomes_a_video_and_a_line_of_the_output():
    world = a_world(20)
    await world.run_to_the_end()
    assert world.batch.status is BatchStatus.COMPLETED
    assert (world.batch.total, world.batch.completed, world.batch.failed) == (20, 20, 0)
    assert counted(world.output()) == {f"shot-{number}": 1 for number in range(1, 21)}
    assert world.told == ["batch.completed"]
    first = world.output()[0]
    assert first["error"] is None
    assert first["response"]["status_code"] == 200
    assert first["response"]["body"]["object"] == "video"
    assert first["response"]["body"]["reelay"]["blob_url"]
    assert world.records.records[world.batch.tenant, world.batch.output_file_id].size_bytes == world.batch.output_bytes


async def test_no_more_are_in_flight_than_the_pool_can_use_and_a_few():
    world = a_world(50)
    most = list[int]()
    await begun(world)
    assert len(world.running()) == WIDTH
    await world.run_to_the_end(meanwhile=lambda: most.append(len(world.running())))
    assert max(most) <= WIDTH


async def test_what_has_ended_is_reported_while_the_rest_runs():
    world = a_world(20)
    request = await begun(world)
    ended = world.running()[0]
    world.end(ended)
    await world.run(request.model_copy(update={"ended": [ended.video_id]}))
    assert [line["custom_id"] for line in world.output()] == ["shot-1"]
    assert world.batch.status is BatchStatus.IN_PROGRESS
    assert len(world.running()) == WIDTH
    assert world.records.records[world.batch.tenant, world.batch.output_file_id].size_bytes == world.batch.output_bytes


async def test_the_output_file_grows_visibly_from_step_to_step():
    world = a_world(20)
    request = await begun(world)
    for done in (1, 2, 3):
        world.end(world.running()[0])
        await world.run(request.model_copy(update={"ended": None}))
        assert len(world.output()) == done
        file = world.records.records[TENANT, world.batch.output_file_id]
        assert file.size_bytes == world.batch.output_bytes == len(world.blobs.blobs[file.blob])


async def test_a_failed_video_is_reported_in_the_error_file():
    world = a_world(1)
    request = await begun(world)
    world.end(world.running()[0], well=False)
    await world.run(request.model_copy(update={"ended": None}))
    assert world.output() == []
    assert world.errors()[0]["error"]["code"] == FailureCode.CANCELLED
    assert (world.batch.status, world.batch.failed) == (BatchStatus.COMPLETED, 1)


async def test_a_video_whose_record_is_gone_is_reported_too():
    world = a_world(1)
    request = await begun(world)
    world.videos.records.clear()
    await world.run(request.model_copy(update={"ended": None}))
    assert (world.batch.status, world.batch.failed) == (BatchStatus.COMPLETED, 1)


async def test_an_output_file_that_is_deleted_while_the_batch_runs_begins_anew():
    world = a_world(20)
    request = await begun(world)
    world.end_all()
    await world.run(request.model_copy(update={"ended": None}))
    del world.blobs.blobs[file_blob(TENANT, world.batch.output_file_id)]
    del world.records.records[TENANT, world.batch.output_file_id]
    world.end(world.running()[0])
    await world.run(request.model_copy(update={"ended": None}))
    assert [line["custom_id"] for line in world.output()] == [f"shot-{WIDTH + 1}"]
    assert world.records.records[TENANT, world.batch.output_file_id].size_bytes == world.batch.output_bytes
    await world.run_to_the_end()
    assert (world.batch.status, world.batch.completed) == (BatchStatus.COMPLETED, 20)


async def test_a_line_that_is_refused_when_its_turn_comes_is_reported_as_refused():
    world = BatchWorld(as_jsonl([a_line(1, body=UNREADABLE)]))
    await world.run_to_the_end()
    assert world.errors()[0]["response"]["status_code"] == 400
    assert world.errors()[0]["custom_id"] == "shot-1"


async def test_few_images_are_held_at_once():
    url = {"image_url": "https://example.com/fox.png"}
    world = BatchWorld(as_jsonl([a_line(n, body={"prompt": "p", "input_reference": url}) for n in range(1, 21)]))
    held, most = 0, 0

    async def fetch(_: httpx.Request) -> httpx.Response:
        nonlocal held, most
        held, most = held + 1, max(most, held + 1)
        await asyncio.sleep(0)
        held -= 1
        return httpx.Response(404)

    with_images = RemoteFiles(httpx.AsyncClient(transport=httpx.MockTransport(fetch)), max_bytes=1)
    intake = replace(world.services.intake, remote_files=with_images)
    world.services = replace(world.services, intake=intake)
    await world.run_to_the_end()
    assert (most, len(world.errors())) == (IMAGES_AT_ONCE, 20)


async def test_a_line_whose_video_is_there_is_not_refused_when_its_step_is_repeated():
    world = BatchWorld(as_jsonl([a_line(1)]))
    request = BatchRequest(batch=world.ref)
    request = request.after(await world.run(request), [])
    accepted = world.batch
    await world.run(request)
    begun_at = world.batch
    world.batches.records[world.ref] = accepted.model_copy(
        update={"reach": begun_at.reach, "as_of": begun_at.as_of, "steps": accepted.steps + 1}
    )
    world.end_all()
    started = len(world.orchestrations.started)
    world.blobs.blobs[file_blob(TENANT, world.batch.input_file_id)] = as_jsonl([a_line(1, body=UNREADABLE)])
    await world.run(request)
    assert world.errors() == []
    assert world.batch.in_flight
    assert len(world.orchestrations.started) == started
    await world.run(request.model_copy(update={"ended": None}))
    assert (world.batch.status, world.batch.completed) == (BatchStatus.COMPLETED, 1)


async def test_what_was_kept_but_not_started_is_started_when_the_step_is_repeated():
    world = a_world(3)
    request = BatchRequest(batch=world.ref)
    request = request.after(await world.run(request), [])
    world.orchestrations.broken[None] = Died()
    with pytest.raises(Died):
        await world.run(request)
    kept = set(world.videos.records)
    world.orchestrations.broken.clear()
    await world.run(request)
    assert set(world.orchestrations.started) == set(world.videos.records) >= kept > set()


async def test_a_line_that_cannot_be_read_any_more_holds_nobody_up():
    world = a_world(2)
    request = BatchRequest(batch=world.ref)
    request = request.after(await world.run(request), [])
    text = world.blobs.blobs[file_blob(TENANT, world.batch.input_file_id)]
    world.blobs.blobs[file_blob(TENANT, world.batch.input_file_id)] = text.replace(b"{", b"?", 1)
    await world.run(request)
    assert [line["custom_id"] for line in world.errors()] == [None]
    assert len(world.running()) == 1


async def test_cancelling_finishes_what_runs_and_reports_the_rest():
    world = a_world(20)
    request = await begun(world)
    world.batches.records[world.ref] = world.batch.cancelling(world.clock())
    result = await world.run(request.model_copy(update={"ended": None}))
    assert result.waits
    assert len(world.running()) == WIDTH
    assert {line["error"]["code"] for line in world.errors()} == {"batch_cancelled"}
    world.end_all()
    await world.run(request.model_copy(update={"ended": None}))
    assert (world.batch.status, world.told) == (BatchStatus.CANCELLED, ["batch.cancelled"])
    assert counted([*world.output(), *world.errors()]) == {f"shot-{number}": 1 for number in range(1, 21)}


async def test_what_has_not_begun_in_its_window_expires():
    world = a_world(20)
    request = await begun(world)
    world.clock.advance(timedelta(hours=24).total_seconds())
    await world.run(request.model_copy(update={"ended": None}))
    assert world.batch.status is BatchStatus.FINALIZING
    world.end_all()
    await world.run(request.model_copy(update={"ended": None}))
    assert (world.batch.status, world.told) == (BatchStatus.EXPIRED, ["batch.expired"])
    assert (world.batch.completed, world.batch.failed) == (WIDTH, 20 - WIDTH)


async def test_a_batch_whose_input_is_deleted_finishes_what_runs_and_fails():
    world = a_world(20)
    request = await begun(world)
    world.blobs.blobs.clear()
    world.end_all()
    await world.run(request.model_copy(update={"ended": None}))
    assert world.batch.status is BatchStatus.FAILED
    assert world.batch.errors[0].code == "input_file_gone"
    assert world.told == ["batch.failed"]
    assert world.batch.completed == WIDTH


async def test_blank_lines_are_nobody():
    world = BatchWorld(b"\n" + as_jsonl([a_line(1)]) + b"  \n\n" + as_jsonl([a_line(2)]) + b"\n")
    await world.run_to_the_end()
    assert (world.batch.status, world.batch.total, world.batch.completed) == (BatchStatus.COMPLETED, 2, 2)


async def test_two_at_a_time_make_one_video_for_each_line():
    world = a_world(9)
    request = BatchRequest(batch=world.ref)
    request = request.after(await world.run(request), [])
    while not world.batch.has_ended:
        await asyncio.gather(*(world.run(request.model_copy(update={"ended": None})) for _ in range(2)))
        world.end_all()
    assert prompts(world.videos.records.values()).most_common(1)[0][1] == 1
    assert counted(world.output()) == {f"shot-{number}": 1 for number in range(1, 10)}


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 25))
async def test_each_line_counts_once_wherever_the_process_dies(seed: int, count: int):
    chance = Random(seed)  # noqa: S311 - no secret
    bad = a_line(count + 1, body=UNREADABLE)
    world = BatchWorld(as_jsonl([*(a_line(number) for number in range(1, count + 1)), bad]))
    request, cancelled_after = BatchRequest(batch=world.ref), chance.choice([None, None, 3, 9])
    held_up = chance.choice([0, 0, 0.3])

    def limit(_: Video) -> None:
        if chance.random() < held_up:
            raise TooManyInFlight("Wait.", retry_after_s=10)

    world.videos.limit = limit
    for step in range(1_000):
        if world.batch.has_ended:
            break
        if step == cancelled_after:
            world.batches.records[world.ref] = world.batch.cancelling(world.clock())
        world.fuse.left = chance.choice([None, chance.randrange(60)])
        request = await taken(request, world, chance)
        world.fuse.left = None
        world.clock.advance(chance.choice([0, 0, 61, 601]))
        assert len(world.running()) <= WIDTH
    reports = [*world.output(), *world.errors()]
    assert counted(reports) == {f"shot-{number}": 1 for number in range(1, count + 2)}
    assert (world.batch.completed, world.batch.failed) == (len(world.output()), len(world.errors()))
    assert all(times == 1 for times in prompts(world.videos.records.values()).values())
    reported = {report["response"]["request_id"] for report in reports if report["response"]}
    assert {video.video_id for video in world.videos.records.values()} <= reported


async def taken(request: BatchRequest, world: BatchWorld, chance: Random) -> BatchRequest:
    """Take a step, or die in it; then some videos end, and the batch may be told."""
    try:
        result = await world.run(request)
    except Died:
        return chance.choice([request, BatchRequest(batch=world.ref)])
    running = world.running() if result.waits else []
    ended = chance.sample(running, chance.randint(0, len(running)))
    for video in ended:
        world.end(video, well=chance.random() < 0.7)
    news = chance.choice([[video.video_id for video in ended], [None]])
    return request.after(result, news) if result.following else request


def test_the_window_is_what_the_living_deployments_of_its_models_can_use():
    retired = a_deployment(name="old", max_concurrent=9, retires_on=NOW.date() - timedelta(days=1))
    some = {"sora-2": [a_deployment(max_concurrent=3), retired], "pro": [a_deployment(name="p", max_concurrent=5)]}
    catalog = a_model_catalog(**some)
    assert window(["sora-2"], catalog, NOW.date()) == 3 + SPARE
    assert window(["sora-2", "pro", "gone"], catalog, NOW.date()) == 8 + SPARE


async def test_lines_wait_for_what_the_limits_of_their_key_hold_up():
    world = a_world(7)
    caller = Caller(tenant=TENANT, tenant_limits=Limits(max_in_flight=2))
    world.services = replace(world.services, callers=OneCaller(caller).as_callers())

    def limit(_: object) -> None:
        if len(world.running()) == 2:
            raise TooManyInFlight("Wait.", retry_after_s=10)

    world.videos.limit = limit
    request = await begun(world)
    assert len(world.running()) == 2
    idle = await world.run(request)
    assert (idle.waits, len(world.running())) == (True, 2)
    await world.run_to_the_end()
    assert counted(world.output()) == {f"shot-{number}": 1 for number in range(1, 8)}
    assert prompts(world.videos.records.values()) == {f"Shot {number}": 1 for number in range(1, 8)}


async def test_a_key_that_is_revoked_begins_no_more_lines_of_the_same_step():
    world = a_world(20)
    callers = OneCaller(Caller(tenant=TENANT))
    world.services = replace(world.services, callers=callers.as_callers())

    def revoke(_: object) -> None:
        callers.caller = None

    world.videos.limit = revoke
    await world.run_to_the_end()
    assert len(world.videos.records) <= BEGUN_AT_ONCE
    refusals = [error["error"]["code"] for error in world.errors()]
    assert refusals == ["invalid_api_key"] * (20 - len(world.videos.records))


async def test_a_line_that_no_budget_pays_fails_alone():
    world = a_world(5)

    def limit(video: Video) -> None:
        if video.prompt == "Shot 3":
            raise BudgetExceeded("No money is left.")

    world.videos.limit = limit
    await world.run_to_the_end()
    (error,) = world.errors()
    assert (error["custom_id"], error["error"]["code"]) == ("shot-3", "insufficient_quota")
    assert counted(world.output()) == {f"shot-{number}": 1 for number in (1, 2, 4, 5)}


async def test_lines_wait_until_they_can_be_checked_and_those_that_are_refused_fail_alone():
    world = a_world(5)
    watchman = Watchman()

    async def look(subject: Subject) -> Finding | None:
        await watchman(subject)
        return Finding("manners") if subject.prompt == "Shot 4" else None

    intake = replace(world.services.intake, guardrails=guarded_by(Guard("look", look)))
    world.services = replace(world.services, intake=intake)
    watchman.finds = CheckImpossible("it is down")
    request = await begun(world)
    idle = await world.run(request)
    assert (idle.waits, world.running()) == (True, [])
    watchman.finds = None
    await world.run_to_the_end()
    (error,) = world.errors()
    assert (error["custom_id"], error["error"]["code"]) == ("shot-4", "content_policy_violation")
    assert counted(world.output()) == {f"shot-{number}": 1 for number in (1, 2, 3, 5)}


async def test_a_line_that_was_held_up_for_long_begins_as_a_new_video():
    world = a_world(3)

    def limit(_: Video) -> None:
        raise TooManyInFlight("Wait.", retry_after_s=10)

    world.videos.limit = limit
    request = await begun(world)
    for _ in range(180):
        world.clock.advance(60)
        await world.run(request.model_copy(update={"ended": None}))
    world.videos.limit = lambda _: None
    await world.run(request)
    assert {video.created_at for video in world.running()} == {world.batch.as_of}
    assert world.clock() - world.batch.as_of <= AS_OF_LIMIT + timedelta(minutes=1)
    await world.run_to_the_end()
    assert counted(world.output()) == {"shot-1": 1, "shot-2": 1, "shot-3": 1}


async def test_no_video_is_older_than_it_has_waited_where_the_pool_is_slow():
    world = a_world(20)
    request = await begun(world)
    while not world.batch.has_ended:
        world.clock.advance(3600)
        before = set(world.videos.records)
        world.end(world.running()[0])
        result = await world.run(request.model_copy(update={"ended": None}))
        while result.following and not result.waits:
            result = await world.run(request)
        begun_now = [video for ref, video in world.videos.records.items() if ref not in before]
        assert all(world.clock() - video.created_at <= AS_OF_LIMIT for video in begun_now)
    assert counted(world.output()) == {f"shot-{number}": 1 for number in range(1, 21)}


async def test_what_a_dead_process_began_is_found_however_late():
    world = a_world(WIDTH)
    request = BatchRequest(batch=world.ref)
    request = request.after(await world.run(request), [])
    world.orchestrations.broken[None] = Died()
    with pytest.raises(Died):
        await world.run(request)
    world.orchestrations.broken.clear()
    kept = set(world.videos.records)
    world.clock.advance(3600)
    await world.run_to_the_end()
    assert kept <= set(world.videos.records)
    assert prompts(world.videos.records.values()) == {f"Shot {number}": 1 for number in range(1, WIDTH + 1)}


async def test_several_lines_are_checked_at_once_and_one_that_waits_does_not_double_the_others():
    world = BatchWorld(
        as_jsonl([a_line(number) for number in range(1, 41)]), catalog=a_catalog(a_deployment(max_concurrent=60))
    )
    looking, most, is_down = 0, 0, True

    async def look(subject: Subject) -> Finding | None:
        nonlocal looking, most
        looking, most = looking + 1, max(most, looking + 1)
        await asyncio.sleep(0)
        looking -= 1
        if is_down and subject.prompt == "Shot 1":
            raise CheckImpossible("it is down")
        return None

    intake = replace(world.services.intake, guardrails=guarded_by(Guard("look", look)))
    world.services = replace(world.services, intake=intake)
    request = await begun(world)
    assert most == BEGUN_AT_ONCE
    first = {video.prompt for video in world.running()}
    assert first == {f"Shot {number}" for number in range(2, BEGUN_AT_ONCE + 1)}
    world.end_all()
    world.clock.advance(3600)
    await world.run(request.model_copy(update={"ended": None}))
    assert world.output() == []
    is_down = False
    while not world.batch.has_ended:
        await world.run(request.model_copy(update={"ended": None}))
        world.end_all()
    assert counted(world.output()) == {f"shot-{number}": 1 for number in range(1, 41)}
    assert prompts(world.videos.records.values()) == {f"Shot {number}": 1 for number in range(1, 41)}


async def test_what_began_beyond_a_line_that_waits_is_finished_though_the_input_is_deleted():
    world = a_world(WIDTH)

    async def look(subject: Subject) -> Finding | None:
        await asyncio.sleep(0)
        if subject.prompt == "Shot 1":
            raise CheckImpossible("it is down")
        return None

    intake = replace(world.services.intake, guardrails=guarded_by(Guard("look", look)))
    world.services = replace(world.services, intake=intake)
    request = (await begun(world)).model_copy(update={"ended": None})
    count = len(world.running())
    world.blobs.blobs.clear()
    world.end_all()
    await world.run(request)
    await world.run(request)
    assert (world.batch.status, world.batch.completed, count) == (BatchStatus.FAILED, count, WIDTH - 1)


async def held_for(seconds: float, world: BatchWorld) -> BatchRequest:
    """A batch whose lines limits held up for so long, and do no more."""

    def limit(_: Video) -> None:
        raise TooManyInFlight("Wait.", retry_after_s=10)

    world.videos.limit = limit
    request = await begun(world)
    world.clock.advance(seconds)
    world.videos.limit = lambda _: None
    return request.model_copy(update={"ended": None})


class SlowInserts:
    """A table that keeps nothing before it is let."""

    def __init__(self, world: BatchWorld) -> None:
        self.insert, self.entered, self.may_go_on = world.videos.insert, asyncio.Event(), asyncio.Event()

    async def __call__(self, video: Video, **terms: Any) -> None:
        self.entered.set()
        await self.may_go_on.wait()
        await self.insert(video, **terms)


async def test_a_step_that_goes_on_behind_another_makes_the_same_videos(monkeypatch: pytest.MonkeyPatch):
    world = a_world(3)
    request = await held_for(AS_OF_LIMIT.total_seconds() - 5, world)
    slow = SlowInserts(world)
    monkeypatch.setattr(world.videos, "insert", slow)
    behind = asyncio.create_task(world.run(request))
    await slow.entered.wait()
    monkeypatch.setattr(world.videos, "insert", slow.insert)
    reach = world.batch.reach
    world.clock.advance(10)
    assert (await world.run(request)).waits
    assert (world.batch.line, world.batch.reach, world.running()) == (0, reach, [])
    slow.may_go_on.set()
    await behind
    world.clock.advance((BEGIN_LIMIT + LANDING_LIMIT).total_seconds())
    await world.run_to_the_end()
    assert prompts(world.videos.records.values()) == {f"Shot {number}": 1 for number in (1, 2, 3)}
    assert counted(world.output()) == {f"shot-{number}": 1 for number in (1, 2, 3)}


async def test_a_step_that_fails_leaves_nobody_behind_who_goes_on(monkeypatch: pytest.MonkeyPatch):
    world = a_world(3)
    request = await held_for(AS_OF_LIMIT.total_seconds() - 1, world)
    real = world.videos.insert

    async def insert(video: Video, **terms: Any) -> None:
        if video.prompt == "Shot 1":
            raise HttpResponseError("503")
        for _ in range(100):
            await asyncio.sleep(0)
        await real(video, **terms)

    monkeypatch.setattr(world.videos, "insert", insert)
    with pytest.raises(HttpResponseError):
        await world.run(request)
    assert len(world.running()) == 2
    monkeypatch.setattr(world.videos, "insert", real)
    world.clock.advance((timedelta(seconds=2) + BEGIN_LIMIT + LANDING_LIMIT).total_seconds())
    await world.run_to_the_end()
    assert prompts(world.videos.records.values()) == {f"Shot {number}": 1 for number in (1, 2, 3)}


async def test_whoever_needs_too_long_to_begin_a_line_gives_up(monkeypatch: pytest.MonkeyPatch):
    world = a_world(3)
    request = await held_for(0, world)
    monkeypatch.setattr(batch_feed, "BEGIN_LIMIT", timedelta())
    with monkeypatch.context() as patched:
        patched.setattr(world.videos, "insert", SlowInserts(world))
        assert (await world.run(request)).waits
    assert world.running() == []
    monkeypatch.undo()
    await world.run_to_the_end()
    assert counted(world.output()) == {f"shot-{number}": 1 for number in (1, 2, 3)}
