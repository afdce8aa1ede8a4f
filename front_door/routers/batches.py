"""/batches: create, preview, list, read, cancel, retry."""

import logging
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from grpc.aio import AioRpcError

from domain.batch import ENDPOINT, Batch, BatchRef
from domain.caller import Caller
from domain.errors import InvalidRequest
from domain.video_request import read_metadata
from front_door.batch_wire import BatchAnswer, BatchList, BatchPreview
from front_door.request_fields import read_fields
from front_door.services import FromCaller, FrontDoorServices, Services, Tenant
from intake.batch_retry import retry_batch
from intake.batches import BatchTerms, accept_batch, preview_batch
from intake.promise import read_promise

router = APIRouter(prefix="/batches", tags=["batches"])
_log = logging.getLogger(__name__)

type IdempotencyKey = Annotated[str | None, Header(description="With the same key and request, the same batch.")]

_CREATE_DOCS: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["input_file_id", "endpoint", "completion_window"],
                    "properties": {
                        "input_file_id": {"type": "string"},
                        "endpoint": {"type": "string", "enum": [ENDPOINT]},
                        "completion_window": {"type": "string", "examples": ["24h", "7d"]},
                        "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
                    },
                }
            }
        },
    }
}


@router.post("", openapi_extra=_CREATE_DOCS)
async def create(
    request: Request,
    caller: FromCaller,
    services: Services,
    idempotency_key: IdempotencyKey = None,
    dry_run: Annotated[bool, Query(description="Only say what it would cost, and which lines are bad.")] = False,  # noqa: FBT002 - a query parameter
) -> BatchAnswer | BatchPreview:
    """Ask for the videos of a file of the purpose `batch`."""
    fields = await read_fields(request, max_bytes=services.max_body_bytes)
    promise = read_promise(idempotency_key, {**fields, "x-reelay-operation": "batch"})
    input_file_id, terms = _input_file_id(fields), _terms(fields, caller)._replace(promise=promise)
    if dry_run:
        survey = await preview_batch(input_file_id, caller=caller, intake=services.batches)
        return BatchPreview.of(input_file_id, survey)
    return BatchAnswer.of(await accept_batch(input_file_id, tenant=caller.tenant, terms=terms, intake=services.batches))


@router.get("")
async def list_batches(
    tenant: Tenant,
    services: Services,
    after: Annotated[str | None, Query(description="The last id of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> BatchList:
    """List the caller's batches, the newest first."""
    page = await services.batches.records.page(tenant, after=after, limit=limit)
    data = [BatchAnswer.of(batch) for batch in page.batches]
    return BatchList(
        data=data,
        first_id=data[0].id if data else None,
        last_id=data[-1].id if data else None,
        has_more=page.has_more,
    )


@router.get("/{batch_id}")
async def retrieve(batch_id: str, tenant: Tenant, services: Services) -> BatchAnswer:
    """Read a batch; its files can be read while it runs."""
    return BatchAnswer.of(await _batch(batch_id, tenant, services))


@router.post("/{batch_id}/cancel")
async def cancel(batch_id: str, tenant: Tenant, services: Services) -> BatchAnswer:
    """Begin no more of it: what has begun is finished, the rest is reported as cancelled."""
    now = services.clock()
    ref = BatchRef(tenant=tenant, batch_id=batch_id)
    batch = await services.batches.records.amend(ref, lambda kept: kept.cancelling(now))
    try:
        await services.batches.runs.wake(ref)
    except (AioRpcError, TimeoutError) as error:
        _log.warning("%s will notice at its next step: %r", batch_id, error)
    return BatchAnswer.of(batch)


@router.post("/{batch_id}/retry")
async def retry(
    batch_id: str, caller: FromCaller, services: Services, idempotency_key: IdempotencyKey = None
) -> BatchAnswer:
    """Ask again, in a new batch, for the lines that were not completed."""
    promise = read_promise(idempotency_key, {"retry_of": batch_id, "x-reelay-operation": "batch"})
    batch = await _batch(batch_id, caller.tenant, services)
    return BatchAnswer.of(await retry_batch(batch, caller=caller, promise=promise, intake=services.batches))


async def _batch(batch_id: str, tenant: str, services: FrontDoorServices) -> Batch:
    return await services.batches.records.get(BatchRef(tenant=tenant, batch_id=batch_id))


def _input_file_id(fields: Mapping[str, Any]) -> str:
    file_id = fields.get("input_file_id")
    if not isinstance(file_id, str):
        raise InvalidRequest("The input_file_id must be the id of a file.", param="input_file_id")
    if fields.get("endpoint") != ENDPOINT:
        raise InvalidRequest(f"The endpoint must be {ENDPOINT}.", param="endpoint")
    return file_id


def _terms(fields: Mapping[str, Any], caller: Caller) -> BatchTerms:
    window = fields.get("completion_window", "24h")
    if not isinstance(window, str):
        raise InvalidRequest("The completion_window must be text.", param="completion_window")
    return BatchTerms(window, read_metadata(fields), key_id=caller.key_id)
