"""Books movements one after the other: checks the limits, numbers the entries, and keeps the accounts' sums."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from domain.account import Account
from domain.caller import Caller, Limits
from domain.movement import Entry, Movement

type Accounts = Mapping[str | None, Account]
"""The tenant's account under None, and those of its keys under their ids."""


class Order(NamedTuple):
    """A movement that somebody wants to be booked.

    Attributes:
        caller: Whose limits it has to keep; None for what is booked in any case, as the end of a video is.
    """

    movement: Movement
    caller: Caller | None = None

    def limits(self) -> Mapping[str | None, Limits]:
        """Which accounts it changes, and what holds for each."""
        held = self.caller.limits() if self.caller else dict[str | None, Limits]()
        return {key_id: held.get(key_id, Limits()) for key_id in dict.fromkeys((None, self.movement.key_id))}


class Booking:
    """A tenant's accounts while movements are booked.

    Args:
        accounts: As they were before.
        now: The present time, UTC.
    """

    def __init__(self, accounts: Accounts, now: datetime) -> None:
        self.accounts = dict(accounts)
        self._now = now
        self._day = max(now.date().isoformat(), accounts[None].day)  # clocks differ, but days follow each other

    def book(self, order: Order) -> Entry:
        """Book a movement.

        Raises:
            LimitReached: The caller's limits leave no room for it; nothing was changed.
        """
        limits, now = order.limits(), self._now
        if order.caller:
            self._check(order, limits)
        number = self.accounts[None].number + 1
        entry = Entry.booking(order.movement, number, self._day, now.isoformat())
        for key_id, limit in limits.items():
            asked = self.accounts[key_id].asked(limit, now) if order.caller else self.accounts[key_id]
            self.accounts[key_id] = asked.booked(entry)
        return entry

    def check_rate(self, limits: Mapping[str | None, Limits]) -> None:
        """Refuse what comes too soon, by those of the accounts that are known.

        Raises:
            RateLimited: The minute's requests were made.
        """
        for key_id, limit in limits.items():
            if key_id in self.accounts:
                self.accounts[key_id].check_rate(limit, _whose(key_id), self._now)

    def _check(self, order: Order, limits: Mapping[str | None, Limits]) -> None:
        """Time first: nothing else can allow what comes too soon, so nobody needs to read the accounts again for it."""
        self.check_rate(limits)
        for key_id, limit in limits.items():
            self.accounts[key_id].check_room(order.movement.reserved_usd, limit, _whose(key_id), self._now)


def _whose(key_id: str | None) -> str:
    return "key" if key_id else "tenant"
