"""/admin/usage and /admin/ledger: what all tenants used, and whether the books are right."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from domain.account import Account
from domain.errors import NotFound
from domain.usage import Grouping
from front_door.services import FrontDoorServices, Services
from front_door.usage_wire import (
    CSV_TOO,
    DifferenceAnswer,
    UsageAnswer,
    UsageQuery,
    VerificationAnswer,
    usage_answer,
)

router = APIRouter()

OneTenant = Annotated[str | None, Query(description="Only this one's.")]


class AdminUsageQuery(UsageQuery):
    """What to report, and of whom."""

    group_by: str = "tenant"
    tenant: str | None = None


@router.get("/usage", response_model=UsageAnswer, response_model_exclude_none=True, responses=CSV_TOO)
async def usage(
    request: Request, services: Services, query: Annotated[AdminUsageQuery, Query()]
) -> Response | UsageAnswer:
    """Add up what videos cost, by `tenant`, `key`, `model` and `day`, as JSON or CSV."""
    tenants = await _tenants(query.tenant, services)
    return await usage_answer(tenants, query, tuple(Grouping), request, services)


@router.get("/ledger/verify")
async def verify(services: Services, tenant: OneTenant = None) -> VerificationAnswer:
    """Add up the ledger anew, and compare the sums with the accounts that limits are checked against."""
    differences, entries, accounts = list[DifferenceAnswer](), 0, list[Account]()
    tenants = await _tenants(tenant, services)
    for each in tenants:
        recount = await services.ledger.recount(each)
        differences += [DifferenceAnswer.of(each, difference) for difference in recount.differences()]
        entries += recount.entries
        accounts.append(recount.counted)
    return VerificationAnswer(
        agrees=not differences,
        tenants=len(tenants),
        entries=entries,
        in_flight=sum(account.in_flight for account in accounts),
        reserved_usd=sum((account.reserved_usd for account in accounts), start=Account().reserved_usd),
        spent_usd=sum((account.total_usd for account in accounts), start=Account().total_usd),
        differences=differences,
    )


async def _tenants(one: str | None, services: FrontDoorServices) -> list[str]:
    """Those to look at.

    Raises:
        NotFound: Nobody knows such a one: it is neither on record nor configured, and never had anything.
    """
    tenants = [tenant async for tenant in services.videos.tenants()]
    if not one:
        return tenants
    if one in tenants or await services.administration.tenants.find(one) or await services.callers.by_id(one):
        return [one]
    raise NotFound(f"There is no tenant '{one}'.", param="tenant", code="tenant_not_found")
