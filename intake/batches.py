"""How a batch is accepted, whoever asks, and how the failed lines of one are asked for again."""

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from itertools import count
from typing import NamedTuple

from grpc.aio import AioRpcError

from clients.batch_runs import BatchRuns
from clients.batch_table import BatchTable
from clients.blob_store import BLOCK_BYTES
from clients.character_table import CharacterTable
from clients.files import Files
from clients.idempotency import AlreadyAccepted, Idempotency
from clients.line_reader import NO_LINE, lines_after
from domain.batch import BATCH_IDS, Batch, BatchRef
from domain.batch_report import reported_lines
from domain.batch_survey import BatchSurvey
from domain.batch_terms import LONGEST_INPUT_BYTES, completion_window
from domain.caller import Caller
from domain.catalog import Catalog
from domain.errors import InvalidRequest
from domain.file import FILE_IDS, File, Purpose
from domain.input_reference import ImageLimits
from domain.timed_id import ID_RANDOM_BYTES
from intake.batch_input import survey_input
from intake.promise import check_promise

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BatchIntake:
    """Everything that accepting a batch may need; made once, by the composition root.

    Attributes:
        catalog: What can be rendered.
        records: What is known of them.
        files: The inputs.
        characters: Who can be shown.
        runs: The durable client.
        images: What those may be that its lines name.
        clock: The present time, UTC.
        randomness: So many random bytes.
    """

    catalog: Catalog
    records: BatchTable
    files: Files
    characters: CharacterTable
    runs: BatchRuns
    images: ImageLimits
    clock: Callable[[], datetime]
    randomness: Callable[[int], bytes]


class BatchTerms(NamedTuple):
    """On what terms a batch is asked for.

    Attributes:
        completion_window: What has not begun after this long is not begun; for example `24h` or `7d`.
        metadata: The caller's.
        retry_of: The batch whose failed lines these are.
        key_id: The key that asks for it, if that has an id.
        ids_at: The time that its ids carry, so that they can be drawn again; None for now.
        promise: With the same key and the same request, the same batch.
    """

    completion_window: str = "24h"
    metadata: Mapping[str, str] | None = None
    retry_of: str | None = None
    key_id: str | None = None
    ids_at: datetime | None = None
    promise: Idempotency | None = None


async def accept_batch(input_file_id: str, *, tenant: str, terms: BatchTerms, intake: BatchIntake) -> Batch:
    """Keep a batch and start its orchestration, which looks at its lines; the sweeper starts it if this fails.

    Args:
        input_file_id: A file of the purpose `batch`.
        tenant: Who asks.
        terms: On what terms.
        intake: Clients and clock.

    Raises:
        NotFound: The tenant has no such file.
        InvalidRequest: It cannot be a batch.
        RequestConflict: The key came with another request before.
    """
    window = completion_window(terms.completion_window)
    file = await input_file(input_file_id, tenant, intake)
    now = intake.clock()
    ids_at = terms.ids_at or now
    batch = Batch(
        batch_id=BATCH_IDS.new(ids_at, intake.randomness(ID_RANDOM_BYTES)),
        tenant=tenant,
        input_file_id=file.file_id,
        size_bytes=file.size_bytes,
        created_at=now,
        as_of=now,
        completion_window=terms.completion_window,
        expires_at=now + window,
        output_file_id=FILE_IDS.new(ids_at, intake.randomness(ID_RANDOM_BYTES)),
        error_file_id=FILE_IDS.new(ids_at, intake.randomness(ID_RANDOM_BYTES)),
        metadata=terms.metadata,
        retry_of=terms.retry_of,
        key_id=terms.key_id,
    )
    try:
        kept = await intake.records.insert(batch, terms.promise)
    except AlreadyAccepted as earlier:
        check_promise(terms.promise, earlier)
        kept = await intake.records.get(BatchRef(tenant=tenant, batch_id=earlier.made_id))
    if not kept.has_ended:
        await _start(kept.ref, intake)
    return kept


async def _start(ref: BatchRef, intake: BatchIntake) -> None:
    try:
        await intake.runs.ensure_running(ref)
    except (AioRpcError, TimeoutError) as error:
        _log.warning("%s will be started by the sweeper: %r", ref.batch_id, error)


async def preview_batch(input_file_id: str, *, caller: Caller, intake: BatchIntake) -> BatchSurvey:
    """Look at every line, and start nothing.

    Raises:
        NotFound: The tenant has no such file.
        InvalidRequest: It cannot be a batch.
    """
    file = await input_file(input_file_id, caller.tenant, intake)
    survey = BatchSurvey(intake.catalog, intake.clock().date(), intake.images, caller.allowance)
    return await survey_input(file, intake.files, intake.characters, survey)


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
    now, ids_at, intake = intake.clock(), batch.ended_at, _repeatable(batch, intake)
    file_id = FILE_IDS.new(ids_at or now, intake.randomness(ID_RANDOM_BYTES))
    stored = await intake.files.upload(batch.tenant, file_id, _failed_lines(batch, intake))
    name = f"{batch.batch_id}_retry.jsonl"
    file = File(
        file_id=file_id,
        tenant=batch.tenant,
        filename=name,
        purpose=Purpose.BATCH,
        size_bytes=stored.size_bytes,
        created_at=now,
        sha256=stored.sha256,
    )
    await intake.files.records.insert(file)
    terms = BatchTerms(batch.completion_window, batch.metadata, batch.batch_id, caller.key_id, ids_at, promise)
    return await accept_batch(file_id, tenant=batch.tenant, terms=terms, intake=intake)


def _repeatable(batch: Batch, intake: BatchIntake) -> BatchIntake:
    """Draws the same ids whenever a batch is retried."""
    numbers = count()

    def draw(size: int) -> bytes:
        return sha256(f"{batch.batch_id}/retry/{next(numbers)}".encode()).digest()[:size]

    return replace(intake, randomness=draw)


async def input_file(file_id: str, tenant: str, intake: BatchIntake) -> File:
    """The file that a batch is made of.

    Raises:
        NotFound: The tenant has no such file.
        InvalidRequest: It is for something else, or too long.
    """
    file = await intake.files.records.get(tenant, file_id)
    if file.purpose is not Purpose.BATCH:
        message = f"The file is for '{file.purpose}': upload it with the purpose 'batch'."
        raise InvalidRequest(message, param="input_file_id")
    if file.size_bytes > LONGEST_INPUT_BYTES:
        raise InvalidRequest(f"The file is longer than {LONGEST_INPUT_BYTES} bytes.", param="input_file_id")
    return file


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
