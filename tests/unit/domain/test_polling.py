"""Few checks early, dense ones where the end is likely, and never none at all."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.polling import LONGEST, SHORTEST, SHORTEST_S, next_check_s, poll_hint_ms
from domain.render_times import NOTHING_LEARNT, RenderTimes

typical_times_s = st.floats(0.05, 20_000)


def learnt_from(*times_s: float) -> RenderTimes:
    known = NOTHING_LEARNT
    for time_s in times_s:
        known = known.with_sample(time_s)
    return known


def checks_until(render_s: float, *, expected_s: float = 60, times: RenderTimes = NOTHING_LEARNT) -> list[float]:
    """When the checks of a render are made, the last after its end."""
    moments = [0.0]
    while moments[-1] < render_s:
        moments.append(moments[-1] + next_check_s(elapsed_s=moments[-1], expected_s=expected_s, times=times))
    return moments[1:]


@given(st.floats(-60, 20_000), typical_times_s, st.integers(-100, 200), st.lists(typical_times_s, max_size=20))
def test_the_next_check_is_always_ahead_and_never_far(
    elapsed_s: float, expected_s: float, progress: int, seen_s: list[float]
):
    times = learnt_from(*seen_s)
    typical_s = times.quantile_s(0.5) or expected_s
    wait_s = next_check_s(elapsed_s=elapsed_s, expected_s=expected_s, times=times, progress=progress)
    assert max(SHORTEST * typical_s, SHORTEST_S) <= wait_s
    assert wait_s <= max(LONGEST * (typical_s + max(elapsed_s, 0)), SHORTEST * typical_s, SHORTEST_S)


@pytest.mark.parametrize("typical_s", [60, 90, 120, 180])
def test_a_render_that_takes_as_long_as_ever_is_seen_at_its_end_with_few_checks(typical_s: float):
    moments = checks_until(typical_s, times=learnt_from(*[typical_s] * 30))
    assert len(moments) <= 7
    assert moments[-1] - typical_s <= 3


def test_what_was_learnt_overrules_what_was_configured():
    times = learnt_from(*[90.0] * 30)
    assert checks_until(90, expected_s=10, times=times) == checks_until(90, expected_s=900, times=times)


def test_checks_are_densest_where_most_renders_end():
    times = learnt_from(*[100.0] * 30)
    before, amid, after = (next_check_s(elapsed_s=elapsed_s, expected_s=60, times=times) for elapsed_s in (50, 97, 150))
    assert amid < before
    assert amid < after


@settings(max_examples=25)
@given(st.floats(10, 2_000), st.floats(1, 10))
def test_a_render_that_takes_longer_than_expected_is_noticed_within_a_fifth_of_its_time(
    expected_s: float, times_longer: float
):
    render_s = expected_s * times_longer
    moments = checks_until(render_s, expected_s=expected_s)
    assert moments[-1] - render_s <= max(render_s * 0.2, LONGEST * expected_s)


@pytest.mark.parametrize("typical_s", [60, 90, 120, 180])
def test_a_render_that_suddenly_takes_a_third_of_its_time_is_noticed_before_half_of_it(typical_s: float):
    (noticed_s,) = checks_until(typical_s / 3, times=learnt_from(*[typical_s] * 30))
    assert noticed_s <= typical_s / 2


def test_a_job_that_is_ahead_by_its_progress_is_checked_sooner():
    times = learnt_from(60.0, 90.0, 120.0, 180.0)
    waits_s = [next_check_s(elapsed_s=50, expected_s=60, times=times, progress=told) for told in (25, 50, 75, 95)]
    assert waits_s == sorted(waits_s, reverse=True)


@pytest.mark.parametrize("progress", [1, 50, 99])
def test_progress_that_never_moves_cannot_hide_the_end(progress: int):
    times, elapsed_s, checks = learnt_from(*[100.0] * 30), 0.0, 0
    while elapsed_s < 100:
        elapsed_s += next_check_s(elapsed_s=elapsed_s, expected_s=60, times=times, progress=progress if checks else 0)
        checks += 1
    assert elapsed_s <= 110
    assert checks <= 12


@given(st.floats(0, 1e6), st.floats(0.01, 1e6))
def test_callers_are_told_to_ask_between_four_times_a_second_and_every_five(elapsed_s: float, expected_s: float):
    assert 250 <= poll_hint_ms(elapsed_s=elapsed_s, expected_s=expected_s) <= 5000


def test_callers_ask_more_often_the_shorter_the_wait():
    hints = [poll_hint_ms(elapsed_s=elapsed_s, expected_s=60) for elapsed_s in (0, 30, 50, 60)]
    assert hints == [5000, 3000, 1000, 250]
