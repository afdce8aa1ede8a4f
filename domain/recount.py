"""Adds a ledger up anew, to compare the sums with the accounts."""

from collections.abc import Sequence
from typing import NamedTuple

from domain.account import Account
from domain.booking import Accounts
from domain.movement import Entry


class Difference(NamedTuple):
    """Where accounts and ledger do not agree.

    Attributes:
        key_id: Whose account; None for the tenant's.
        what: Which of its sums, or the number of an entry that is missing.
        account: As the account has it.
        ledger: As the entries add up.
    """

    key_id: str | None
    what: str
    account: str
    ledger: str


class Recount:
    """Sums of the entries: up to the last one that an account had when it was read, and of all.

    It may run while others book: an account that is read before the first entry has to be the sum of as many entries,
    and one that is read after the last cannot be older than that, for an entry and its sums are written together.

    Args:
        before: The accounts, as they were read before the first entry.

    Attributes:
        after: The accounts, as they were read after the last entry.
        entries: How many there are.
    """

    def __init__(self, before: Accounts) -> None:
        self._before = self.after = before
        self._sums = dict.fromkeys(before, Account())
        self._all = dict[str | None, Account]()
        self._missing = list[int]()
        self.entries = 0

    def add(self, entry: Entry) -> None:
        """Count an entry; they come in their order."""
        self._missing += range(self.counted.number + 1, entry.number)
        self.entries += 1
        for key_id in {None, entry.key_id}:
            account = self._all.get(key_id, Account()).booked(entry)
            self._all[key_id] = account
            if key_id in self._before and entry.number <= self._before[key_id].number:
                self._sums[key_id] = account

    def differences(self) -> Sequence[Difference]:
        """Where they do not agree; nothing if all is well."""
        found = [Difference(None, "entry", str(number), "missing") for number in self._missing]
        for key_id, account in self._before.items():
            if not self._is_behind(key_id):
                found += _differences(key_id, account, self._sums[key_id])
        for key_id, counted in self._all.items():
            if self._is_behind(key_id):
                found += _differences(key_id, self.after.get(key_id, Account()), counted)
        return found

    @property
    def counted(self) -> Account:
        """What all of the tenant's entries add up to."""
        return self._all.get(None, Account())

    def _is_behind(self, key_id: str | None) -> bool:
        """Whether an account is lost, or older than its entries."""
        return self.after.get(key_id, Account()).number < self._all.get(key_id, Account()).number


def _differences(key_id: str | None, account: Account, counted: Account) -> Sequence[Difference]:
    known, sums = account.model_dump(exclude={"idle_at"}), counted.model_dump()
    return [Difference(key_id, name, str(known[name]), str(sums[name])) for name in known if known[name] != sums[name]]
