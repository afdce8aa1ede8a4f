"""Batches as OpenAI's clients know them, with what is ours under `reelay`. Times are seconds since 1970."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal, Self

from pydantic import BaseModel

from domain.batch import ENDPOINT, Batch, BatchStatus, LineError
from domain.batch_survey import BatchSurvey


class BatchErrors(BaseModel):
    """What is wrong with the input: the first hundred; the error file lists all."""

    object: Literal["list"] = "list"
    data: Sequence[LineError]


class RequestCounts(BaseModel):
    """How far a batch is, in lines."""

    total: int
    completed: int
    failed: int


class BatchReelayFields(BaseModel):
    """What OpenAI's batch object has no field for.

    Attributes:
        in_flight: How many videos are queued or rendered just now.
        retry_of: The batch whose failed lines these are.
    """

    in_flight: int
    retry_of: str | None


class BatchAnswer(BaseModel):
    """OpenAI's batch object."""

    id: str
    object: Literal["batch"] = "batch"
    endpoint: Literal["/v1/videos"] = ENDPOINT
    errors: BatchErrors | None
    input_file_id: str
    completion_window: str
    status: BatchStatus
    output_file_id: str | None
    error_file_id: str | None
    created_at: int
    in_progress_at: int | None
    expires_at: int
    finalizing_at: int | None
    completed_at: int | None
    failed_at: int | None
    expired_at: int | None
    cancelling_at: int | None
    cancelled_at: int | None
    request_counts: RequestCounts
    metadata: Mapping[str, str] | None
    reelay: BatchReelayFields

    @classmethod
    def of(cls, batch: Batch) -> Self:
        """From a record."""
        return cls(
            id=batch.batch_id,
            errors=BatchErrors(data=batch.errors) if batch.errors else None,
            input_file_id=batch.input_file_id,
            completion_window=batch.completion_window,
            status=batch.status,
            output_file_id=batch.output_file_id if batch.output_bytes else None,
            error_file_id=batch.error_file_id if batch.error_bytes else None,
            created_at=int(batch.created_at.timestamp()),
            in_progress_at=_seconds(batch.in_progress_at),
            expires_at=int(batch.expires_at.timestamp()),
            finalizing_at=_seconds(batch.finalizing_at),
            completed_at=_seconds(batch.completed_at),
            failed_at=_seconds(batch.failed_at),
            expired_at=_seconds(batch.expired_at),
            cancelling_at=_seconds(batch.cancelling_at),
            cancelled_at=_seconds(batch.cancelled_at),
            request_counts=RequestCounts(total=batch.total, completed=batch.completed, failed=batch.failed),
            metadata=batch.metadata,
            reelay=BatchReelayFields(in_flight=len(batch.in_flight), retry_of=batch.retry_of),
        )


class BatchList(BaseModel):
    """One page of batches; the next begins `after` the last id."""

    object: Literal["list"] = "list"
    data: Sequence[BatchAnswer]
    first_id: str | None
    last_id: str | None
    has_more: bool


class BatchPreview(BaseModel):
    """What a batch would be: nothing was started.

    Attributes:
        cost_usd: Of the good lines, if all are completed, each by the first deployment that can.
        bad_lines: How many cannot be asked for; with one of them, the batch would fail.
        errors: The first hundred of them.
    """

    object: Literal["batch.preview"] = "batch.preview"
    input_file_id: str
    total: int
    models: Sequence[str]
    cost_usd: Decimal
    bad_lines: int
    errors: BatchErrors | None

    @classmethod
    def of(cls, input_file_id: str, survey: BatchSurvey) -> Self:
        """From what was found in the file."""
        return cls(
            input_file_id=input_file_id,
            total=survey.total,
            models=survey.models,
            cost_usd=survey.cost_usd,
            bad_lines=survey.error_count,
            errors=BatchErrors(data=survey.errors) if survey.errors else None,
        )


def _seconds(moment: datetime | None) -> int | None:
    return int(moment.timestamp()) if moment else None
