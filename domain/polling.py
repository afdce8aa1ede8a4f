"""When to ask a deployment how far a job is: the denser, the likelier the job is just ending.

Where a running job ends with probability h in the next second, checks d seconds apart cost 1/d checks and h·d/2 seconds
of lag each second. With a check worth PRICE_S seconds of lag the sum is least at d = √(2 · PRICE_S / h). So checks are
√(h / (2 · PRICE_S)) to the second, and the next one comes where that adds up to one. (J. B. Keller, Optimum checking
schedules for systems subject to random failure, Management Science 21, 1974.)
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from domain.render_times import NOTHING_LEARNT, RenderTimes, bin_of, start_s

PRICE_S = 0.6
"""A check, with its eight history events, is worth so much lag."""
DOUBT = 1.0
"""So many samples' weight says that times may have changed: the end may be anywhere around the typical one,"""
DOUBT_SPREAD = 0.4
"""this being the mean logarithm of how far off it is. It is all that is believed before anything was learnt."""
TRUST = 0.4
"""What remains by the reported progress is off by about this, as a logarithm,"""
MADE_UP = 0.03
"""and an end that it excludes keeps this share of its probability, since some servers make progress up."""
LONGEST = 0.4
"""No wait exceeds this share of the typical render time and the time gone by, so that a sudden change is seen."""
SHORTEST = 0.01
"""No two checks are closer than this share of the typical render time,"""
SHORTEST_S = 0.02
"""nor than this."""
_LOWEST, _HIGHEST = 1 / 12, 16.0
"""Ends before this multiple of the typical time, or beyond that of it or of the time gone by, are not reckoned with."""


class _Stretch(NamedTuple):
    """A stretch of time after the job's creation, and how likely the job ends in it (in any unit)."""

    start_s: float
    end_s: float
    weight: float


def next_check_s(
    *, elapsed_s: float, expected_s: float, times: RenderTimes = NOTHING_LEARNT, progress: int = 0
) -> float:
    """Seconds until the next status check.

    Args:
        elapsed_s: Time since the job was created; it has not ended by now.
        expected_s: How long such a job usually takes, as far as is known without the learnt times.
        times: What was learnt.
        progress: What the deployment says, in percent.
    """
    typical_s = times.quantile_s(0.5) or expected_s
    stretches = [
        stretch._replace(weight=stretch.weight * _belief(stretch, elapsed_s, progress))
        for stretch in _possible_ends(elapsed_s, typical_s, times)
    ]
    wait_s = _where_checks_add_up_to_one(stretches) - elapsed_s
    longest_s = LONGEST * (typical_s + elapsed_s)
    return max(min(wait_s, longest_s), SHORTEST * typical_s, SHORTEST_S)


def poll_hint_ms(*, elapsed_s: float, expected_s: float) -> int:
    """What to send as `openai-poll-after-ms`: openai-python keeps the first one it sees for all its polls."""
    remaining_s = max(expected_s - elapsed_s, 0.0)
    return int(min(max(remaining_s * 100, 250), 5000))


def _possible_ends(elapsed_s: float, typical_s: float, times: RenderTimes) -> Iterator[_Stretch]:
    """What was learnt and what is doubted, from now on."""
    learnt = times.blurred()
    first = bin_of(max(elapsed_s, typical_s * _LOWEST))
    last = bin_of(max(elapsed_s, typical_s) * _HIGHEST)
    for k in range(first, last + 1):
        start, end = max(start_s(k), elapsed_s), start_s(k + 1)
        if start < end:
            share = (end - start) / (end - start_s(k))
            doubt = DOUBT * (_doubted_beyond(start / typical_s) - _doubted_beyond(end / typical_s))
            yield _Stretch(start, end, learnt.get(k, 0.0) * share + doubt)


def _doubted_beyond(times_typical: float) -> float:
    """The probability that a job takes longer than this: the logarithm has a Laplace distribution."""
    tail = 0.5 * math.exp(-abs(math.log(times_typical)) / DOUBT_SPREAD)
    return tail if times_typical > 1 else 1 - tail


def _belief(stretch: _Stretch, elapsed_s: float, progress: int) -> float:
    """How well an end in a stretch fits the reported progress, which is rounded down."""
    if not 0 < progress < 100:  # noqa: PLR2004 - percent
        return 1.0
    told_s = max(elapsed_s, SHORTEST_S) * (101 - progress) / progress
    remaining_s = (stretch.start_s + stretch.end_s) / 2 - elapsed_s
    return MADE_UP + 1 / (1 + (math.log(remaining_s / told_s) / TRUST) ** 2)


def _where_checks_add_up_to_one(stretches: Sequence[_Stretch]) -> float:
    """The integral of √(h / (2 · PRICE_S)) over a stretch, h being its even density over what is left to end."""
    left, checks = sum(stretch.weight for stretch in stretches), 0.0
    for start, end, weight in stretches:
        remaining = max(left - weight, 0.0)
        density = weight / (end - start)
        more = 2 * (math.sqrt(left) - math.sqrt(remaining)) / math.sqrt(2 * PRICE_S * density)
        if checks + more >= 1:
            return start + (end - start) * (1 - checks) / more
        left, checks = remaining, checks + more
    return stretches[-1].end_s
