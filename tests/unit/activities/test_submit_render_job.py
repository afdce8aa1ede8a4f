"""A render job is created once for each video, whatever the deployment answers and whoever dies."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from activities.run import run_activity
from activities.submit_render_job import submit_render_job
from clients.creations import InputFile
from domain.catalog import Deployment
from domain.claim import Claim
from domain.errors import (
    NoCredential,
    OutcomeUnknown,
    UpstreamError,
    UpstreamNotFound,
    UpstreamOverloaded,
    UpstreamRejected,
    UpstreamUnauthorized,
    UpstreamUnavailable,
)
from domain.failures import FailureCode
from domain.polling import next_check_s
from domain.render_job import CLOCK_SKEW, RenderJob
from domain.slot import Verdict
from domain.submission import (
    ANSWER_LIMIT_S,
    LOOK_AGAIN_S,
    SETTLE_S,
    UNANSWERED_LIMIT,
)
from domain.video import Video, VideoRef, VideoState
from domain.workflow import Step, StepResult
from tests.unit.activities.world import MAX_QUEUED_S, World, a_step, run_step
from tests.unit.examples import NOW, PRICE, a_catalog, a_deployment, a_stored_content, a_video, an_id, usd
from tests.unit.fakes import FakeVideosApi, FakeVideoTable

ENDPOINT = str(a_deployment().endpoint)
NO_KEY = NoCredential("the vault does not answer")
UNANSWERED = OutcomeUnknown("the exchange with east broke off")


class ProcessDied(Exception):
    """Stands for a SIGKILL at this very place."""


@pytest.fixture
def resubmitting(world: World) -> World:
    """A world whose deployment is configured so that paying twice is better than failing."""
    world.catalog = a_catalog(a_deployment(on_unknown="resubmit"))
    return world


async def submit(world: World, video: Video, *, trouble: UpstreamError | None = None, attempt: int = 0) -> StepResult:
    return await submit_render_job(a_step(Step.SUBMIT, video, trouble=trouble, attempt=attempt), world.services())


async def failure_of(world: World, video: Video, *, trouble: UpstreamError | None = None, attempt: int = 0) -> str:
    step = a_step(Step.SUBMIT, video, trouble=trouble, attempt=attempt)
    answer = await run_activity(submit_render_job, step.model_dump(mode="json"), world.services())
    return answer["failure"]["code"]


async def submit_until_done(world: World, video: Video) -> list[float]:
    """Run the step as the orchestration does; the delays in between."""
    *retries, last = await run_step(submit_render_job, a_step(Step.SUBMIT, video), world)
    assert last.failure is None
    return [retry.delay_s for retry in retries]


async def submit_until_failed(world: World, video: Video) -> tuple[list[float], str]:
    """Run the step as the orchestration does; the delays in between, and the failure's code."""
    *retries, last = await run_step(submit_render_job, a_step(Step.SUBMIT, video), world)
    assert last.failure
    return [retry.delay_s for retry in retries], last.failure.code


async def test_a_created_job_is_the_videos_own(world: World):
    video = world.videos.add(a_video())
    result = await submit(world, video)
    kept = world.record(video)
    assert (kept.state, kept.deployment, kept.upstream_id) == (VideoState.IN_PROGRESS, "east", "job-1")
    assert kept.submitting_since == kept.in_progress_since == world.clock()
    assert result == StepResult.done(delay_s=next_check_s(elapsed_s=0, expected_s=60))


async def test_the_price_is_kept_from_when_the_job_was_asked_for(world: World):
    world.catalog = a_catalog(a_deployment(usd_per_second={"1280x720": "0.30", "*": "0.10"}))
    video = world.videos.add(a_video())
    await submit(world, video)
    assert world.record(video).usd_per_second == usd("0.30")


async def test_the_intent_is_written_before_anything_is_sent(world: World):
    video = world.videos.add(a_video())
    world.api.create_fails = [ProcessDied()]
    with pytest.raises(ProcessDied):
        await submit(world, video)
    kept = world.record(video)
    assert (kept.state, kept.deployment, kept.submitting_since) == (VideoState.SUBMITTING, "east", world.clock())


async def test_a_step_that_runs_again_after_its_success_changes_nothing(world: World):
    video = world.videos.add(a_video())
    await submit(world, video)
    before = world.record(video)
    assert await submit(world, video) == StepResult.done()
    assert world.record(video) == before
    assert world.api.creations == 1


class RacedTable(FakeVideoTable):
    """Another run of the step writes its intent just before this one does."""

    async def amend(
        self, ref: VideoRef, change: Callable[[Video], Video], *, alarm_at: datetime | None = None
    ) -> Video:
        self.records[ref] = self.records[ref].submitting("east", NOW - timedelta(milliseconds=1), usd_per_second=PRICE)
        return await super().amend(ref, change, alarm_at=alarm_at)


async def test_of_two_runs_at_the_same_time_one_asks_for_the_job(world: World):
    world.videos = RacedTable()
    video = world.videos.add(a_video())
    assert await submit(world, video) == StepResult.retry(SETTLE_S)
    assert world.api.calls["create"] == 0


async def test_a_process_that_dies_between_creation_and_record_pays_once(world: World):
    video = world.videos.add(a_video())
    submitting = video.submitting("east", world.clock(), usd_per_second=PRICE)
    world.videos.add(submitting)
    world.api.add_job(submitting)
    assert (await submit(world, video)).again is False
    assert world.record(video).upstream_id == "job-1"
    assert world.api.creations == 1


async def test_a_process_that_dies_between_claim_and_record_takes_the_same_job_again(world: World):
    submitting = world.videos.add(a_video().submitting("east", world.clock(), usd_per_second=PRICE))
    job = world.api.add_job(submitting)
    await world.videos.claim(ENDPOINT, job.upstream_id, Claim(submitting.video_id))
    await submit(world, submitting)
    assert world.record(submitting).upstream_id == job.upstream_id


async def test_a_process_that_dies_before_the_creation_asks_for_the_job_once_it_cannot_appear_any_more(world: World):
    video = world.videos.add(a_video())
    world.api.create_fails = [ProcessDied()]
    with pytest.raises(ProcessDied):
        await submit(world, video)
    delays = await submit_until_done(world, video)
    assert sum(delays) == ANSWER_LIMIT_S + SETTLE_S
    assert world.api.creations == 1


async def test_a_deployment_that_never_answers_a_creation_is_not_asked_for_ever(world: World):
    video = world.videos.add(a_video())
    world.api.create_fails = [UNANSWERED] * 1_000
    world.api.unanswered_creates = False
    _, code = await submit_until_failed(world, video)
    assert (code, world.api.calls["create"]) == (FailureCode.OUTCOME_UNKNOWN, UNANSWERED_LIMIT)


async def test_a_late_answer_is_waited_for_from_when_it_was_due(world: World):
    """The intent may be old by the time the creation is given up."""
    asked = a_video().submitting("east", world.clock() - timedelta(minutes=5), usd_per_second=PRICE)
    video = world.videos.add(asked.left_unanswered(world.clock()))
    assert (await submit(world, video)).again
    assert world.record(video).state is VideoState.SUBMITTING


@pytest.mark.parametrize("attempt", [0, 100])
async def test_a_rejection_is_final(world: World, attempt: int):
    video = world.videos.add(a_video())
    filtered = UpstreamRejected("HTTP 400: filtered", code="content_filter")
    world.api.create_fails = [filtered]
    assert await failure_of(world, video, trouble=filtered, attempt=attempt) == "content_filter"
    assert world.record(video) == video


async def test_an_overload_puts_the_video_back_into_the_queue_and_tells_the_pool(world: World):
    video = world.videos.add(a_video())
    busy = UpstreamOverloaded("Too many running tasks", retry_after_s=7)
    world.api.create_fails = [busy]
    assert await submit(world, video) == StepResult.give_back(Verdict.on(busy))
    assert world.record(video) == video
    assert await submit_until_done(world, video) == []


@pytest.mark.parametrize(
    "error", [UpstreamUnauthorized("HTTP 401: denied"), UpstreamNotFound("HTTP 404: no such deployment"), NO_KEY]
)
async def test_what_an_operator_can_mend_is_the_pools_concern(world: World, error: UpstreamError):
    video = world.videos.add(a_video())
    world.api.create_fails = [error] * 9
    assert await submit(world, video) == StepResult.give_back(Verdict.on(error))
    assert await submit_until_done(world, video) == [0] * 8
    assert world.record(video).state is VideoState.IN_PROGRESS


async def test_an_unanswered_creation_is_looked_for_and_its_job_adopted(world: World):
    video = world.videos.add(a_video())
    world.api.create_fails = [UNANSWERED]
    assert await submit_until_done(world, video) == [LOOK_AGAIN_S]
    assert world.record(video).upstream_id == "job-1"
    assert world.api.creations == 1


async def test_a_job_that_shows_up_late_is_adopted_all_the_same(world: World):
    video = world.videos.add(a_video())
    world.api.create_fails, world.api.unanswered_creates = [UNANSWERED], False
    assert (await submit(world, video)).again
    world.clock.advance(SETTLE_S - 1)
    assert (await submit(world, video)).again
    world.api.add_job(video)
    world.clock.advance(1)
    assert (await submit(world, video)).again is False
    assert world.api.calls["create"] == world.api.creations == 1


async def test_a_job_that_never_appeared_is_asked_for_again(world: World):
    video = world.videos.add(a_video())
    world.api.create_fails, world.api.unanswered_creates = [UNANSWERED], False
    delays = await submit_until_done(world, video)
    assert sum(delays) == pytest.approx(SETTLE_S)
    assert world.api.calls["create"] == 2
    assert world.api.creations == 1


async def test_another_videos_job_is_never_adopted(world: World):
    other, video = a_video(video_id=an_id(1)), a_video()
    world.videos.add(other)
    await submit(world, other)
    world.videos.add(video)
    world.api.create_fails, world.api.unanswered_creates = [UNANSWERED], False
    await submit_until_done(world, video)
    assert world.record(other).upstream_id == "job-1"
    assert world.record(video).upstream_id == "job-2"


@pytest.mark.parametrize("other", [{"prompt": "A cat."}, {"seconds": 8}, {"size": "720x1280"}])
async def test_a_job_that_was_asked_for_otherwise_is_not_adopted(world: World, other: dict[str, object]):
    video = world.videos.add(a_video())
    world.api.create_fails, world.api.unanswered_creates = [UNANSWERED], False
    await submit(world, video)
    world.api.add_job(a_video(**other))
    await submit_until_done(world, video)
    assert world.record(video).upstream_id == "job-2"


async def test_a_job_is_adopted_from_a_deployment_whose_clock_is_behind(world: World):
    video = world.videos.add(a_video())
    world.api.create_fails, world.api.unanswered_creates = [UNANSWERED], False
    await submit(world, video)
    world.api.add_job(video, created_at=NOW - CLOCK_SKEW)
    await submit_until_done(world, video)
    assert world.record(video).upstream_id == "job-1"
    assert world.api.calls["create"] == 1


HIDDEN: list[dict[str, Any]] = [{"prompt": None}, {"seconds": None}, {"size": None}]


@pytest.mark.parametrize("hidden", HIDDEN)
async def test_a_creation_is_not_repeated_where_the_list_does_not_tell_whose_a_job_is(
    world: World, hidden: dict[str, Any]
):
    video = world.videos.add(a_video())
    world.api.create_fails, world.api.unanswered_creates = [UNANSWERED], False
    await submit(world, video)
    world.api.add_job(video, **hidden)
    assert await failure_of(world, video) == FailureCode.OUTCOME_UNKNOWN
    assert world.api.calls["create"] == 1


@pytest.mark.parametrize("hidden", HIDDEN)
async def test_a_creation_is_repeated_where_the_list_does_not_tell_if_paying_twice_is_better_than_failing(
    resubmitting: World, hidden: dict[str, Any]
):
    video = resubmitting.videos.add(a_video())
    resubmitting.api.create_fails, resubmitting.api.unanswered_creates = [UNANSWERED], False
    await submit(resubmitting, video)
    resubmitting.api.add_job(video, **hidden)
    assert sum(await submit_until_done(resubmitting, video)) == pytest.approx(SETTLE_S)
    assert resubmitting.record(video).upstream_id == "job-2"


@pytest.mark.parametrize("hidden", HIDDEN)
async def test_the_videos_own_job_is_adopted_beside_one_that_does_not_tell_whose_it_is(
    world: World, hidden: dict[str, Any]
):
    video = world.videos.add(a_video())
    world.api.create_fails = [UNANSWERED]
    await submit(world, video)
    world.api.add_job(video, **hidden)
    assert (await submit(world, video)).again is False
    assert world.record(video).upstream_id == "job-1"


async def test_an_old_job_that_does_not_tell_whose_it_is_does_not_keep_a_creation_from_being_repeated(world: World):
    video = world.videos.add(a_video())
    world.api.add_job(video, prompt=None, created_at=NOW - timedelta(hours=1))
    world.api.create_fails, world.api.unanswered_creates = [UNANSWERED], False
    assert sum(await submit_until_done(world, video)) == pytest.approx(SETTLE_S)
    assert world.record(video).upstream_id == "job-2"


@pytest.mark.parametrize("listed_after_s", [1, 4])
async def test_ten_identical_prompts_each_adopt_a_job_of_their_own(world: World, listed_after_s: float):
    videos = [a_video(video_id=an_id(number)) for number in range(10)]
    for video in videos:
        world.videos.add(video)
        world.api.create_fails = [UNANSWERED]
        assert (await submit(world, video)).again
        world.clock.advance(1)
    world.clock.advance(listed_after_s)
    for video in videos:
        assert (await submit(world, video)).again is False
    assert {world.record(video).upstream_id for video in videos} == {f"job-{number}" for number in range(1, 11)}
    assert world.api.creations == 10


async def test_a_video_whose_job_was_adopted_by_its_twin_takes_the_twins(world: World):
    """Both creations were answered late: the first video looks, while the second one's answer is on its way."""
    first, second = a_video(), a_video(video_id=an_id(1))
    world.videos.add(first.submitting("east", world.clock(), usd_per_second=PRICE))
    world.videos.add(second)
    world.api.add_job(first)
    world.api.add_job(second)
    await world.videos.claim(ENDPOINT, "job-3", Claim(first.video_id))
    result = await submit(world, second)
    assert result == StepResult.retry(LOOK_AGAIN_S)
    await submit(world, second)
    await submit(world, first)
    assert {world.record(first).upstream_id, world.record(second).upstream_id} == {"job-1", "job-2"}


async def test_whose_job_was_adopted_waits_for_the_one_that_the_other_had_asked_for(world: World):
    """The other broke off later, so what it had asked for may show up later still."""
    first, later = a_video(), a_video(video_id=an_id(1))
    for video in (first, later):
        world.videos.add(video)
        world.api.create_fails, world.api.unanswered_creates = [UNANSWERED], video is first
        await submit(world, video)
        world.clock.advance(SETTLE_S - 1)
    assert (await submit(world, later)).again is False
    assert (await submit(world, first)).again
    assert world.record(first).state is VideoState.SUBMITTING
    world.api.add_job(later)
    assert (await submit(world, first)).again is False
    assert {world.record(first).upstream_id, world.record(later).upstream_id} == {"job-1", "job-2"}


class AdoptedMeanwhile(FakeVideosApi):
    """While the creation is being answered, another run of the step adopts another video's job."""

    async def create(self, deployment: Deployment, video: Video, input_file: InputFile | None = None) -> RenderJob:
        self.world.videos.records[video.ref] = self.world.record(video).in_progress("a twin's", self.world.clock())
        return await super().create(deployment, video, input_file)

    def __init__(self, world: World) -> None:
        super().__init__(world.clock)
        self.world = world


async def test_a_job_that_is_one_too_many_is_left_for_another_to_find(world: World):
    world.api = AdoptedMeanwhile(world)
    video = world.videos.add(a_video())
    assert (await submit(world, video)).again is False
    assert world.record(video).upstream_id == "a twin's"
    assert world.videos.claims == {}


NO_LIST = [UpstreamNotFound("HTTP 404: no list here"), UpstreamRejected("HTTP 405: no list here")]


@pytest.mark.parametrize("error", NO_LIST)
async def test_an_unanswered_creation_at_a_server_that_cannot_list_is_not_repeated(world: World, error: UpstreamError):
    video = world.videos.add(a_video())
    world.api.create_fails, world.api.fails = [UNANSWERED], {"created_since": error}
    assert (await submit_until_failed(world, video))[1] == FailureCode.OUTCOME_UNKNOWN
    assert world.api.calls["create"] == 1


@pytest.mark.parametrize("error", NO_LIST)
async def test_where_paying_twice_is_better_than_failing_a_creation_is_repeated_once_its_job_would_have_shown_up(
    resubmitting: World, error: UpstreamError
):
    video = resubmitting.videos.add(a_video())
    resubmitting.api.create_fails, resubmitting.api.fails = [UNANSWERED], {"created_since": error}
    assert sum(await submit_until_done(resubmitting, video)) >= SETTLE_S
    assert resubmitting.record(video).upstream_id == "job-2"


@pytest.mark.parametrize("error", NO_LIST)
async def test_where_paying_twice_is_better_than_failing_no_more_than_three_are_paid(
    resubmitting: World, error: UpstreamError
):
    video = resubmitting.videos.add(a_video())
    resubmitting.api.create_fails, resubmitting.api.fails = [UNANSWERED] * 1_000, {"created_since": error}
    assert (await submit_until_failed(resubmitting, video))[1] == FailureCode.OUTCOME_UNKNOWN
    assert resubmitting.api.calls["create"] == UNANSWERED_LIMIT


async def test_a_job_that_can_be_listed_is_adopted_even_where_paying_twice_is_better_than_failing(resubmitting: World):
    video = resubmitting.videos.add(a_video())
    resubmitting.api.create_fails = [UNANSWERED]
    assert await submit_until_done(resubmitting, video) == [LOOK_AGAIN_S]
    assert resubmitting.api.creations == 1


async def test_a_stray_404_to_the_list_does_not_keep_a_job_from_being_adopted(world: World):
    video = world.videos.add(a_video())
    world.api.create_fails = [UNANSWERED]
    world.api.fails["created_since"] = UpstreamNotFound("HTTP 404: try later")
    await submit(world, video)
    assert (await submit(world, video)).again
    world.api.fails.clear()
    assert (await submit(world, video)).again is False
    assert world.record(video).upstream_id == "job-1"


async def test_creations_that_nobody_survives_are_counted_as_well(world: World):
    video = world.videos.add(a_video())
    for _ in range(UNANSWERED_LIMIT):
        world.api.create_fails = [ProcessDied()]
        with pytest.raises(ProcessDied):
            await submit(world, video)
        world.clock.advance(ANSWER_LIMIT_S + SETTLE_S)
        if world.record(video).unanswered + 1 < UNANSWERED_LIMIT:
            assert (await submit(world, video)).refused
    assert await failure_of(world, video) == FailureCode.OUTCOME_UNKNOWN


class SlowRun(FakeVideosApi):
    """While a creation is refused, the video is asked for anew by another run of the step."""

    def __init__(self, world: World) -> None:
        super().__init__(world.clock)
        self.world = world

    async def create(self, deployment: Deployment, video: Video, input_file: InputFile | None = None) -> RenderJob:
        self.world.clock.advance(60)
        anew = video.refused().submitting("east", self.world.clock(), usd_per_second=PRICE)
        self.world.videos.records[video.ref] = anew
        return await super().create(deployment, video, input_file)


@pytest.mark.parametrize("error", [UNANSWERED, UpstreamOverloaded("HTTP 429")])
async def test_a_run_that_was_overtaken_leaves_the_newer_intent_alone(world: World, error: UpstreamError):
    world.api = SlowRun(world)
    video = world.videos.add(a_video())
    world.api.create_fails = [error]
    await submit(world, video)
    kept = world.record(video)
    assert (kept.state, kept.submitting_since) == (VideoState.SUBMITTING, world.clock())
    assert kept.unanswered_since is None


async def test_deployments_of_one_resource_see_the_same_jobs_and_share_none(world: World):
    pro = a_deployment(name="east-pro", upstream_model="sora-2-pro", sizes=["1280x720"])
    world.catalog = a_catalog(a_deployment(), pro)
    first = world.videos.add(a_video().submitting("east", world.clock(), usd_per_second=PRICE))
    other = a_video(video_id=an_id(1)).submitting("east-pro", world.clock(), usd_per_second=PRICE)
    world.videos.add(other)
    world.api.add_job(first, "east", upstream_id="job")
    world.api.add_job(first, "east-pro", upstream_id="job")
    assert (await submit(world, first)).again is False
    assert (await submit(world, other)).again


@pytest.mark.parametrize(
    "error", [UpstreamUnavailable("down"), UpstreamUnauthorized("denied"), UpstreamOverloaded("no")]
)
async def test_a_list_that_cannot_be_had_is_asked_for_until_the_video_has_waited_too_long(
    world: World, error: UpstreamError
):
    submitting = world.videos.add(a_video().submitting("east", world.clock(), usd_per_second=PRICE))
    world.api.fails["created_since"] = error
    assert await submit(world, submitting, trouble=error, attempt=2) == StepResult.retry(4, error)
    world.clock.advance(MAX_QUEUED_S)
    assert await failure_of(world, submitting) == FailureCode.OUTCOME_UNKNOWN
    assert world.api.calls["create"] == 0


async def test_a_cancelled_video_is_not_submitted(world: World):
    video = world.videos.add(a_video().cancelling(world.clock()))
    assert await failure_of(world, video) == FailureCode.CANCELLED
    assert world.api.calls["create"] == 0


async def test_a_video_cancelled_while_its_creation_is_unanswered_still_finds_its_job_to_have_it_deleted(world: World):
    video = world.videos.add(a_video())
    world.api.create_fails = [UNANSWERED]
    await submit(world, video)
    world.videos.add(world.record(video).cancelling(world.clock()))
    assert (await submit(world, video)).again is False
    assert world.record(video).upstream_id == "job-1"


async def test_a_cancelled_video_whose_job_never_appeared_is_not_asked_for_again(world: World):
    submitting = world.videos.add(
        a_video().submitting("east", world.clock(), usd_per_second=PRICE).cancelling(world.clock())
    )
    world.clock.advance(ANSWER_LIMIT_S + SETTLE_S)
    assert (await submit(world, submitting)).refused
    assert await failure_of(world, submitting) == FailureCode.CANCELLED
    assert world.api.calls["create"] == 0


async def test_the_reference_image_goes_along(world: World):
    stored = a_stored_content(blob="acme/v/input_reference.png", content_type="image/png")
    world.inputs.blobs[stored.blob] = b"\x89PNG"
    await submit(world, world.videos.add(a_video(input_reference=stored)))
    assert world.api.input_files == [("input_reference.png", b"\x89PNG", "image/png")]


async def test_a_lost_reference_image_fails_the_video_before_anything_is_sent(world: World):
    video = world.videos.add(a_video(input_reference=a_stored_content()))
    assert await failure_of(world, video) == FailureCode.INPUT_MISSING
    assert (world.record(video), world.api.calls["create"]) == (video, 0)


async def test_a_video_whose_slot_is_at_a_deployment_that_is_no_longer_configured_fails(world: World):
    world.catalog = a_catalog(a_deployment(name="west"))
    assert await failure_of(world, world.videos.add(a_video())) == FailureCode.DEPLOYMENT_NOT_FOUND


async def test_an_intent_at_a_deployment_that_is_no_longer_configured_fails(world: World):
    submitting = world.videos.add(a_video().submitting("a lost one", world.clock(), usd_per_second=PRICE))
    assert await failure_of(world, submitting) == FailureCode.DEPLOYMENT_NOT_FOUND
