"""What was used: a ledger's entries, added up by whatever somebody wants to know."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from domain.errors import InvalidRequest
from domain.movement import NOTHING, Entry, MovementKind

MOST_LINES: Final = 10_000
"""A report is held in memory."""


class Grouping(StrEnum):
    """By what entries are added up."""

    TENANT = "tenant"
    KEY = "key"
    MODEL = "model"
    DAY = "day"


class Tally(NamedTuple):
    """Sums of some entries.

    Attributes:
        requested: Videos that were accepted.
        paid: Videos that cost something, at their end or found out later.
        unpaid: Videos that ended and cost nothing, as far as was known at their end.
        seconds: What was asked for of those that are paid; the cost is that of what was rendered.
        cost_usd: What it cost.
    """

    requested: int = 0
    paid: int = 0
    unpaid: int = 0
    seconds: int = 0
    cost_usd: Decimal = NOTHING

    def with_entry(self, entry: Entry) -> "Tally":
        """With one more."""
        is_paid = entry.kind in {MovementKind.SETTLE, MovementKind.CORRECT}
        return Tally(
            self.requested + (entry.kind is MovementKind.RESERVE),
            self.paid + is_paid,
            self.unpaid + (entry.kind is MovementKind.RELEASE),
            self.seconds + (entry.seconds if is_paid else 0),
            self.cost_usd + entry.spent_usd,
        )


class UsageReport:
    """Entries, added up.

    Args:
        groupings: By what; in this order it is sorted, too.
    """

    def __init__(self, groupings: Sequence[Grouping]) -> None:
        self.groupings = tuple(groupings)
        self.total = Tally()
        self._lines = dict[tuple[str, ...], Tally]()

    def add(self, tenant: str, entry: Entry) -> None:
        """Count an entry.

        Raises:
            InvalidRequest: The report would become too long.
        """
        of = {
            Grouping.TENANT: tenant,
            Grouping.KEY: entry.key_id or "",
            Grouping.MODEL: entry.model,
            Grouping.DAY: entry.day,
        }
        group = tuple(of[grouping] for grouping in self.groupings)
        self._lines[group] = self._lines.get(group, Tally()).with_entry(entry)
        self.total = self.total.with_entry(entry)
        if len(self._lines) > MOST_LINES:
            message = f"The report has more than {MOST_LINES} lines. Ask for fewer days, or group by less."
            raise InvalidRequest(message, param="group_by")

    def lines(self) -> Sequence[Mapping[str, object]]:
        """One line for each group, sorted."""
        names = [grouping.value for grouping in self.groupings]
        return [dict(zip(names, group, strict=True)) | tally._asdict() for group, tally in sorted(self._lines.items())]
