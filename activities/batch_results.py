"""The output and the error file of a batch: every report once, whoever dies when.

A report is appended where the record says that the file ends. If the file is longer, somebody appended and died before
he could say so; what he wrote is then read, and counts.
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import Final, NamedTuple, Self

from clients.files import Files
from domain.batch import Batch
from domain.batch_report import Report, reported_lines
from domain.errors import NotFound
from domain.file import File, Purpose, file_blob

REPORT_BYTES: Final = 3 * 1024 * 1024
"""So much is reported at once, and a line more; a blob takes no more than 4 MiB."""


class Overtaken(Exception):
    """A file is longer than the record says."""


class Results(NamedTuple):
    """The two files, and what was written beyond what the record says.

    Attributes:
        completed: The lines that the end of the output file tells of.
        failed: Those that the end of the error file tells of.
    """

    output_bytes: int
    error_bytes: int
    completed: frozenset[int] = frozenset()
    failed: frozenset[int] = frozenset()

    @classmethod
    def recorded(cls, batch: Batch) -> Self:
        """As the record has it."""
        return cls(batch.output_bytes, batch.error_bytes)

    @classmethod
    async def found(cls, batch: Batch, files: Files) -> Self:
        """As the files are."""
        output_bytes, completed = await _tail(_blob(batch, batch.output_file_id), batch.output_bytes, files)
        error_bytes, failed = await _tail(_blob(batch, batch.error_file_id), batch.error_bytes, files)
        return cls(output_bytes, error_bytes, completed, failed)

    @property
    def lines(self) -> frozenset[int]:
        """Every line that needs no other report."""
        return self.completed | self.failed

    async def write(self, batch: Batch, reports: Iterable[Report], files: Files) -> Self:
        """Append reports of lines that have none.

        Raises:
            Overtaken: Somebody else has appended.
        """
        fresh = [report for report in reports if report.line not in self.lines]
        completed = [report for report in fresh if report.completed]
        failed = [report for report in fresh if not report.completed]
        return self._replace(
            output_bytes=await _append(_blob(batch, batch.output_file_id), completed, self.output_bytes, files),
            error_bytes=await _append(_blob(batch, batch.error_file_id), failed, self.error_bytes, files),
            completed=self.completed.union(report.line for report in completed),
            failed=self.failed.union(report.line for report in failed),
        )


async def show_files(before: Batch, after: Batch, files: Files) -> None:
    """Let the files be seen as long as they are, after every step."""
    sizes = (
        (after.output_file_id, "output", before.output_bytes, after.output_bytes),
        (after.error_file_id, "errors", before.error_bytes, after.error_bytes),
    )
    for file_id, kind, old_bytes, new_bytes in sizes:
        if new_bytes and (old_bytes == 0 or new_bytes < old_bytes):
            await files.records.insert(
                File(
                    file_id=file_id,
                    tenant=after.tenant,
                    filename=f"{after.batch_id}_{kind}.jsonl",
                    purpose=Purpose.BATCH_OUTPUT,
                    size_bytes=new_bytes,
                    created_at=after.created_at,
                )
            )
        elif new_bytes != old_bytes:
            with suppress(NotFound):  # its tenant wanted it gone
                await files.records.grown(after.tenant, file_id, new_bytes)


async def _append(blob: str, reports: list[Report], at: int, files: Files) -> int:
    text = b"".join(report.text for report in reports)
    if text and not await files.blobs.append(blob, text, at=at):
        raise Overtaken(blob)
    return at + len(text)


async def _tail(blob: str, offset: int, files: Files) -> tuple[int, frozenset[int]]:
    """How long a file is, and which lines its end tells of; it is shorter than recorded if its tenant deleted it."""
    size_bytes = await files.blobs.size(blob)
    text = await files.blobs.read(blob, offset=offset, length=size_bytes - offset) if size_bytes > offset else b""
    return size_bytes, frozenset(reported_lines(text))


def _blob(batch: Batch, file_id: str) -> str:
    return file_blob(batch.tenant, file_id)
