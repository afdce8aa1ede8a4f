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
    """The sums of the entries that the accounts know; later ones are left out, so it may run at any time.

    Args:
        accounts: As they were read before the first entry.
    """

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._sums = dict.fromkeys(accounts, Account())
        self._missing = list[int]()
        self.entries = 0

    def add(self, entry: Entry) -> None:
        """Count an entry; they come in their order."""
        if entry.number > self._number_of(None):
            return
        self._missing += range(self._sum_of(None).number + 1, entry.number)
        self.entries += 1
        for key_id in {None, entry.key_id}:
            if entry.number <= self._number_of(key_id):
                self._sums[key_id] = self._sum_of(key_id).booked(entry)

    def differences(self) -> Sequence[Difference]:
        """Where they do not agree; nothing if all is well."""
        found = [Difference(None, "entry", str(number), "missing") for number in self._missing]
        for key_id, account in self._accounts.items():
            known, counted = account.model_dump(exclude={"idle_at"}), self._sum_of(key_id).model_dump()
            found += [
                Difference(key_id, name, str(value), str(counted[name]))
                for name, value in known.items()
                if value != counted[name]
            ]
        return found

    @property
    def counted(self) -> Account:
        """What all of the tenant's entries add up to."""
        return self._sum_of(None)

    def _number_of(self, key_id: str | None) -> int:
        return self._accounts[key_id].number if key_id in self._accounts else 0

    def _sum_of(self, key_id: str | None) -> Account:
        return self._sums.get(key_id, Account())
