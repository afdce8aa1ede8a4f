"""What happens to a video, as events that others hear of.

The record is the outbox: what happened follows from its own times, and `announced` says how far it was told. So an
event cannot be forgotten, whichever process dies when, and has the same id and content however often it is told.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from domain.video import Video, VideoState
from domain.webhook import WebhookEvent, WebhookType


class Happening(StrEnum):
    """What can happen to a video, by the last word of the event's type."""

    QUEUED = "Queued"
    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    DELETED = "Deleted"


class _Kind(NamedTuple):
    sequence: int
    status: str


_KINDS: Mapping[Happening, _Kind] = {
    Happening.QUEUED: _Kind(1, "queued"),
    Happening.IN_PROGRESS: _Kind(2, "in_progress"),
    Happening.COMPLETED: _Kind(3, "completed"),
    Happening.FAILED: _Kind(3, "failed"),
    Happening.DELETED: _Kind(4, "deleted"),
}
_WEBHOOKS = {Happening.COMPLETED: WebhookType.VIDEO_COMPLETED, Happening.FAILED: WebhookType.VIDEO_FAILED}


class VideoEvent(NamedTuple):
    """Something that happened to a video.

    Attributes:
        video: The record of then, or a later one.
        happening: What.
        at: When.
    """

    video: Video
    happening: Happening
    at: datetime

    @property
    def sequence(self) -> int:
        """Its place among the events of its video; some videos skip some places."""
        return _KINDS[self.happening].sequence

    @property
    def id(self) -> str:
        """Tells it from every other event; no full stop, for webhooks sign what they join with these."""
        return f"evt_{self.video.video_id}_{_KINDS[self.happening].status}"

    @property
    def type(self) -> str:
        """The CloudEvents type."""
        return f"Reelay.Video.{self.happening}"

    def data(self, blob_url: str | None) -> Mapping[str, Any]:
        """What it says: nothing that was not known when it happened, no prompt and no secret.

        Args:
            blob_url: Where a completed video is stored.
        """
        video, completed = self.video, self.happening is Happening.COMPLETED
        failure = video.failure if self.happening is Happening.FAILED else None
        return {
            "id": video.video_id,
            "status": _KINDS[self.happening].status,
            "sequence": self.sequence,
            "tenant": video.tenant,
            "model": video.model,
            "deployment": None if self.happening is Happening.QUEUED else video.deployment,
            "cost_usd": str(video.cost_usd) if completed and video.cost_usd is not None else None,
            "blob_url": blob_url if completed else None,
            "error": failure.model_dump() if failure else None,
            "metadata": dict(video.metadata or {}),
        }

    def webhook(self) -> WebhookEvent | None:
        """The same as webhooks have it; None if they do not."""
        kind = _WEBHOOKS.get(self.happening)
        return WebhookEvent(id=self.id, type=kind, at=self.at, resource_id=self.video.video_id) if kind else None


def pending_events(video: Video) -> Sequence[VideoEvent]:
    """What happened to a video and was not yet told, in its order."""
    return [event for event in _events(video) if event.sequence > video.announced]


def _events(video: Video) -> Iterator[VideoEvent]:
    yield VideoEvent(video, Happening.QUEUED, video.created_at)
    if video.in_progress_since:
        yield VideoEvent(video, Happening.IN_PROGRESS, video.in_progress_since)
    if video.ended_at:
        end = Happening.COMPLETED if video.state is VideoState.COMPLETED else Happening.FAILED
        yield VideoEvent(video, end, video.ended_at)
        if video.deleted_at:  # not before its end, which would then come too late to be told
            yield VideoEvent(video, Happening.DELETED, max(video.deleted_at, video.ended_at))
