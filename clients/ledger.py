"""The ledgers: what every tenant has set aside and spent, and why."""

from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import date, datetime
from itertools import islice
from typing import Final

from azure.data.tables.aio import TableClient

from clients import ledger_rows as rows
from clients.known_accounts import KnownAccounts
from clients.ledger_desk import Commits, Desk
from clients.table_rows import just_after, rows_between, tenant_partition
from clients.transactions import Write
from domain.booking import Accounts, Order
from domain.caller import Caller
from domain.movement import Entry
from domain.rate import Rate
from domain.recount import Recount

_DESKS: Final = 1_000
"""Of so many tenants the accounts are remembered."""


class Ledger:
    """Books movements, and tells what was booked.

    Args:
        table: Where it is kept.
        transactions: Writes to that table.
        clock: The present time, UTC.
    """

    def __init__(self, table: TableClient, transactions: Commits, clock: Callable[[], datetime]) -> None:
        self._table = table
        self._transactions = transactions
        self._clock = clock
        self._desks = OrderedDict[str, Desk]()

    async def book(self, tenant: str, order: Order, writes: Sequence[Write]) -> Sequence[str]:
        """Book a movement together with the rows that it belongs to: all of that is written, or nothing.

        Args:
            tenant: Whose.
            order: What to book.
            writes: The rows, at most four.

        Returns:
            The new ETags of these rows.

        Raises:
            LimitReached: The caller's limits leave no room for it.
            WriteLost: One of these rows was refused.
            Busy: Too many others book at the same time.
        """
        return await self._desk(tenant).book(order, writes)

    def check_rate(self, caller: Caller) -> None:
        """Refuse at once what certainly comes too soon: only time can allow it, whatever others do meanwhile.

        Raises:
            RateLimited: The minute's requests were made.
        """
        if desk := self._desks.get(caller.tenant):
            desk.accounts.check_rate(caller)

    def rate(self, caller: Caller) -> Rate | None:
        """How often a caller may still ask, as far as this process knows; None if that is not limited."""
        desk = self._desks.get(caller.tenant)
        return desk.accounts.rate(caller) if desk else None

    async def accounts(self, tenant: str) -> Accounts:
        """A tenant's account and those of its keys."""
        found = rows_between(self._table, tenant_partition(tenant), rows.ACCOUNTS)
        return {rows.key_id_of(row["RowKey"]): rows.to_account(row) async for row in found}

    async def entries(self, tenant: str, first: date | None = None, last: date | None = None) -> AsyncIterator[Entry]:
        """A tenant's entries in their order.

        Args:
            tenant: Whose.
            first: The first day; None for the first there is.
            last: The last day; None for the last there is.
        """
        start = rows.day_key(first.isoformat()) if first else rows.ENTRIES[0]
        end = just_after(rows.day_key(last.isoformat())) if last else rows.ENTRIES[1]
        async for row in rows_between(self._table, tenant_partition(tenant), (start, end)):
            yield rows.to_entry(row)

    async def recount(self, tenant: str) -> Recount:
        """Add all of a tenant's entries up, also while others book."""
        recount = Recount(await self.accounts(tenant))
        async for entry in self.entries(tenant):
            recount.add(entry)
        recount.after = await self.accounts(tenant)
        return recount

    async def close(self) -> None:
        """Close the connections that it writes by."""
        await self._transactions.close()

    def _desk(self, tenant: str) -> Desk:
        desk = self._desks.get(tenant)
        if desk is None:
            accounts = KnownAccounts(tenant, self._table, self._clock)
            desk = self._desks[tenant] = Desk(tenant, accounts, self._transactions)
            self._forget_idle()
        self._desks.move_to_end(tenant)
        return desk

    def _forget_idle(self) -> None:
        for tenant in [*islice(self._desks, max(len(self._desks) - _DESKS, 0))]:
            if self._desks[tenant].is_idle:
                del self._desks[tenant]
