"""/admin/audit: what operators did."""

from typing import Annotated

from fastapi import APIRouter, Query

from front_door.audit_wire import AuditAnswer, AuditList
from front_door.services import Services

router = APIRouter(prefix="/audit")


@router.get("")
async def list_changes(
    services: Services,
    subject: Annotated[str | None, Query(description="Only changes of this: an id, or a tenant's name.")] = None,
    tenant: Annotated[str | None, Query(description="Only changes of what is this tenant's.")] = None,
    after: Annotated[str | None, Query(description="The last id of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> AuditList:
    """List every change that an operator made, the newest first."""
    entries = await services.administration.audit.page(after=after, limit=limit + 1, subject=subject, tenant=tenant)
    data = [AuditAnswer.of(entry) for entry in entries[:limit]]
    return AuditList(data=data, last_id=data[-1].id if data else None, has_more=len(entries) > limit)
