"""A video moves only as its table says, never twice, and never after its end."""

from collections.abc import Callable
from datetime import timedelta
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.catalog import Billable
from domain.failures import Failure, FailureCode, VideoFailed
from domain.video import TRANSITIONS, InvalidTransition, Variant, Video, VideoState
from tests.unit.examples import NOW, PRICE, a_stored_content, a_video, usd

type Change = Callable[[Video], Video]

LATER = NOW + timedelta(minutes=1)
FAILURE = Failure(code=FailureCode.RENDER_FAILED, message="The deployment gave up on the job.")

MOVES: dict[VideoState, Change] = {
    VideoState.QUEUED: lambda video: video.refused(),
    VideoState.SUBMITTING: lambda video: video.submitting("east", LATER, usd_per_second=PRICE),
    VideoState.IN_PROGRESS: lambda video: video.in_progress("job-1", LATER),
    VideoState.COPYING: lambda video: video.copying(LATER, rendered_s=4),
    VideoState.COMPLETED: lambda video: video.completed(LATER),
    VideoState.FAILED: lambda video: video.failed(FAILURE, LATER),
}
"""The change that leads to each state."""

NOTES: dict[str, Change] = {
    "progressed": lambda video: video.progressed(40, NOW),
    "copied": lambda video: video.copied({Variant.VIDEO: a_stored_content()}),
    "cancelling": lambda video: video.cancelling(LATER),
    "deleted": lambda video: video.deleted(LATER),
}
"""Changes that leave the state as it is."""

CHANGES: dict[str, Change] = {**{state.value: change for state, change in MOVES.items()}, **NOTES}
WAY_TO_COMPLETION = ["submitting", "in_progress", "progressed", "copying", "copied", "completed"]

change_names = st.sampled_from(sorted(CHANGES))
states = st.sampled_from(VideoState)


def tried(video: Video, name: str) -> Video:
    """The video after a change, or as it was where the change is not allowed."""
    try:
        return CHANGES[name](video)
    except InvalidTransition:
        return video


def after(way: list[str]) -> st.SearchStrategy[Video]:
    """Every video that these changes and then some others can make."""
    return st.lists(change_names, max_size=12).map(lambda others: reduce(tried, [*way, *others], a_video()))


beginnings = st.integers(0, len(WAY_TO_COMPLETION) - 1).map(lambda length: WAY_TO_COMPLETION[:length])
completed_videos = after(WAY_TO_COMPLETION)
failed_videos = beginnings.flatmap(lambda way: after([*way, "failed"]))
ended_videos = completed_videos | failed_videos
videos = beginnings.flatmap(after) | ended_videos


@given(videos, states)
def test_goes_where_the_table_allows_and_nowhere_else(video: Video, target: VideoState):
    possible = target is not VideoState.COMPLETED or Variant.VIDEO in (video.contents or {})
    if possible and (target is video.state or target in TRANSITIONS[video.state]):
        assert MOVES[target](video).state is target
    else:
        with pytest.raises(InvalidTransition, match=video.video_id):
            MOVES[target](video)


@given(videos, change_names)
def test_a_change_made_twice_is_a_change_made_once(video: Video, name: str):
    once = tried(video, name)
    assert tried(once, name) == once


@given(ended_videos, st.lists(change_names))
def test_what_has_ended_stays_as_it_ended(video: Video, names: list[str]):
    later = reduce(tried, names, video)
    assert later.has_ended
    assert (later.state, later.ended_at, later.failure, later.cost_usd) == (
        video.state,
        video.ended_at,
        video.failure,
        video.cost_usd,
    )


@given(failed_videos)
def test_a_failed_video_says_why_and_costs_what_was_rendered(video: Video):
    assert video.state is VideoState.FAILED
    assert video.cost_usd == (usd("0.40") if video.rendered_at else None)
    assert video.failure == FAILURE


@pytest.mark.parametrize(
    ("code", "billable"),
    [
        (FailureCode.RENDER_FAILED, "failed"),
        (FailureCode.RENDER_LOST, "failed"),
        (FailureCode.CANCELLED, "cancelled"),
        (FailureCode.RENDER_TIMEOUT, "cancelled"),
        ("moderation_blocked", "moderated"),
        ("content_policy_violation", "moderated"),
    ],
)
def test_a_job_that_rendered_nothing_costs_what_its_deployment_bills(code: str, billable: Billable):
    rendering = a_video().submitting("east", NOW, usd_per_second=PRICE).in_progress("job-1", NOW)
    failure = Failure(code=code, message="No.")
    assert rendering.failed(failure, NOW).cost_usd is None
    assert rendering.failed(failure, NOW, bills=frozenset({billable})).cost_usd == usd("0.40")
    assert rendering.copying(NOW, rendered_s=4).failed(failure, NOW, bills=frozenset({billable})).cost_usd is None


def test_where_there_is_no_job_nothing_is_billed():
    everything = frozenset[Billable]({"rendered", "failed", "moderated", "cancelled"})
    assert a_video().failed(FAILURE, NOW, bills=everything).cost_usd is None


@given(completed_videos)
def test_a_completed_video_has_its_content_and_its_cost(video: Video):
    assert video.state is VideoState.COMPLETED
    assert Variant.VIDEO in (video.contents or {})
    assert video.cost_usd == usd("0.40")


@given(videos, st.lists(st.integers(-50, 200), min_size=1))
def test_progress_never_goes_back_and_never_exceeds_100(video: Video, reports: list[int]):
    seen = [video.progress]
    for percent in reports:
        video = video.progressed(percent, NOW)
        seen.append(video.progress)
    assert seen == sorted(seen)
    assert all(0 <= percent <= 100 for percent in seen)


def test_cannot_be_completed_before_its_content_is_stored():
    copying = a_video(state="copying")
    with pytest.raises(InvalidTransition, match="content is not stored"):
        copying.completed(NOW)


def test_a_refusal_forgets_the_intent_and_its_price():
    refused = a_video().submitting("east", NOW, usd_per_second=PRICE).refused()
    assert refused == a_video()


def test_files_are_copied_one_after_the_other():
    thumbnail = a_stored_content(blob="b.webp")
    video = a_video().copied({Variant.VIDEO: a_stored_content()}).copied({Variant.THUMBNAIL: thumbnail})
    assert video.contents == {Variant.VIDEO: a_stored_content(), Variant.THUMBNAIL: thumbnail}
    assert video.copied({}) == video


def test_whoever_works_on_a_cancelled_video_is_stopped():
    with pytest.raises(VideoFailed) as stopped:
        a_video().cancelling(NOW).raise_if_cancelled()
    assert stopped.value.failure.code == FailureCode.CANCELLED


def test_a_video_that_nobody_cancelled_goes_on():
    a_video().raise_if_cancelled()


def test_a_deleted_video_is_cancelled_too_unless_it_has_ended():
    ended = a_video().failed(FAILURE, NOW)
    assert a_video().deleted(LATER).cancel_requested_at == LATER
    assert ended.deleted(LATER).cancel_requested_at is None
    assert ended.deleted(LATER).deleted_at == LATER


def test_the_first_wish_to_end_it_counts():
    first, second = NOW, LATER
    assert a_video().cancelling(first).cancelling(second).cancel_requested_at == first
    assert a_video().deleted(first).deleted(second).deleted_at == first
