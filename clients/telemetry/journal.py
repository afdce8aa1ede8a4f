"""What happened to the videos, for the metrics and the log: counted where it is first written down."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from opentelemetry.metrics import Histogram

from clients.telemetry import metrics
from clients.telemetry.logs import bound
from domain.events import Happening, pending_events
from domain.movement import Movement
from domain.video import Video, VideoState

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class VideoJournal:
    """Takes every change of a record, once it is written.

    A change is written over the record before it or not at all, so whoever does the same a second time writes nothing,
    and counts nothing. What is written by a process that dies at once is not counted.

    Attributes:
        clock: The present time, UTC.
        log_prompts: Whether the log tells what is asked for.
    """

    clock: Callable[[], datetime]
    log_prompts: bool = False

    def wrote(self, before: Video | None, after: Video) -> None:
        """Count a change, and log it if it leads to another state.

        Args:
            before: The record before; None if there was none.
            after: The record as it now is.
        """
        if before is None:
            metrics.ACCEPTED.add(1, {"model": after.model, "tenant": after.tenant})
            _tell(after, after.prompt if self.log_prompts else None)
            return
        if before.state is not after.state:
            _count(after)
            _tell(after)
        if before.announced < after.announced and _completion_is_pending(before):
            _measure(metrics.PUBLISH_TIME, after.ended_at, self.clock(), _where(after))
        movement = Movement.between(before, after)
        if movement and movement.spent_usd > 0:
            metrics.SPEND.add(float(movement.spent_usd), _whose(after))


def _tell(video: Video, prompt: str | None = None) -> None:
    with bound(video=video.video_id, tenant=video.tenant, deployment=video.deployment):
        code = video.failure and video.failure.code
        told = {"model": video.model, "state": video.state.value, "code": code, "prompt": prompt}
        _log.info("the video is %s", video.state, extra={"fields": told})


def _count(video: Video) -> None:
    """Count what led to the state that a video has come to."""
    where, whose = _where(video), _whose(video)
    match video.state:
        case VideoState.IN_PROGRESS:
            _measure(metrics.SLOT_WAIT, video.created_at, video.submitting_since, where)
        case VideoState.COPYING:
            metrics.POLLS.record(video.polls, where)
            _measure(metrics.RENDER_TIME, video.in_progress_since, video.rendered_at, where)
        case VideoState.COMPLETED:
            metrics.COMPLETED.add(1, whose)
            _measure(metrics.COPY_TIME, video.rendered_at, video.ended_at, where)
        case VideoState.FAILED:
            metrics.FAILED.add(1, {**whose, "code": video.failure.code if video.failure else "unknown"})
        case _:  # it is wanted, or about to be asked for, (again)
            pass


def _completion_is_pending(video: Video) -> bool:
    return any(event.happening is Happening.COMPLETED for event in pending_events(video))


def _measure(histogram: Histogram, since: datetime | None, until: datetime | None, where: Mapping[str, str]) -> None:
    if since and until:
        histogram.record((until - since).total_seconds(), where)


def _where(video: Video) -> Mapping[str, str]:
    return {"model": video.model, "deployment": video.deployment or "none"}


def _whose(video: Video) -> Mapping[str, str]:
    return {**_where(video), "tenant": video.tenant}
