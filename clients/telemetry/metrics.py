"""What is counted and measured. Names and units are a promise: alerts and dashboards hang on them."""

import time
from collections.abc import Iterator, Sequence

from opentelemetry.metrics import CallbackOptions, Histogram, Observation, get_meter

_meter = get_meter("reelay")

_QUICK_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_MINUTES_S = (0.1, 0.5, 1, 2, 5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1800, 3600, 21600, 86400)
FRESH_S = 300.0
"""A gauge that nobody has set for so long says nothing: somebody else may be looking after it by now."""


def _seconds(name: str, description: str, bounds: Sequence[float] = _MINUTES_S) -> Histogram:
    return _meter.create_histogram(name, "s", description, explicit_bucket_boundaries_advisory=bounds)


class Gauge:
    """What somebody last saw, for as long as that is fresh.

    Args:
        name: The metric's.
        unit: UCUM.
        description: What is seen.
    """

    def __init__(self, name: str, unit: str, description: str) -> None:
        self._seen = dict[tuple[tuple[str, str], ...], tuple[float, float]]()
        _meter.create_observable_gauge(name, [self._observe], unit, description)

    def set(self, value: float, **attributes: str) -> None:
        """Say how it is now."""
        self._seen[tuple(sorted(attributes.items()))] = value, time.monotonic()

    def _observe(self, _: CallbackOptions) -> Iterator[Observation]:
        """Called by whoever exports, in a thread of its own."""
        now_s = time.monotonic()
        for attributes, (value, seen_at_s) in list(self._seen.items()):
            if now_s - seen_at_s < FRESH_S:
                yield Observation(value, dict(attributes))


ACCEPTED = _meter.create_counter("reelay.videos.accepted", "{video}", "Videos that were accepted.")
COMPLETED = _meter.create_counter("reelay.videos.completed", "{video}", "Videos that were completed.")
FAILED = _meter.create_counter("reelay.videos.failed", "{video}", "Videos that failed, by code.")
SPEND = _meter.create_counter("reelay.spend.usd", "USD", "What videos cost that have ended, as the ledger has it.")
THROTTLED = _meter.create_counter("reelay.upstream.throttled", "{response}", "429s of deployments.")
DEAD_LETTERED = _meter.create_counter("reelay.events.dead_lettered", "{event}", "Events that were put away.")

SLOT_WAIT = _seconds("reelay.slot.wait", "From accepted to the creation that a deployment took.")
RENDER_TIME = _seconds("reelay.render.time", "From there until the render was seen to be done.")
COPY_TIME = _seconds("reelay.copy.time", "From there until the video was completed.")
PUBLISH_TIME = _seconds("reelay.publish.time", "From there until all who listen were told.")
POLLS = _meter.create_histogram(
    "reelay.polls",
    "{poll}",
    "Answered status checks of a render.",
    explicit_bucket_boundaries_advisory=(1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 50, 100, 300),
)
REQUEST_TIME = _seconds("http.server.request.duration", "Answered requests.", _QUICK_S)

QUEUE_AGE = Gauge("reelay.queue.age", "s", "How long the oldest video that waits for a slot has waited, by model.")
COOLDOWN = Gauge("reelay.deployment.cooldown", "1", "1 while a deployment is given no jobs, else 0.")
BUDGET_USED = Gauge("reelay.budget.used_ratio", "1", "How much of its budget a tenant has used; 1 is all.")
