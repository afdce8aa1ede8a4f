"""A tenant's accounts as this process last read or wrote them."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol

from azure.core.exceptions import ResourceNotFoundError

from clients import ledger_rows as rows
from clients.table_rows import tenant_partition
from clients.transactions import Write
from domain.account import Account
from domain.booking import Accounts, Booking
from domain.caller import Caller
from domain.movement import Entry
from domain.rate import Rate

_REMEMBERED: Final = 1_000
"""When a tenant has more accounts, they are forgotten; those that are in use are soon read again."""


class Rows(Protocol):
    """Reads a row."""

    def get_entity(self, partition_key: str, row_key: str) -> Awaitable[Any]:
        """The row, or `ResourceNotFoundError`."""
        ...


class _Known(NamedTuple):
    """An account, and the ETag of its row if it has one."""

    account: Account
    etag: str | None


class KnownAccounts:
    """Remembers accounts, until they turn out to be out of date.

    Args:
        tenant: Whose.
        table: Where they are read.
        clock: The present time, UTC.

    Attributes:
        clock: The same.
    """

    def __init__(self, tenant: str, table: Rows, clock: Callable[[], datetime]) -> None:
        self._tenant = tenant
        self._table = table
        self.clock = clock
        self._known = dict[str | None, _Known]()

    def forget(self) -> None:
        """Somebody else may have changed them."""
        self._known.clear()

    async def read(self, key_ids: Collection[str | None]) -> bool:
        """Read those that are not known.

        Returns:
            Whether that was all of them, so that none is out of date.
        """
        if len(self._known) > _REMEMBERED:
            self.forget()
        missing = [key_id for key_id in key_ids if key_id not in self._known]
        found = await asyncio.gather(*(self._read(key_id) for key_id in missing))
        self._known.update(zip(missing, found, strict=True))
        return len(missing) == len(key_ids)

    async def check_number(self, entry: Entry) -> None:
        """Read the tenant's account, and refuse to go on if it does not know of an entry that is in the ledger.

        Raises:
            RuntimeError: Its row is lost, or older than the ledger.
        """
        await self.read([None])
        if (number := self._known[None].account.number) < entry.number:
            raise RuntimeError(
                f"The account of {self._tenant} is lost or out of date: it ends with entry {number}, the ledger has "
                f"entry {entry.number}. /v1/admin/ledger/verify?tenant={self._tenant} shows what it should be."
            )

    def booking(self, key_ids: Iterable[str | None]) -> Booking:
        """To book on these."""
        return Booking({key_id: self._known[key_id].account for key_id in key_ids}, self.clock())

    def changed(self, accounts: Accounts) -> Sequence[str | None]:
        """Which of them are others than they were."""
        return [key_id for key_id, account in accounts.items() if account is not self._known[key_id].account]

    def write(self, key_id: str | None, account: Account) -> Write:
        """What writes an account over the one that is known."""
        row, etag = rows.account_row(self._tenant, key_id, account), self._known[key_id].etag
        return Write(row, "replace", etag) if etag else Write(row)

    def written(self, key_id: str | None, account: Account, etag: str) -> None:
        """It was."""
        self._known[key_id] = _Known(account, etag)

    def check_rate(self, caller: Caller) -> None:
        """Refuse what certainly comes too soon; see `Ledger.check_rate`."""
        limits = caller.limits()
        if None in self._known:
            self.booking(key_id for key_id in limits if key_id in self._known).check_rate(limits)

    def rate(self, caller: Caller) -> Rate | None:
        """How often a caller may still ask, by the tighter of its limits."""
        limits, now = caller.limits(), self.clock()
        rates = [self._known[key_id].account.rate(limits[key_id], now) for key_id in limits if key_id in self._known]
        return min((rate for rate in rates if rate), key=lambda rate: rate.remaining, default=None)

    async def _read(self, key_id: str | None) -> _Known:
        with suppress(ResourceNotFoundError):
            row = await self._table.get_entity(tenant_partition(self._tenant), rows.account_key(key_id))
            return _Known(rows.to_account(row), row.metadata["etag"])
        return _Known(Account(), None)
