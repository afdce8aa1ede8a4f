"""Asks again for those lines of a batch that failed."""

from collections.abc import AsyncIterator
from contextlib import suppress

from clients.blob_store import BLOCK_BYTES
from clients.idempotency import Idempotency
from clients.line_reader import NO_LINE, lines_after
from domain.batch import Batch, BatchRef
from domain.batch_report import reported_lines
from domain.caller import Caller
from domain.errors import InvalidRequest, NotFound
from domain.file import FILE_IDS, File, Purpose
from domain.timed_id import ID_RANDOM_BYTES, draws_of
from intake.batches import BatchIds, BatchIntake, BatchTerms, accept_batch, keep_batch, made_before


async def retry_batch(
    batch: Batch, *, caller: Caller, promise: Idempotency | None = None, intake: BatchIntake
) -> Batch:
    """Ask again for those lines of a batch that were not completed, in a new batch; asked twice, it is the same one.

    Args:
        batch: One that has ended.
        caller: Who asks now; the new batch is theirs.
        promise: What comes with it again is the same request.
        intake: Clients and clock.

    Raises:
        NotFound: Its files are gone.
        InvalidRequest: There is nothing to ask for again.
        RequestConflict: The key came with another request before.
    """
    if not batch.has_ended:
        raise InvalidRequest("The batch has not ended yet.", param="batch_id", code="batch_not_ended")
    if batch.errors or not batch.failed:
        message = "No line of the batch was asked for and failed; bad lines have to be mended in the file."
        raise InvalidRequest(message, param="batch_id", code="nothing_to_retry")
    if made := await made_before(batch.tenant, promise, intake):
        return made
    now, draw = intake.clock(), draws_of(f"{batch.batch_id}/retry/")
    ids_at = batch.ended_at or now
    file_id, ids = FILE_IDS.new(ids_at, draw(ID_RANDOM_BYTES)), BatchIds.drawn(ids_at, draw)
    with suppress(NotFound):
        retry = await intake.records.get(BatchRef(tenant=batch.tenant, batch_id=ids.batch))
        return await keep_batch(retry, promise, intake)
    stored = await intake.files.upload(batch.tenant, file_id, _failed_lines(batch, intake))
    file = File(
        file_id=file_id,
        tenant=batch.tenant,
        filename=f"{batch.batch_id}_retry.jsonl",
        purpose=Purpose.BATCH,
        size_bytes=stored.size_bytes,
        created_at=now,
        sha256=stored.sha256,
    )
    await intake.files.records.insert(file)
    terms = BatchTerms(batch.completion_window, batch.metadata, batch.batch_id, caller.key_id, ids, promise)
    return await accept_batch(file_id, tenant=batch.tenant, terms=terms, intake=intake)


async def _failed_lines(batch: Batch, intake: BatchIntake) -> AsyncIterator[bytes]:
    """The lines of the input that the error file tells of, in blocks."""
    failed = await _failed_numbers(batch, intake)
    file = await intake.files.records.get(batch.tenant, batch.input_file_id)
    block = b""
    async for line in lines_after(NO_LINE, intake.files.blobs, file.blob, size_bytes=file.size_bytes):
        if line.number not in failed:
            continue
        if block and len(block) + len(line.text) >= BLOCK_BYTES:
            yield block
            block = b""
        block += line.text + b"\n"
    yield block


async def _failed_numbers(batch: Batch, intake: BatchIntake) -> set[int]:
    errors = await intake.files.records.get(batch.tenant, batch.error_file_id)
    lines = lines_after(NO_LINE, intake.files.blobs, errors.blob, size_bytes=batch.error_bytes)
    return {number async for line in lines for number in reported_lines(line.text)}
