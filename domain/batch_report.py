"""What became of a line, as OpenAI writes it into the output and error files of a batch.

Each report is one line whose id ends in the number of the input line, so that whoever finds a file longer than the
record says knows whose reports those are.
"""

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple, Self

from domain.batch import BATCH_IDS, Batch, BatchStatus, LineError
from domain.errors import ReelayError
from domain.failures import Failure, FailureCode
from domain.video import Video

_DELETED = Failure(code=FailureCode.CANCELLED, message="The video was deleted before it was reported.")
NOT_BEGUN: Mapping[BatchStatus, Failure] = {
    BatchStatus.CANCELLING: Failure(code="batch_cancelled", message="The batch was cancelled before this began."),
    BatchStatus.FINALIZING: Failure(
        code="batch_expired", message="This could not begin before the completion window was over."
    ),
}


class Report(NamedTuple):
    """One line of the output or of the error file.

    Attributes:
        line: The number of the input line.
        completed: Whether it belongs into the output file.
        text: JSON, with the end of the line.
    """

    line: int
    completed: bool
    text: bytes

    @classmethod
    def of_video(cls, batch: Batch, line: int, custom_id: str, video: Video, shown: Mapping[str, Any]) -> Self:
        """A video that has ended.

        Args:
            batch: Which batch.
            line: The number of the input line.
            custom_id: What the caller calls it.
            video: Its record.
            shown: What GET /videos/{id} answers.
        """
        response = {"status_code": HTTPStatus.OK, "request_id": video.video_id, "body": shown}
        return cls._write(batch, line, custom_id, response, video.failure)

    @classmethod
    def of_deleted(cls, batch: Batch, line: int) -> Self:
        """A video whose record is gone, and with it the name of the line."""
        return cls._write(batch, line, None, None, _DELETED)

    @classmethod
    def of_refusal(cls, batch: Batch, line: int, custom_id: str | None, error: ReelayError) -> Self:
        """A line that was refused when its turn came."""
        code = error.code or error.type
        detail = {"message": error.message, "type": error.type, "param": error.param, "code": code}
        response = {"status_code": error.status, "request_id": _id(batch, line), "body": {"error": detail}}
        return cls._write(batch, line, custom_id, response, Failure(code=code, message=error.message))

    @classmethod
    def of_unbegun(cls, batch: Batch, line: int, custom_id: str | None) -> Self:
        """A line whose turn will not come."""
        return cls._write(batch, line, custom_id, None, NOT_BEGUN[batch.status])

    @classmethod
    def of_error(cls, batch: Batch, error: LineError) -> Self:
        """A bad line of an input that was refused as a whole."""
        failure = {"code": error.code, "message": error.message, "param": error.param, "line": error.line}
        return cls._write(batch, error.line or 0, None, None, failure)

    @classmethod
    def _write(
        cls,
        batch: Batch,
        line: int,
        custom_id: str | None,
        response: Mapping[str, Any] | None,
        failure: Failure | Mapping[str, Any] | None,
    ) -> Self:
        error = failure.model_dump() if isinstance(failure, Failure) else failure
        fields = {"id": _id(batch, line), "custom_id": custom_id, "response": response, "error": error}
        text = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        return cls(line, failure is None, text)


def reported_lines(text: bytes) -> Iterable[int]:
    """The numbers of the input lines that a piece of an output or error file tells of.

    Args:
        text: Whole lines.
    """
    return (int(json.loads(each)["id"].rpartition("_")[2]) for each in text.splitlines())


def _id(batch: Batch, line: int) -> str:
    return f"batch_req_{BATCH_IDS.oldest_first_key(batch.batch_id)}_{line}"
