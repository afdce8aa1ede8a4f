"""What was used, as callers and operators ask for it and read it."""

import csv
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO
from typing import Annotated, Any, Literal

from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict

from domain.errors import InvalidRequest
from domain.recount import Difference
from domain.usage import Grouping, Tally, UsageReport
from front_door.services import FrontDoorServices

MOST_DAYS = 366
CSV = "text/csv"
CSV_TOO: dict[int | str, dict[str, Any]] = {200: {"content": {CSV: {}}}}


class UsageQuery(BaseModel):
    """What to report.

    Attributes:
        group_by: Names, with commas between them.
        first: The first day; that of this month if it is not given.
        last: The last day; today if it is not given.
    """

    model_config = ConfigDict(populate_by_name=True)
    group_by: str = "model"
    first: Annotated[date | None, Query(alias="from")] = None
    last: Annotated[date | None, Query(alias="to")] = None
    format: Literal["json", "csv"] | None = None

    def span(self, now: datetime) -> tuple[date, date]:
        """The first and the last day.

        Raises:
            InvalidRequest: They are the wrong way round, or too far apart.
        """
        last = self.last or now.astimezone(UTC).date()
        first = self.first or last.replace(day=1)
        if not 0 <= (last - first).days < MOST_DAYS:
            raise InvalidRequest(f"From {first} to {last} are not 1 to {MOST_DAYS} days.", param="from")
        return first, last

    def groupings(self, allowed: Sequence[Grouping]) -> Sequence[Grouping]:
        """By what to add up.

        Raises:
            InvalidRequest: There is no such grouping.
        """
        names = list(dict.fromkeys(name.strip() for name in self.group_by.split(",") if name.strip()))
        known = {grouping.value: grouping for grouping in allowed}
        unknown = [name for name in names if name not in known]
        if unknown:
            raise InvalidRequest(
                f"There is no grouping '{unknown[0][:40]}'. Allowed: {', '.join(known)}.", param="group_by"
            )
        return [known[name] for name in names]


class TallyAnswer(BaseModel):
    """Sums; money is text, exact, in USD."""

    requested: int
    paid: int
    unpaid: int
    seconds: int
    cost_usd: Decimal

    @classmethod
    def of(cls, tally: Tally) -> "TallyAnswer":
        """As they add up."""
        return cls(**tally._asdict())


class Group(BaseModel):
    """What is added up, by what it is grouped by; a key of the configuration has no id."""

    tenant: str | None = None
    key: str | None = None
    model: str | None = None
    day: date | None = None


class UsageLine(TallyAnswer, Group):
    """The sums of one group."""


class UsageAnswer(BaseModel):
    """A report, with one line for each group."""

    object: Literal["usage"] = "usage"
    first: date
    last: date
    data: Sequence[UsageLine]
    total: TallyAnswer


class DifferenceAnswer(BaseModel):
    """Where accounts and ledger do not agree."""

    tenant: str
    key_id: str | None
    what: str
    account: str
    ledger: str

    @classmethod
    def of(cls, tenant: str, difference: Difference) -> "DifferenceAnswer":
        """As it was found."""
        return cls(tenant=tenant, **difference._asdict())


class VerificationAnswer(BaseModel):
    """Whether the accounts are what the ledger adds up to."""

    object: Literal["ledger.verification"] = "ledger.verification"
    agrees: bool
    tenants: int
    entries: int
    in_flight: int
    reserved_usd: Decimal
    spent_usd: Decimal
    differences: Sequence[DifferenceAnswer]


async def usage_answer(
    tenants: Sequence[str],
    query: UsageQuery,
    allowed: Sequence[Grouping],
    request: Request,
    services: FrontDoorServices,
) -> Response | UsageAnswer:
    """Add up what some tenants used, and answer as JSON or CSV."""
    first, last = query.span(services.clock())
    report = UsageReport(query.groupings(allowed))
    for tenant in tenants:
        async for entry in services.ledger.entries(tenant, first, last):
            report.add(tenant, entry)
    if (query.format or _accepted(request)) == "csv":
        return Response(_as_csv(report), media_type=CSV)
    data = [UsageLine.model_validate(line) for line in report.lines()]
    return UsageAnswer(first=first, last=last, data=data, total=TallyAnswer.of(report.total))


def _accepted(request: Request) -> Literal["json", "csv"]:
    return "csv" if request.headers.get("accept", "").startswith(CSV) else "json"


def _as_csv(report: UsageReport) -> str:
    text = StringIO()
    columns: list[str] = [*report.groupings, *Tally._fields]
    writer = csv.DictWriter[str](text, columns, lineterminator="\r\n")
    writer.writeheader()
    lines: Sequence[Mapping[str, object]] = report.lines()
    writer.writerows(lines)
    return text.getvalue()
