"""What operators keep and look after."""

from dataclasses import dataclass
from typing import Self

from azure.data.tables.aio import TableClient

from clients.admin_rows import AdminRows
from clients.api_keys import ApiKeys
from clients.audit_trail import AuditTrail
from clients.tenant_records import TenantRecords


@dataclass(frozen=True)
class Administration:
    """Keys, tenants, and what was done to them.

    Attributes:
        keys: Callers' keys.
        tenants: What is on record of tenants.
        audit: What was done.
    """

    keys: ApiKeys
    tenants: TenantRecords
    audit: AuditTrail

    @classmethod
    def on(cls, table: TableClient) -> Self:
        """Kept in a table; its credential needs data access."""
        rows = AdminRows(table)
        return cls(ApiKeys(rows), TenantRecords(rows), AuditTrail(rows))
