"""What operators say of tenants, and what we answer."""

from collections.abc import Mapping, Sequence
from typing import Literal, Self

from pydantic import AwareDatetime, BaseModel

from domain.caller import Allowance, Limits
from domain.tenant import Tenant, TenantName, TenantSettings


class NewTenant(TenantSettings):
    """A tenant to put on record."""

    name: TenantName


class TenantAnswer(BaseModel):
    """A tenant."""

    object: Literal["tenant"] = "tenant"
    name: str
    limits: Limits
    allowance: Allowance
    weight: float | None
    metadata: Mapping[str, str]
    disabled: bool
    created_at: AwareDatetime

    @classmethod
    def of(cls, tenant: Tenant) -> Self:
        """As it is now."""
        return cls(**tenant.model_dump())


class TenantList(BaseModel):
    """One page of tenants; the next begins `after` the last name."""

    object: Literal["list"] = "list"
    data: Sequence[TenantAnswer]
    last_id: str | None
    has_more: bool
