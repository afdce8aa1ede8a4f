"""What is on record of tenants, in Table Storage; one without a record may exist all the same."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from clients.admin_rows import AdminRows, Note, Row, row_of
from domain.audit import AuditEntry
from domain.errors import NotFound, RequestConflict
from domain.tenant import Tenant, is_tenant_name

_TENANTS: Final = ("tenant-", "tenant-~")
_BEFORE_ANY_LETTER: Final = "!"


class TenantRecords:
    """Keeps them.

    Args:
        rows: Where.
    """

    def __init__(self, rows: AdminRows) -> None:
        self._rows = rows

    async def find(self, name: str) -> Tenant | None:
        """The record of a tenant, if there is one."""
        return await self._rows.read(_row(name), Tenant) if is_tenant_name(name) else None

    async def get(self, name: str) -> Tenant:
        """The record of a tenant.

        Raises:
            NotFound: There is none.
        """
        if found := await self.find(name):
            return found
        raise _missing(name)

    async def is_any(self) -> bool:
        """Whether any tenant is on record."""
        return await self._rows.is_any(_TENANTS)

    async def page(self, *, after: str | None, limit: int) -> Sequence[Tenant]:
        """Records by name.

        Args:
            after: The last name of the page before.
            limit: At most so many.
        """
        start = f"{_row(after)}{_BEFORE_ANY_LETTER}" if after else _TENANTS[0]
        return await self._rows.page((start, _TENANTS[1]), Tenant, limit=limit, also={})

    async def insert(self, tenant: Tenant, entry: AuditEntry) -> None:
        """Add one, and tell the audit.

        Raises:
            RequestConflict: There is one.
        """
        if await self._rows.commit(entry, ("create", _tenant_row(tenant))):
            return
        if await self.find(tenant.name) != tenant:  # else the transport repeated a transaction that had worked
            message = f"There is a record of the tenant '{tenant.name}' already: change it with PATCH."
            raise RequestConflict(message, param="name", code="tenant_exists")

    async def ensure(self, tenant: Tenant, entry: AuditEntry) -> None:
        """Add one and tell the audit, unless there is one."""
        with suppress(RequestConflict):
            await self.insert(tenant, entry)

    async def amend(self, name: str, change: Callable[[Tenant], Tenant], note: Note[Tenant]) -> Tenant:
        """Change one as if nobody else did at the same time, and tell the audit.

        Raises:
            NotFound: There is none.
        """
        amended = (
            await self._rows.amend(_row(name), Tenant, change, note, lambda _, after: (_tenant_row(after), ()))
            if is_tenant_name(name)
            else None
        )
        if amended is None:
            raise _missing(name)
        return amended


def _row(name: str) -> str:
    return f"{_TENANTS[0]}{name}"


def _tenant_row(tenant: Tenant) -> Row:
    return row_of(_row(tenant.name), tenant)


def _missing(name: str) -> NotFound:
    return NotFound(f"There is no record of a tenant '{name}'.", param="tenant", code="tenant_not_found")
