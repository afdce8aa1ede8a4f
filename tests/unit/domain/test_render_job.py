"""Which render job may be the one that was asked for."""

from datetime import timedelta
from typing import Any

import pytest

from domain.character import Cast
from domain.render_job import CLOCK_SKEW, RenderJob
from tests.unit.examples import NOW, PRICE, a_source, a_stored_content, a_video

VIDEO = a_video().submitting("east", NOW, usd_per_second=PRICE)
TOO_OLD = NOW - CLOCK_SKEW - timedelta(seconds=1)


def a_job(**changes: Any) -> RenderJob:
    fields = {"prompt": VIDEO.prompt, "seconds": VIDEO.seconds, "size": VIDEO.size, "created_at": NOW}
    return RenderJob.model_validate({"upstream_id": "job-1", "status": "running", **fields, **changes})


@pytest.mark.parametrize("created_at", [NOW, NOW - CLOCK_SKEW, NOW + timedelta(hours=1), None])
def test_the_same_wish_may_be_it_unless_it_is_older_than_clocks_differ(created_at: object):
    assert a_job(created_at=created_at).could_be_of(VIDEO)


@pytest.mark.parametrize(
    "other",
    [
        {"prompt": "Another."},
        {"prompt": None},
        {"seconds": 8},
        {"size": "720x1280"},
        {"created_at": TOO_OLD},
    ],
)
def test_another_wish_or_an_older_one_is_not(other: dict[str, Any]):
    assert not a_job(**other).could_be_of(VIDEO)


def test_a_job_that_may_be_made_from_another_image_is_not_taken_for_ones_own():
    from_image = VIDEO.model_copy(update={"input_reference": a_stored_content()})
    assert not a_job().could_be_of(from_image)
    assert a_job().hides_whose_it_is(from_image)
    assert a_job().hides_whose_it_is(a_video(cast=Cast(deployment="east", character_ids=("char_1",))))
    assert not a_job(prompt="Another.").hides_whose_it_is(from_image)


REMIX = VIDEO.model_copy(update={"operation": "remix", "source": a_source()})
EXTENSION = VIDEO.model_copy(update={"operation": "extension", "source": a_source(seconds=8)})
OF_A_FILE = VIDEO.model_copy(update={"operation": "edit", "source": a_source(upstream_id=None)})


def test_a_job_made_from_another_video_is_not_it():
    assert a_job(remixed_from="job-99").could_be_of(REMIX)
    for stranger in (a_job(remixed_from="job-98"), a_job(remixed_from="job-99", prompt="Another.")):
        assert not stranger.could_be_of(REMIX)
        assert not stranger.hides_whose_it_is(REMIX)
    assert not a_job(remixed_from="job-99").could_be_of(VIDEO)
    assert not a_job(remixed_from="job-99").hides_whose_it_is(VIDEO)


def test_a_job_that_does_not_tell_what_it_is_made_from_hides_whose_it_is():
    assert not a_job().could_be_of(REMIX)
    assert a_job().hides_whose_it_is(REMIX)
    assert not a_job().could_be_of(OF_A_FILE)
    assert a_job().hides_whose_it_is(OF_A_FILE)
    assert not a_job(remixed_from="job-99").hides_whose_it_is(OF_A_FILE)


def test_an_extension_is_as_long_as_both():
    assert a_job(remixed_from="job-99", seconds=12).could_be_of(EXTENSION)
    assert not a_job(remixed_from="job-99").could_be_of(EXTENSION)


STARTED = VIDEO.in_progress("job-1", NOW + timedelta(seconds=2))


@pytest.mark.parametrize(
    ("told_s", "render_time_s"),
    [
        (90, 90),
        (37.5, 38.25),  # it was running after 38 s
        (36, 69),  # which therefore is made up
        (101, 100),  # it was asked for 100 s ago
        (102, 69),
        (None, 69),
    ],
)
def test_a_render_took_as_long_as_is_told_within_what_was_seen(told_s: float | None, render_time_s: float):
    running = STARTED.progressed(30, NOW + timedelta(seconds=40))
    job = a_job(completed_at=None if told_s is None else NOW + timedelta(seconds=told_s))
    assert job.render_time_s(running, NOW + timedelta(seconds=100)) == render_time_s


def test_a_render_of_less_than_a_second_is_measured_by_the_checks():
    """Both times are cut to the second: it seems to have taken none, or one."""
    running = STARTED.progressed(30, NOW + timedelta(seconds=2.2))
    for told_s in (0, 1):
        job = a_job(completed_at=NOW + timedelta(seconds=told_s))
        assert 0.2 <= job.render_time_s(running, NOW + timedelta(seconds=2.4)) <= 2.4


def test_a_render_always_took_some_time():
    assert a_job(completed_at=NOW).render_time_s(VIDEO, NOW) > 0


def test_the_model_may_have_another_name_over_there():
    assert a_job(model="sora-2-2025-12-08").could_be_of(VIDEO)


def test_a_prompt_may_come_back_with_other_white_space():
    asked = VIDEO.model_copy(update={"prompt": " A fox runs\nthrough snow.\n"})
    assert a_job(prompt="A fox runs\r\nthrough snow.").could_be_of(asked)


HIDDEN = [{"prompt": None}, {"seconds": None}, {"size": None}, {"prompt": None, "seconds": None, "size": None}]


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("created_at", [NOW, NOW - CLOCK_SKEW, None])
def test_a_job_that_does_not_repeat_the_whole_wish_hides_whose_it_is(hidden: dict[str, None], created_at: object):
    job = a_job(**hidden, created_at=created_at)
    assert job.hides_whose_it_is(VIDEO)
    assert not job.could_be_of(VIDEO)


@pytest.mark.parametrize("hidden", HIDDEN)
def test_a_job_older_than_the_intent_hides_nothing(hidden: dict[str, None]):
    assert not a_job(**hidden, created_at=TOO_OLD).hides_whose_it_is(VIDEO)


@pytest.mark.parametrize("told", [{}, {"prompt": "Another."}, {"model": None}])
def test_a_job_that_repeats_the_whole_wish_hides_nothing(told: dict[str, Any]):
    assert not a_job(**told).hides_whose_it_is(VIDEO)
