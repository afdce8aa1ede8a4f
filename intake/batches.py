"""How a batch is accepted, whoever asks."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Self

from grpc.aio import AioRpcError

from clients.batch_runs import BatchRuns
from clients.batch_table import BatchTable
from clients.character_table import CharacterTable
from clients.files import Files
from clients.idempotency import AlreadyAccepted, Idempotency
from domain.batch import BATCH_IDS, Batch, BatchRef
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


class BatchIds(NamedTuple):
    """The ids of a batch and of the files it makes."""

    batch: str
    output_file: str
    error_file: str

    @classmethod
    def drawn(cls, at: datetime, draw: Callable[[int], bytes]) -> Self:
        """New ones, as far as what is drawn is new.

        Args:
            at: The time they carry.
            draw: So many random bytes, or what stands for them.
        """
        return cls(
            BATCH_IDS.new(at, draw(ID_RANDOM_BYTES)),
            FILE_IDS.new(at, draw(ID_RANDOM_BYTES)),
            FILE_IDS.new(at, draw(ID_RANDOM_BYTES)),
        )


class BatchTerms(NamedTuple):
    """On what terms a batch is asked for.

    Attributes:
        completion_window: What has not begun after this long is not begun; for example `24h` or `7d`.
        metadata: The caller's.
        retry_of: The batch whose failed lines these are.
        key_id: The key that asks for it, if that has an id.
        ids: Its ids, if it is to be the same whenever it is asked for; None for new ones.
        promise: With the same key and the same request, the same batch.
    """

    completion_window: str = "24h"
    metadata: Mapping[str, str] | None = None
    retry_of: str | None = None
    key_id: str | None = None
    ids: BatchIds | None = None
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
    if made := await made_before(tenant, terms.promise, intake):
        return made
    window = completion_window(terms.completion_window)
    file = await input_file(input_file_id, tenant, intake)
    now = intake.clock()
    ids = terms.ids or BatchIds.drawn(now, intake.randomness)
    batch = Batch(
        batch_id=ids.batch,
        tenant=tenant,
        input_file_id=file.file_id,
        size_bytes=file.size_bytes,
        created_at=now,
        as_of=now,
        completion_window=terms.completion_window,
        expires_at=now + window,
        output_file_id=ids.output_file,
        error_file_id=ids.error_file,
        metadata=terms.metadata,
        retry_of=terms.retry_of,
        key_id=terms.key_id,
    )
    return await keep_batch(batch, terms.promise, intake)


async def made_before(tenant: str, promise: Idempotency | None, intake: BatchIntake) -> Batch | None:
    """The batch that the same key has made: whatever has become of its files, it is the answer."""
    earlier = await intake.records.made_by(tenant, promise.key) if promise else None
    return await _kept_before(tenant, promise, earlier, intake) if earlier else None


async def _kept_before(
    tenant: str, promise: Idempotency | None, earlier: AlreadyAccepted, intake: BatchIntake
) -> Batch:
    check_promise(promise, earlier)
    batch = await intake.records.get(BatchRef(tenant=tenant, batch_id=earlier.made_id))
    return await _started(batch, intake)


async def keep_batch(batch: Batch, promise: Idempotency | None, intake: BatchIntake) -> Batch:
    """Keep a batch and start it; one that is there, or that the same key has made, stays as it is.

    Raises:
        RequestConflict: The key came with another request before.
    """
    try:
        kept = await intake.records.insert(batch, promise)
    except AlreadyAccepted as earlier:
        return await _kept_before(batch.tenant, promise, earlier, intake)
    return await _started(kept, intake)


async def _started(batch: Batch, intake: BatchIntake) -> Batch:
    try:
        if not batch.has_ended:
            await intake.runs.ensure_running(batch.ref)
    except (AioRpcError, TimeoutError) as error:
        _log.warning("%s will be started by the sweeper: %r", batch.batch_id, error)
    return batch


async def preview_batch(input_file_id: str, *, caller: Caller, intake: BatchIntake) -> BatchSurvey:
    """Look at every line, and start nothing.

    Raises:
        NotFound: The tenant has no such file.
        InvalidRequest: It cannot be a batch.
    """
    file = await input_file(input_file_id, caller.tenant, intake)
    survey = BatchSurvey(intake.catalog, intake.clock().date(), intake.images, caller.allowance)
    return await survey_input(file, intake.files, intake.characters, survey)


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
