"""How long renders take, learnt from those that ended: a histogram that forgets.

Its bins are evenly spaced on a logarithmic scale, so it is as precise for a second as for an hour, and a few dozen
numbers hold it.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Self

BIN = 0.05
"""The natural logarithm of a bin's end over its start: each is five per cent wide."""
MEMORY = 10.0
"""Each sample makes those before it count for a tenth less, so the last ten weigh most of all."""
FORGOTTEN = 0.01
"""What weighs less is dropped."""
_BLUR = ((-2, 1 / 9), (-1, 2 / 9), (0, 3 / 9), (1, 2 / 9), (2, 1 / 9))
"""A render that took 60 s says that others take 55 s to 65 s."""


class RenderKind(NamedTuple):
    """Renders that take about equally long.

    Attributes:
        deployment: Who renders.
        model: With what, in the upstream's words: the deployment may be given another.
        seconds: The length that was asked for.
        size: WIDTHxHEIGHT in pixels.
    """

    deployment: str
    model: str
    seconds: int
    size: str


class LearntTime(NamedTuple):
    """What is known of a deployment's renders, in seconds.

    Attributes:
        median_s: Half of them take no longer.
        p90_s: Nine in ten take no longer.
        samples: How many weigh in; old ones count for less.
    """

    median_s: float
    p90_s: float
    samples: float


@dataclass(frozen=True)
class RenderTimes:
    """The render times of one kind.

    Attributes:
        weights: How many samples fell into each bin, old ones counting for less; bin k starts at e^(k · BIN) seconds.
    """

    weights: Mapping[int, float] = field(default_factory=dict[int, float])

    @classmethod
    def merged(cls, several: Iterable[Self]) -> Self:
        """What is known of several kinds together."""
        total = Counter[int]()
        for times in several:
            total.update(times.weights)  # pyright: ignore[reportArgumentType] - a Counter adds any numbers
        return cls(total)

    @property
    def samples(self) -> float:
        """How many samples weigh in."""
        return sum(self.weights.values())

    def with_sample(self, render_s: float) -> Self:
        """What is known once another render has taken so long; older ones fade."""
        faded = {k: weight * (1 - 1 / MEMORY) for k, weight in self.weights.items()}
        k = bin_of(render_s)
        weights = faded | {k: faded.get(k, 0.0) + 1}
        return type(self)({k: weight for k, weight in weights.items() if weight >= FORGOTTEN})

    def quantile_s(self, share: float) -> float | None:
        """The time that this share of the renders does not exceed, to a bin; None before there was one."""
        wanted = self.samples * share
        for k in sorted(self.weights):
            wanted -= self.weights[k]
            if wanted <= 0:
                return start_s(k + 0.5)
        return start_s(max(self.weights) + 0.5) if self.weights else None

    def blurred(self) -> Mapping[int, float]:
        """The weights, each spread over its neighbours: few samples leave gaps that mean nothing."""
        spread = dict[int, float]()
        for k, weight in self.weights.items():
            for offset, share in _BLUR:
                spread[k + offset] = spread.get(k + offset, 0.0) + weight * share
        return spread

    def learnt(self) -> LearntTime | None:
        """A summary; None before there was a render."""
        median_s, p90_s = self.quantile_s(0.5), self.quantile_s(0.9)
        return LearntTime(median_s, p90_s, self.samples) if median_s and p90_s else None


NOTHING_LEARNT = RenderTimes()


def bin_of(render_s: float) -> int:
    """The bin of a time above 0."""
    return math.floor(math.log(render_s) / BIN)


def start_s(k: float) -> float:
    """Where a bin starts; between two whole numbers, a time inside a bin."""
    return math.exp(k * BIN)
