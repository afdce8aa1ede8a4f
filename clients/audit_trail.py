"""What operators did, in Table Storage: rows that are added and never changed."""

from collections.abc import Sequence

from clients.admin_rows import AdminRows, audit_key
from clients.table_rows import just_after
from domain.audit import AUDIT_IDS, AuditEntry
from domain.errors import InvalidRequest


class AuditTrail:
    """Tells what was done.

    Args:
        rows: Where it is kept.
    """

    def __init__(self, rows: AdminRows) -> None:
        self._rows = rows

    async def tell(self, entry: AuditEntry) -> None:
        """Tell of a change that is about to be made to what is kept elsewhere.

        A crash in between leaves an entry without its change, and never a change without its entry.
        """
        await self._rows.tell(entry)

    async def newest_change(self) -> str | None:
        """The entry that was made by the last change of a key or tenant; None while there was none."""
        return await self._rows.newest_change()

    async def page(
        self, *, after: str | None, limit: int, subject: str | None, tenant: str | None
    ) -> Sequence[AuditEntry]:
        """Entries, the newest first.

        Args:
            after: The last id of the page before.
            limit: At most so many.
            subject: Of what; None for all.
            tenant: Of whose; None for everybody's.

        Raises:
            InvalidRequest: `after` is no id of an entry.
        """
        if after and not AUDIT_IDS.has(after):
            raise InvalidRequest(f"'{after}' is no id of an entry.", param="after")
        span = (just_after(audit_key(after)) if after else "audit-", "audit-~")
        return await self._rows.page(span, AuditEntry, limit=limit, also={"subject": subject, "tenant": tenant})
