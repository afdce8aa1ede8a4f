"""Few checks early, dense ones near the expected end, and never none at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.polling import LONGEST_S, SHORTEST, SHORTEST_S, next_check_s, poll_hint_ms

times = st.floats(0.05, 20_000)


def checks_until(render_s: float, *, expected_s: float) -> list[float]:
    """When the checks of a render are made, the first at once, the last after its end."""
    moments = [0.0]
    while moments[-1] < render_s:
        moments.append(moments[-1] + next_check_s(elapsed_s=moments[-1], expected_s=expected_s))
    return moments


@given(st.floats(0, 20_000), times, st.integers(-100, 200))
def test_the_next_check_is_always_ahead_and_never_far(elapsed_s: float, expected_s: float, progress: int):
    assert SHORTEST_S <= next_check_s(elapsed_s=elapsed_s, expected_s=expected_s, progress=progress) <= 120


@given(times, st.integers(1, 99))
def test_a_job_ahead_of_its_time_is_checked_no_later(expected_s: float, progress: int):
    halfway_s = expected_s / 2
    expected = next_check_s(elapsed_s=halfway_s, expected_s=expected_s, progress=50)
    reported = next_check_s(elapsed_s=halfway_s, expected_s=expected_s, progress=progress)
    if progress > 50:
        assert reported <= expected
    else:
        assert reported >= expected


def test_a_60_s_render_that_takes_what_is_expected_is_seen_at_its_end_by_the_third_check():
    assert checks_until(60, expected_s=60)[1:] == pytest.approx([36, 57.6, 60])


@given(times, st.floats(1, 30))
def test_a_render_that_takes_longer_than_expected_is_noticed_within_a_tenth_of_its_time(
    expected_s: float, times: float
):
    render_s = min(expected_s * times, 20_000)
    moments = checks_until(render_s, expected_s=expected_s)
    assert moments[-1] - render_s <= max(expected_s * SHORTEST, render_s * 0.1, SHORTEST_S) + 1e-6
    assert len(moments) <= 45 + render_s / LONGEST_S


@given(st.floats(0, 1e6), st.floats(0.01, 1e6))
def test_callers_are_told_to_ask_between_four_times_a_second_and_every_five(elapsed_s: float, expected_s: float):
    assert 250 <= poll_hint_ms(elapsed_s=elapsed_s, expected_s=expected_s) <= 5000


def test_callers_ask_more_often_the_shorter_the_wait():
    hints = [poll_hint_ms(elapsed_s=elapsed_s, expected_s=60) for elapsed_s in (0, 30, 50, 60)]
    assert hints == [5000, 3000, 1000, 250]
