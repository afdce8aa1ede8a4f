"""Where one tenant's movements are booked, in the order of their coming.

Those that come while others are being written wait, and are then written together, in one transaction: so one process
books hundreds a second, though each changes the tenant's account. Where several processes book, whoever finds an
account changed reads it again and retries.
"""

import asyncio
from asyncio import Future, Task
from collections import deque
from collections.abc import Sequence
from contextvars import Context
from random import random
from typing import Final, NamedTuple, Protocol

from clients import ledger_rows as rows
from clients.known_accounts import KnownAccounts
from clients.telemetry.metrics import BUDGET_USED
from clients.transactions import Write, WriteLost
from domain.booking import Accounts, Booking, Order
from domain.errors import Busy, LimitReached, RateLimited
from domain.movement import Entry

GROUP: Final = 16
"""So many are booked together: with four rows, an entry and a key's account each, less than a transaction's hundred."""
GROUP_CHARACTERS: Final = 250_000
"""Then they are less than a megabyte, of a transaction's four: to send more at once would hold up the event loop."""
ATTEMPTS: Final = 40
FIRST_PAUSE_S: Final = 0.02
LONGEST_PAUSE_S: Final = 0.5


class Commits(Protocol):
    """Writes rows together."""

    async def commit(self, writes: Sequence[Write]) -> Sequence[str]:
        """Their ETags, or `WriteLost`."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


class _Posting(NamedTuple):
    """What waits to be booked, the rows to be written with it, and who waits for their ETags."""

    order: Order
    writes: Sequence[Write]
    done: Future[Sequence[str]]

    def fail(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)


class _Plan(NamedTuple):
    """What a transaction would do."""

    accounts: Accounts
    booked: Sequence[tuple[_Posting, Entry]]
    refused: Sequence[tuple[_Posting, LimitReached]]

    @property
    def needs_newest(self) -> bool:
        """Whether what ended elsewhere may have made room for what is refused."""
        return any(not isinstance(error, RateLimited) for _, error in self.refused)


class Desk:
    """Books the movements of one tenant.

    Args:
        tenant: Whose.
        accounts: The tenant's.
        transactions: Writes.

    Attributes:
        accounts: The same.
    """

    def __init__(self, tenant: str, accounts: KnownAccounts, transactions: Commits) -> None:
        self.accounts = accounts
        self._tenant = tenant
        self._transactions = transactions
        self._waiting = deque[_Posting]()
        self._work: Task[None] | None = None

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being booked."""
        return self._work is None

    async def book(self, order: Order, writes: Sequence[Write]) -> Sequence[str]:
        """Book a movement together with the rows that it belongs to; see `Ledger.book`."""
        posting = _Posting(order, writes, asyncio.get_running_loop().create_future())
        self._waiting.append(posting)
        self._work = self._work or asyncio.create_task(self._book_all(), context=Context())
        return await posting.done

    async def _book_all(self) -> None:
        group = list[_Posting]()
        try:
            while self._waiting:
                await self._book_group(group := self._next_group())
        finally:  # whoever still waits when this is cancelled, is too
            for posting in (*group, *self._waiting):
                posting.done.cancel()
            self._waiting.clear()
            self._work = None

    async def _book_group(self, group: Sequence[_Posting]) -> None:
        try:
            await self._book(group)
        except Exception as error:  # noqa: BLE001 - it is for those who wait
            self.accounts.forget()  # for they may have been written
            for posting in group:
                posting.fail(error)

    def _next_group(self) -> list[_Posting]:
        """As many as fit, but none that writes a row of another's: a transaction takes each row once."""
        group, taken, characters = list[_Posting](), set[str](), 0
        while self._waiting and len(group) < GROUP:
            writes = self._waiting[0].writes
            keys = {write.row["RowKey"] for write in writes}
            characters += sum(len(value) for write in writes for value in write.row.values() if isinstance(value, str))
            if group and (keys & taken or characters > GROUP_CHARACTERS):
                break
            taken |= keys
            group.append(self._waiting.popleft())
        return group

    async def _book(self, group: Sequence[_Posting]) -> None:
        """Try until everybody has an answer."""
        lost, is_newest = 0, False
        while group := [posting for posting in group if not posting.done.done()]:
            needed = dict.fromkeys(key_id for posting in group for key_id in posting.order.limits())
            is_newest = await self.accounts.read(needed) or is_newest
            plan = self._plan(group, self.accounts.booking(needed))
            self._tell_used(group, plan.accounts)
            if plan.needs_newest and not is_newest:
                self.accounts.forget()
                continue
            for posting, error in plan.refused:
                posting.fail(error)
            if plan.booked and not await self._write(plan):
                lost, is_newest = lost + 1, False
                if lost == ATTEMPTS:
                    raise Busy("Too many videos begin or end at the same time.", retry_after_s=1)
                await asyncio.sleep(random() * min(FIRST_PAUSE_S * 2**lost, LONGEST_PAUSE_S))  # noqa: S311 - no secret

    def _plan(self, group: Sequence[_Posting], booking: Booking) -> _Plan:
        plan = _Plan(booking.accounts, booked := [], refused := [])
        for posting in group:
            try:
                booked.append((posting, booking.book(posting.order)))
            except LimitReached as error:
                refused.append((posting, error))
        return plan

    def _tell_used(self, group: Sequence[_Posting], accounts: Accounts) -> None:
        """Let the metrics say how much of its budget the tenant has used, also where nothing more fits into it."""
        for posting in group:
            used = accounts[None].used_ratio(posting.order.limits()[None], self.accounts.clock())
            if used is not None:
                BUDGET_USED.set(used, tenant=self._tenant)

    async def _write(self, plan: _Plan) -> bool:
        """Write all that is booked.

        Returns:
            Whether the accounts were still the same; a row of somebody's own that was refused is theirs to mend.
        """
        changed = self.accounts.changed(plan.accounts)
        writes = [self.accounts.write(key_id, plan.accounts[key_id]) for key_id in changed]
        writes += [Write(rows.entry_row(self._tenant, entry)) for _, entry in plan.booked]
        shares = _shares(plan, len(writes))
        writes += [write for posting, _ in plan.booked for write in posting.writes]
        try:
            etags = await self._transactions.commit(writes)
        except WriteLost as error:
            for posting, share in shares:
                if error.index in share:
                    posting.fail(WriteLost(error.index - share.start))
                    return True
            self.accounts.forget()
            if error.index >= len(changed):
                await self.accounts.check_number(plan.booked[error.index - len(changed)][1])
            return False
        for key_id, etag in zip(changed, etags, strict=False):
            self.accounts.written(key_id, plan.accounts[key_id], etag)
        for posting, share in shares:
            if not posting.done.done():
                posting.done.set_result(etags[share.start : share.stop])
        return True


def _shares(plan: _Plan, start: int) -> list[tuple[_Posting, range]]:
    """Which writes are whose, when those of the first begin at `start`."""
    shares = list[tuple[_Posting, range]]()
    for posting, _ in plan.booked:
        shares.append((posting, range(start, start + len(posting.writes))))
        start += len(posting.writes)
    return shares
