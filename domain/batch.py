"""The batch: what is known of many videos that were asked for in one file, and how far it is.

    validating ──▶ in_progress ──▶ finalizing ──▶ completed | expired
      │    ╰───────────┴──▶ cancelling ──▶ cancelled
      ╰──▶ failed ◀── the input is gone

Its lines are read in their order: those before `line` were seen to, of which some are `in_flight` and the others are
reported in the output or in the error file. Every step of that is a `Progress`, and counts only if no other came first.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import accumulate
from typing import Final, NamedTuple, Self

from pydantic import BaseModel, ConfigDict

from domain.timed_id import TimedIds

BATCH_IDS = TimedIds("batch", "batch_")
ENDPOINT: Final = "/v1/videos"
ERRORS_SHOWN: Final = 100
AS_OF_LIMIT: Final = timedelta(minutes=10)
"""So long a video may say that it was created before it is asked for."""
BEGIN_LIMIT: Final = timedelta(minutes=4)
"""Whoever needs longer to begin a line gives up."""
LANDING_LIMIT: Final = timedelta(minutes=1)
"""So long what he sent may be under way, and so far clocks differ."""
_ERRORS_ROOM = 30_000
"""A record has no room for more UTF-16 units of them; the error file lists them all."""


class BatchStatus(StrEnum):
    """Where a batch is on its way, by OpenAI's names."""

    VALIDATING = "validating"
    FAILED = "failed"
    IN_PROGRESS = "in_progress"
    FINALIZING = "finalizing"
    COMPLETED = "completed"
    EXPIRED = "expired"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"


_S = BatchStatus
TRANSITIONS: Mapping[BatchStatus, frozenset[BatchStatus]] = {
    _S.VALIDATING: frozenset({_S.IN_PROGRESS, _S.CANCELLING, _S.FAILED}),
    _S.IN_PROGRESS: frozenset({_S.FINALIZING, _S.CANCELLING, _S.FAILED}),
    _S.FINALIZING: frozenset({_S.COMPLETED, _S.EXPIRED, _S.FAILED}),
    _S.CANCELLING: frozenset({_S.CANCELLED, _S.FAILED}),
    _S.FAILED: frozenset(),
    _S.COMPLETED: frozenset(),
    _S.EXPIRED: frozenset(),
    _S.CANCELLED: frozenset(),
}
_ENDINGS = {
    _S.IN_PROGRESS: (_S.FINALIZING, _S.COMPLETED),
    _S.FINALIZING: (_S.EXPIRED,),
    _S.CANCELLING: (_S.CANCELLED,),
}
_TIMES = {status: f"{status}_at" for status in BatchStatus if status is not BatchStatus.VALIDATING}


class InvalidBatchTransition(ValueError):
    """A batch cannot go from this status to that."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class BatchRef(_Value):
    """All that is needed to find a batch; the orchestration's input."""

    tenant: str
    batch_id: str


class LineError(_Value):
    """What is wrong with a line of the input, or with all of it.

    Attributes:
        code: A stable machine-readable word.
        message: One sentence for a person.
        line: Its number, from 1; None if it is not about one.
        param: The field at fault, if one is.
    """

    code: str
    message: str
    line: int | None = None
    param: str | None = None


class Progress(NamedTuple):
    """One step forward.

    Attributes:
        line: The last line that was seen to.
        offset: Where the next one begins, in bytes.
        reach: The last line whose video may have been begun unnoticed.
        in_flight: The videos that have not been reported, by line; some may be of lines beyond `line`.
        completed: How many were reported in the output file, together.
        failed: How many in the error file.
        output_bytes: The output file's length.
        error_bytes: The error file's.
    """

    line: int
    offset: int
    reach: int
    in_flight: Mapping[int, str]
    completed: int
    failed: int
    output_bytes: int
    error_bytes: int


class Batch(_Value):
    """One batch and all that is known of it.

    Attributes:
        size_bytes: The input file's length.
        completion_window: As it was asked for, for example `24h`.
        expires_at: What has not begun by then is not begun.
        retry_of: The batch whose failed lines these are.
        key_id: The key that asked for it, if that has an id.
        models: What its lines ask for.
        total: How many lines it has.
        steps: How many steps forward there were.
        as_of: When the videos up to there are said to be created, so that beginning one twice makes the same one.
        output_file_id: What there will be once a line is completed; likewise `error_file_id`.
        errors: Why it failed, the first of them.

    The others are as in `Progress`.
    """

    batch_id: str
    tenant: str
    input_file_id: str
    size_bytes: int
    created_at: datetime
    completion_window: str
    expires_at: datetime
    output_file_id: str
    error_file_id: str
    metadata: Mapping[str, str] | None = None
    retry_of: str | None = None
    key_id: str | None = None

    status: BatchStatus = BatchStatus.VALIDATING
    models: Sequence[str] = ()
    total: int = 0
    steps: int = 0
    as_of: datetime
    reach: int = 0
    line: int = 0
    offset: int = 0
    in_flight: Mapping[int, str] = {}
    completed: int = 0
    failed: int = 0
    output_bytes: int = 0
    error_bytes: int = 0
    errors: Sequence[LineError] = ()

    in_progress_at: datetime | None = None
    finalizing_at: datetime | None = None
    completed_at: datetime | None = None
    failed_at: datetime | None = None
    expired_at: datetime | None = None
    cancelling_at: datetime | None = None
    cancelled_at: datetime | None = None

    @property
    def ref(self) -> BatchRef:
        """How to find it."""
        return BatchRef(tenant=self.tenant, batch_id=self.batch_id)

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen."""
        return not TRANSITIONS[self.status]

    @property
    def ended_at(self) -> datetime | None:
        """When it ended, if it has."""
        return self.completed_at or self.failed_at or self.expired_at or self.cancelled_at

    @property
    def is_read(self) -> bool:
        """Whether every line was seen to."""
        return self.offset >= self.size_bytes

    @property
    def starts_videos(self) -> bool:
        """Whether its next lines are asked for, and not reported as cancelled or expired."""
        return self.status is BatchStatus.IN_PROGRESS

    def validated(self, models: Sequence[str], total: int, now: datetime) -> Self:
        """Every line can be asked for."""
        if self.status is not BatchStatus.VALIDATING:
            return self.model_copy(update={"models": models, "total": total})
        return self.moved(BatchStatus.IN_PROGRESS, now, models=models, total=total)

    def refused(self, errors: Sequence[LineError], total: int, error_bytes: int, now: datetime) -> Self:
        """Some lines cannot, and so none is."""
        return self.moved(BatchStatus.FAILED, now, errors=_shown(errors), total=total, error_bytes=error_bytes)

    def cancelling(self, now: datetime) -> Self:
        """Somebody wants no more of it to begin; nothing happens to one that begins nothing any more."""
        may = BatchStatus.CANCELLING in TRANSITIONS[self.status]
        return self.moved(BatchStatus.CANCELLING, now) if may else self

    def at(self, now: datetime) -> Self:
        """As it is at this time: once its window is over, nothing begins any more."""
        over = self.status is BatchStatus.IN_PROGRESS and now >= self.expires_at and not self.is_read
        return self.moved(BatchStatus.FINALIZING, now) if over else self

    def may_begin(self, now: datetime) -> bool:
        """Whether a further line may begin as of then."""
        return now - self.as_of <= AS_OF_LIMIT

    def is_out_of_date(self, now: datetime) -> bool:
        """Whether nobody can be beginning a line as of then any more: the others may begin as of another time."""
        return self.line < self.reach and now - self.as_of > AS_OF_LIMIT + BEGIN_LIMIT + LANDING_LIMIT

    def reaching(self, lines: int, now: datetime) -> Self:
        """Let so many more lines begin, once all that might have are seen to."""
        if self.line < self.reach or self.is_read or not self.starts_videos:
            return self
        return self.model_copy(update={"reach": self.line + lines, "as_of": now, "steps": self.steps + 1})

    def lost_input(self, error: LineError) -> Self:
        """The rest of it can no longer be read."""
        return self.model_copy(update={"errors": (error,), "offset": self.size_bytes})

    def advanced(self, progress: Progress, now: datetime) -> Self:
        """A step forward; the last one ends it."""
        after = self.model_copy(update={**progress._asdict(), "steps": self.steps + 1})
        return after.ended(now) if after.is_read and not after.in_flight else after

    def ended(self, now: datetime) -> Self:
        """Every line was reported."""
        batch = self
        for status in (BatchStatus.FAILED,) if self.errors else _ENDINGS[self.status]:
            batch = batch.moved(status, now)
        return batch

    def moved(self, status: BatchStatus, now: datetime, **changes: object) -> Self:
        """On to another status; with these changes.

        Raises:
            InvalidBatchTransition: It cannot go there.
        """
        if status not in TRANSITIONS[self.status]:
            raise InvalidBatchTransition(f"{self.batch_id} cannot go from {self.status} to {status}")
        return self.model_copy(update={"status": status, _TIMES[status]: now, **changes})


def _shown(errors: Sequence[LineError]) -> Sequence[LineError]:
    """The first ones, as many as a record has room for."""
    units = accumulate(len(error.model_dump_json().encode("utf-16-le")) // 2 for error in errors[:ERRORS_SHOWN])
    return tuple(error for error, so_far in zip(errors, units, strict=False) if so_far <= _ERRORS_ROOM)
