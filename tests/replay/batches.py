"""What may happen to a batch, told as the answers of its steps and the news of its videos."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from domain.batch_workflow import BatchResult, BatchStep

TICK = timedelta(seconds=0.05)


class Turn(NamedTuple):
    """One step.

    Attributes:
        answer: What its activity answers.
        meanwhile: The videos that are said to have ended while it runs; None for one that is not named.
        later: Those that are said to have ended a moment after its answer.
    """

    answer: BatchResult
    meanwhile: Sequence[str | None] = ()
    later: Sequence[str | None] = ()


class Scenario(NamedTuple):
    """A batch.

    Attributes:
        turns: Its steps; the first one validates.
        guard: How soon it looks at everything though nothing is new.
    """

    turns: Sequence[Turn]
    guard: timedelta = timedelta(minutes=1)


_MORE = BatchResult(following=BatchStep.ADVANCE)
_WAIT = BatchResult(following=BatchStep.ADVANCE, waits=True)
_LEFT = BatchResult(following=BatchStep.ADVANCE, left=["video_c"])
_END = BatchResult()

SCENARIOS: Mapping[str, Scenario] = {
    "refused": Scenario([Turn(_END)]),
    "completed": Scenario(
        [
            Turn(_MORE),
            Turn(_MORE),
            Turn(_WAIT, later=["video_a"]),
            Turn(_WAIT, meanwhile=["video_b", "video_c", "video_d"]),
            Turn(_LEFT),
            Turn(_WAIT, later=[None]),
            Turn(_END),
        ]
    ),
    "without_news": Scenario([Turn(_MORE), Turn(_WAIT), Turn(_WAIT), Turn(_END)], guard=TICK),
    "continued_as_new": Scenario(
        [Turn(_MORE), *[Turn(_WAIT, meanwhile=["video_a"])] * 40, Turn(_WAIT, later=["video_b"]), Turn(_END)]
    ),
}
