"""/admin/tenants: how much all keys of a tenant may ask for together, and whether they may at all."""

from typing import Annotated

from fastapi import APIRouter, Query

from domain.tenant import Tenant, TenantSettings
from front_door.admin_fields import Patch, bounded, patched
from front_door.scribe import FromOperator
from front_door.services import Services
from front_door.tenant_wire import NewTenant, TenantAnswer, TenantList

router = APIRouter(prefix="/tenants")


@router.post("")
async def create(fields: NewTenant, services: Services, scribe: FromOperator) -> TenantAnswer:
    """Put a tenant on record; with its first key, it would be so by itself."""
    tenant = Tenant(**dict(bounded(fields)), created_at=services.clock())
    await services.administration.tenants.insert(tenant, scribe.entry("tenant.create", tenant.name, after=tenant))
    return TenantAnswer.of(tenant)


@router.get("")
async def list_tenants(
    services: Services,
    after: Annotated[str | None, Query(description="The last name of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> TenantList:
    """List the tenants that are on record, by name."""
    tenants = await services.administration.tenants.page(after=after, limit=limit + 1)
    data = [TenantAnswer.of(tenant) for tenant in tenants[:limit]]
    return TenantList(data=data, last_id=data[-1].name if data else None, has_more=len(tenants) > limit)


@router.get("/{name}")
async def retrieve(name: str, services: Services) -> TenantAnswer:
    """Read what is on record of a tenant."""
    return TenantAnswer.of(await services.administration.tenants.get(name))


@router.patch("/{name}")
async def change(name: str, patch: Patch, services: Services, scribe: FromOperator) -> TenantAnswer:
    """Change a tenant; everywhere within ten seconds. One that is disabled can ask for nothing more."""
    amended = await services.administration.tenants.amend(
        name,
        lambda kept: kept.with_settings(patched(kept, patch, TenantSettings)),
        lambda before, after: scribe.entry("tenant.change", name, before=before, after=after),
    )
    return TenantAnswer.of(amended)
