"""What was learnt is a distribution that stays small, forgets, and is precise to five per cent."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.render_times import BIN, FORGOTTEN, MEMORY, NOTHING_LEARNT, LearntTime, RenderTimes

times_s = st.floats(0.01, 100_000)
some_times_s = st.lists(times_s, min_size=1, max_size=60)


def learnt_from(*times_s: float) -> RenderTimes:
    known = NOTHING_LEARNT
    for time_s in times_s:
        known = known.with_sample(time_s)
    return known


def test_nothing_is_known_before_the_first_render():
    assert NOTHING_LEARNT.quantile_s(0.5) is None
    assert NOTHING_LEARNT.learnt() is None
    assert NOTHING_LEARNT.samples == 0


@given(times_s)
def test_one_render_is_known_to_half_a_bin(time_s: float):
    known = learnt_from(time_s)
    assert known.samples == 1
    assert known.quantile_s(0.5) == pytest.approx(time_s, rel=BIN * 0.51)


@given(some_times_s, st.floats(0.01, 1))
def test_a_quantile_lies_among_the_times(times_s: list[float], share: float):
    quantile_s = learnt_from(*times_s).quantile_s(share)
    assert quantile_s
    assert min(times_s) * (1 - BIN) <= quantile_s <= max(times_s) * (1 + BIN)


@given(some_times_s)
def test_quantiles_grow_with_their_share(times_s: list[float]):
    known = learnt_from(*times_s)
    quantiles = [known.quantile_s(share / 10) or 0 for share in range(1, 11)]
    assert quantiles == sorted(quantiles)


@given(st.lists(times_s, max_size=300))
def test_however_many_renders_there_were_what_is_known_stays_small(times_s: list[float]):
    known = learnt_from(*times_s)
    assert known.samples < MEMORY
    assert len(known.weights) <= 1 + math.log(FORGOTTEN) / math.log(1 - 1 / MEMORY)
    assert all(weight >= FORGOTTEN for weight in known.weights.values())


@given(times_s, times_s)
def test_seven_renders_are_enough_to_learn_that_times_have_changed(before_s: float, after_s: float):
    known = learnt_from(*[before_s] * 100, *[after_s] * 7)
    assert known.quantile_s(0.5) == learnt_from(after_s).quantile_s(0.5)


@given(some_times_s)
def test_blurring_moves_weight_to_neighbours_and_loses_none(times_s: list[float]):
    known = learnt_from(*times_s)
    blurred = known.blurred()
    assert sum(blurred.values()) == pytest.approx(known.samples)
    assert max(blurred) == max(known.weights) + 2
    assert min(blurred) == min(known.weights) - 2


def test_kinds_are_summed_up_together():
    together = RenderTimes.merged([learnt_from(60, 60, 60), learnt_from(180), NOTHING_LEARNT]).learnt()
    assert together == LearntTime(pytest.approx(60, rel=BIN), pytest.approx(180, rel=BIN), pytest.approx(3.71))
