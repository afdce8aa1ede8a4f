"""Looks at every line of a batch before the first one is asked for."""

from collections.abc import AsyncIterator, Iterable
from functools import partial

from activities.batch_services import BatchServices
from clients.blob_store import BLOCK_BYTES
from domain.batch import Batch, LineError
from domain.batch_report import Report
from domain.batch_survey import BatchSurvey
from domain.batch_workflow import BatchRequest, BatchResult, BatchStep
from domain.caller import Allowance
from domain.errors import NotFound
from domain.file import File, Purpose
from intake.batch_input import errors_of, survey_input
from intake.services import Intake


async def validate_batch(request: BatchRequest, services: BatchServices) -> BatchResult:
    """Accept all lines or none; a rerun finds the same, and a batch that is past this stays as it is.

    Args:
        request: Whose lines.
        services: Clients and clock.
    """
    batch = await services.batches.get(request.batch)
    if batch.has_ended:
        return BatchResult()
    if not batch.total:
        batch = await _validated(batch, services)
    return BatchResult() if batch.has_ended else BatchResult(following=BatchStep.ADVANCE)


async def _validated(batch: Batch, services: BatchServices) -> Batch:
    caller = await services.callers.by_id(batch.tenant, batch.key_id)
    look = partial(_survey, services.intake, caller.allowance if caller else Allowance())
    try:
        file = await services.files.records.get(batch.tenant, batch.input_file_id)
        survey = await survey_input(file, services.files, services.intake.characters, look())
    except NotFound as error:
        file, survey = None, look()
        survey.refuse(LineError(code="input_file_gone", message=error.message))
    now = services.intake.clock()
    if not survey.errors:
        return await services.batches.amend(batch.ref, lambda kept: kept.validated(survey.models, survey.total, now))
    if file and survey.error_count > len(survey.errors):
        errors = errors_of(file, services.files, services.intake.characters, look())
    else:
        errors = _each(survey.errors)
    error_bytes = await _list_errors(batch, errors, services)
    return await services.batches.amend(
        batch.ref,
        lambda kept: kept if kept.has_ended else kept.refused(survey.errors, survey.total, error_bytes, now),
    )


def _survey(intake: Intake, allowance: Allowance) -> BatchSurvey:
    return BatchSurvey(intake.catalog, intake.clock().date(), intake.remote_files.limits, allowance)


async def _list_errors(batch: Batch, errors: AsyncIterator[LineError], services: BatchServices) -> int:
    stored = await services.files.upload(batch.tenant, batch.error_file_id, _in_blocks(batch, errors))
    file = File(
        file_id=batch.error_file_id,
        tenant=batch.tenant,
        filename=f"{batch.batch_id}_errors.jsonl",
        purpose=Purpose.BATCH_OUTPUT,
        size_bytes=stored.size_bytes,
        created_at=services.intake.clock(),
        sha256=stored.sha256,
    )
    await services.files.records.insert(file)
    return stored.size_bytes


async def _each(errors: Iterable[LineError]) -> AsyncIterator[LineError]:
    for error in errors:
        yield error


async def _in_blocks(batch: Batch, errors: AsyncIterator[LineError]) -> AsyncIterator[bytes]:
    block = b""
    async for error in errors:
        text = Report.of_error(batch, error).text
        if len(block) + len(text) > BLOCK_BYTES:
            yield block
            block = b""
        block += text
    yield block
