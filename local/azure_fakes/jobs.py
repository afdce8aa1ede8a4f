"""Render jobs: what one is, and how the clock moves it."""

import secrets
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final

from local.azure_fakes.rendering import Scene

QUEUED_SHARE: Final = 0.1
"""Share of its render time that a job shows as queued."""


class Status(StrEnum):
    """The statuses of Azure's videos API."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(slots=True, kw_only=True)
class Job:
    """One render job. Times are Unix seconds.

    Attributes:
        error: Why the job fails when its time has come; `None` if it will complete.
        finished_at: When it becomes terminal; `None` while its media are still being rendered.
        deleted: Hidden from the API, still shown to the control API: it was paid for.
    """

    id: str = field(default_factory=lambda: f"video_{secrets.token_hex(16)}")
    deployment: str
    model: str
    prompt: str
    seconds: int
    size: str
    created_at: float
    render_time_s: float
    expires_at: float
    content_bytes: int = 0
    remixed_from_video_id: str | None = None
    error: dict[str, str] | None = None
    finished_at: float | None = None
    deleted: bool = False
    polls: int = 0
    bytes_sent: int = 0
    sha256: str | None = None

    @property
    def due_at(self) -> float:
        """When the render time is over."""
        return self.created_at + self.render_time_s

    @property
    def scene(self) -> Scene:
        """What the job shows."""
        return Scene.of(self.size, self.seconds, self.prompt)

    def is_terminal(self, now: float) -> bool:
        """Say whether the job is completed or failed."""
        return self.finished_at is not None and now >= self.finished_at

    def status(self, now: float) -> Status:
        """Return the status at `now`."""
        if self.is_terminal(now):
            return Status.FAILED if self.error else Status.COMPLETED
        started_at = self.created_at + QUEUED_SHARE * self.render_time_s
        return Status.QUEUED if now <= started_at else Status.IN_PROGRESS

    def progress(self, now: float) -> int:
        """Return percent at `now`: 100 only for a completed job; a failed one stays where it was."""
        if self.is_terminal(now) and not self.error:
            return 100
        elapsed_s = (now if self.finished_at is None else min(now, self.finished_at)) - self.created_at
        if elapsed_s <= 0:
            return 0
        return int(100 * elapsed_s / self.render_time_s) if elapsed_s < self.render_time_s else 99

    def to_wire(self, now: float) -> dict[str, Any]:
        """Return the video object of the API."""
        status = self.status(now)
        completed = status is Status.COMPLETED
        return {
            "id": self.id,
            "object": "video",
            "created_at": int(self.created_at),
            "completed_at": int(self.finished_at) if completed and self.finished_at is not None else None,
            "expires_at": int(self.expires_at) if completed else None,
            "status": status,
            "model": self.model,
            "progress": self.progress(now),
            "prompt": self.prompt,
            "seconds": str(self.seconds),
            "size": self.size,
            "remixed_from_video_id": self.remixed_from_video_id,
            "error": self.error if status is Status.FAILED else None,
        }

    def to_document(self) -> dict[str, Any]:
        """Return all of it as JSON; `Job(**document)` is the way back."""
        return asdict(self)
