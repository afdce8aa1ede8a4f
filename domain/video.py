"""The video: what is known of it, and how it may change.

    queued ──▶ submitting ──▶ in_progress ──▶ copying ──▶ completed
      ▲ ╲         │ │  ╲            ╲           ╲
      │  ╲◀───────┘ │   ╲            ╲           ╲
      │   overloaded│    ╲────────────╲───────────╲────▶ failed

Every change is a method that returns a new video; a change that the table does not allow raises
`InvalidTransition`. Doing again what was already done changes nothing, so activities may run twice.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict

from domain.catalog import BILLED_BY_DEFAULT, Billable, Operation
from domain.character import Cast
from domain.failures import CANCELLATION, MODERATION_CODES, Failure, FailureCode, VideoFailed
from domain.source import Source
from domain.stored_content import StoredContent


class VideoState(StrEnum):
    """Where a video is on its way."""

    QUEUED = "queued"
    SUBMITTING = "submitting"
    IN_PROGRESS = "in_progress"
    COPYING = "copying"
    COMPLETED = "completed"
    FAILED = "failed"


TRANSITIONS: Mapping[VideoState, frozenset[VideoState]] = {
    VideoState.QUEUED: frozenset({VideoState.SUBMITTING, VideoState.FAILED}),
    VideoState.SUBMITTING: frozenset({VideoState.QUEUED, VideoState.IN_PROGRESS, VideoState.FAILED}),
    VideoState.IN_PROGRESS: frozenset({VideoState.COPYING, VideoState.FAILED}),
    VideoState.COPYING: frozenset({VideoState.COMPLETED, VideoState.FAILED}),
    VideoState.COMPLETED: frozenset(),
    VideoState.FAILED: frozenset(),
}


_NO_INTENT = {"submitting_since": None, "unanswered_since": None, "usd_per_second": None}


class InvalidTransition(ValueError):
    """A video cannot go from this state to that."""


class Variant(StrEnum):
    """The files of a finished video, by OpenAI's names."""

    VIDEO = "video"
    THUMBNAIL = "thumbnail"
    SPRITESHEET = "spritesheet"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class VideoRef(_Value):
    """All that is needed to find a video; the orchestration's input."""

    tenant: str
    video_id: str


class BatchLine(_Value):
    """The line of a batch that asks for a video.

    Attributes:
        line: Its number, from 1.
        custom_id: The caller's name for it.
    """

    batch_id: str
    line: int
    custom_id: str


class Video(_Value):
    """One video and all that is known of it.

    Attributes:
        seconds: Asked length; of an extension, of what is rendered anew.
        operation: How it is made.
        source: What it is made from, unless it is created from nothing.
        cast: The characters that it shows.
        input_reference: The claim check of the reference image.
        may_fall_back: Whether a fallback model may render it.
        weight: Its tenant's share of the slots, beside other tenants'.
        key_id: The key that asked for it, if that has an id.
        reserved_usd: What it may cost at most, as was thought when it was accepted.
        batch: The line that asks for it, if one does.
        traceparent: The span that accepted it, in W3C's words, if somebody traces.
        deployment: Who renders it, once chosen.
        submitting_since: When the intent to create the render job was written, before anything was sent.
        unanswered_since: When the deployment failed to answer the creation.
        unanswered: How many creations were given up, because they were not answered and no job showed up.
        upstream_id: The render job's id at the deployment.
        progress: Percent, as the deployment last said.
        polls: How often the deployment was asked how far it is, and answered.
        seen_running_at: When it last said that the job is not done.
        contents: What was copied, by variant.
        content_removed_at: When that was removed, as it was old.
        usd_per_second: The deployment's price when the job was asked for.
        cost_usd: What the deployment bills, at that price; None until that is known, and if it is nothing.
        cancel_requested_at: Somebody wants it to end; the orchestration will see to it.
        deleted_at: It is gone for its tenant; the record goes once the orchestration has ended.
        announced: The sequence of the last event that was told to those who listen; see `domain.events`.
    """

    video_id: str
    tenant: str
    model: str
    prompt: str
    seconds: int
    size: str
    created_at: datetime
    user: str | None = None
    metadata: Mapping[str, str] | None = None
    operation: Operation = "create"
    source: Source | None = None
    cast: Cast | None = None
    input_reference: StoredContent | None = None
    may_fall_back: bool = True
    weight: float = 1.0
    key_id: str | None = None
    reserved_usd: Decimal | None = None
    batch: BatchLine | None = None
    traceparent: str | None = None

    state: VideoState = VideoState.QUEUED
    progress: int = 0
    polls: int = 0
    deployment: str | None = None
    submitting_since: datetime | None = None
    unanswered_since: datetime | None = None
    unanswered: int = 0
    upstream_id: str | None = None
    in_progress_since: datetime | None = None
    seen_running_at: datetime | None = None
    rendered_at: datetime | None = None
    ended_at: datetime | None = None
    contents: Mapping[Variant, StoredContent] | None = None
    content_removed_at: datetime | None = None
    usd_per_second: Decimal | None = None
    cost_usd: Decimal | None = None
    failure: Failure | None = None
    cancel_requested_at: datetime | None = None
    deleted_at: datetime | None = None
    announced: int = 0

    @property
    def ref(self) -> VideoRef:
        """How to find it."""
        return VideoRef(tenant=self.tenant, video_id=self.video_id)

    @property
    def has_ended(self) -> bool:
        """Whether it is completed or failed."""
        return not TRANSITIONS[self.state]

    @property
    def pinned_to(self) -> str | None:
        """The only deployment that can render it, if only one can."""
        return self.cast.deployment if self.cast else self.source and self.source.pinned_to

    @property
    def length_s(self) -> int:
        """How long it will be: an extension is stitched to its source."""
        return self.seconds + self.source.seconds if self.source and self._is_extension else self.seconds

    def rendered_s(self, length_s: int | None) -> int:
        """How much was rendered of it, when the deployment says that the whole is so long."""
        return self.seconds if self._is_extension else length_s or self.seconds

    @property
    def own_inputs(self) -> tuple[StoredContent, ...]:
        """The claim checks of what came with its request."""
        return tuple(kept for kept in (self.input_reference, self.source and self.source.own_upload) if kept)

    @property
    def _is_extension(self) -> bool:
        return self.operation == "extension"

    def submitting(self, deployment: str, now: datetime, *, usd_per_second: Decimal) -> Self:
        """Write down the intent to create a render job, and its price, before the first byte is sent."""
        changes = {"deployment": deployment, "submitting_since": now, "usd_per_second": usd_per_second}
        return self._move(VideoState.SUBMITTING, **changes)

    def left_unanswered(self, now: datetime) -> Self:
        """The deployment did not answer the creation: the job may exist."""
        return self._with(unanswered_since=now)

    def refused(self) -> Self:
        """The deployment certainly took nothing: forget the intent."""
        return self._move(VideoState.QUEUED, deployment=None, **_NO_INTENT)

    def refused_for_its_source(self) -> Self:
        """The deployment no longer has what the video is made from: forget the intent, and send it along next time."""
        source = self.source and self.source.lost_upstream()
        return self._move(VideoState.QUEUED, deployment=None, source=source, **_NO_INTENT)

    def asked_in_vain(self) -> Self:
        """No job showed up for the intent, whether its creation went unanswered or whoever sent it died."""
        return self._move(VideoState.QUEUED, deployment=None, unanswered=self.unanswered + 1, **_NO_INTENT)

    def in_progress(self, upstream_id: str, now: datetime) -> Self:
        """The deployment has the job."""
        return self._move(VideoState.IN_PROGRESS, upstream_id=upstream_id, in_progress_since=now)

    def progressed(self, percent: int, now: datetime) -> Self:
        """The deployment says that it is not done, and how far it is; it never goes back."""
        polls = self.polls + (now != self.seen_running_at)
        return self._with(progress=max(self.progress, min(percent, 100)), polls=polls, seen_running_at=now)

    def copying(self, now: datetime, *, rendered_s: int) -> Self:
        """The render is done, so its cost is known: its seconds times the price they were asked for at."""
        cost_usd = rendered_s * (self.usd_per_second or Decimal(0))
        return self._move(VideoState.COPYING, rendered_at=now, progress=100, polls=self.polls + 1, cost_usd=cost_usd)

    def copied(self, contents: Mapping[Variant, StoredContent]) -> Self:
        """These files are in our storage, whole."""
        return self._with(contents={**(self.contents or {}), **contents})

    def completed(self, now: datetime) -> Self:
        """The content is ours."""
        if Variant.VIDEO not in (self.contents or {}):
            raise InvalidTransition(f"{self.video_id} cannot be completed: its content is not stored")
        return self._move(VideoState.COMPLETED, ended_at=now)

    def failed(self, failure: Failure, now: datetime, *, bills: frozenset[Billable] = BILLED_BY_DEFAULT) -> Self:
        """It will never be completed, and costs what its deployment bills all the same.

        Args:
            failure: Why.
            now: The present time, UTC.
            bills: What the deployment bills of videos that are not completed.
        """
        cost_usd = self._price if self._left_behind(failure) in bills else None
        return self._move(VideoState.FAILED, failure=failure, ended_at=now, cost_usd=cost_usd)

    def rendered_after_all(self, rendered_s: int) -> Self:
        """It was given up, but its render was done in the end, and is billed."""
        return self._with(cost_usd=rendered_s * (self.usd_per_second or Decimal(0)) or None)

    def content_removed(self, now: datetime) -> Self:
        """Its files are no longer kept."""
        return self._with(content_removed_at=self.content_removed_at or now)

    def raise_if_cancelled(self) -> None:
        """Stop whoever works on it, once somebody wants it to end.

        Raises:
            VideoFailed: Somebody does.
        """
        if self.cancel_requested_at:
            raise VideoFailed(CANCELLATION.code, CANCELLATION.message)

    def cancelling(self, now: datetime) -> Self:
        """Somebody wants it to end; nothing happens to one that has ended."""
        return self if self.has_ended or self.cancel_requested_at else self._with(cancel_requested_at=now)

    def deleted(self, now: datetime) -> Self:
        """Its tenant no longer sees it."""
        return self.cancelling(now).model_copy(update={"deleted_at": self.deleted_at or now})

    def announced_up_to(self, sequence: int) -> Self:
        """What happened to it was told, up to this."""
        return self._with(announced=max(self.announced, sequence))

    @property
    def _price(self) -> Decimal | None:
        """What its render costs: by what was rendered if that is known, else by what was asked for."""
        return self.cost_usd or (self.usd_per_second or Decimal(0)) * self.seconds or None

    def _left_behind(self, failure: Failure) -> Billable | None:
        """What a failure leaves at the deployment; None if it has no job."""
        if self.rendered_at:
            return "rendered"
        if self.upstream_id is None:
            return None
        if failure.code in {FailureCode.CANCELLED, FailureCode.RENDER_TIMEOUT}:
            return "cancelled"
        return "moderated" if failure.code in MODERATION_CODES else "failed"

    def _move(self, state: VideoState, **changes: object) -> Self:
        if state is self.state:
            return self
        if state not in TRANSITIONS[self.state]:
            raise InvalidTransition(f"{self.video_id} cannot go from {self.state} to {state}")
        return self._with(state=state, **changes)

    def _with(self, **changes: object) -> Self:
        return self.model_copy(update=changes)
