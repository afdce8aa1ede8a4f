"""/usage: what the caller's tenant used."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from domain.usage import Grouping
from front_door.services import Services, Tenant
from front_door.usage_wire import CSV_TOO, UsageAnswer, UsageQuery, usage_answer

router = APIRouter(prefix="/usage", tags=["usage"])

OWN = (Grouping.KEY, Grouping.MODEL, Grouping.DAY)


@router.get("", response_model=UsageAnswer, response_model_exclude_none=True, responses=CSV_TOO)
async def usage(
    request: Request, tenant: Tenant, services: Services, query: Annotated[UsageQuery, Query()]
) -> Response | UsageAnswer:
    """Add up what your videos cost, by `key`, `model` and `day`, as JSON or CSV."""
    return await usage_answer([tenant], query, OWN, request, services)
