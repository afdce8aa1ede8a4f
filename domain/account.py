"""What somebody has set aside, spent and in flight, and what their limits leave: a tenant's account, or a key's."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Self

from pydantic import BaseModel, ConfigDict

from domain.caller import Limits, Period
from domain.errors import BudgetExceeded, RateLimited, TooManyInFlight
from domain.movement import NOTHING, Entry
from domain.rate import Rate

MINUTE = timedelta(minutes=1)
IN_FLIGHT_RETRY_AFTER_S = 10.0
"""A render takes a minute or so, and nobody knows whose ends next."""


class Account(BaseModel):
    """The sums of a ledger, or of one key's entries in it.

    Attributes:
        number: The last entry that is in the sums.
        day: The day of that entry, ISO 8601.
        reserved_usd: Set aside for what is in flight.
        day_usd: Spent on that day.
        month_usd: Spent in the month of that day.
        total_usd: Spent since ever.
        in_flight: Videos that have not ended.
        idle_at: When a minute's requests may come at once again: the theoretical arrival time of GCRA.
    """

    model_config = ConfigDict(frozen=True)
    number: int = 0
    day: str = ""
    reserved_usd: Decimal = NOTHING
    day_usd: Decimal = NOTHING
    month_usd: Decimal = NOTHING
    total_usd: Decimal = NOTHING
    in_flight: int = 0
    idle_at: datetime | None = None

    def on(self, day: str) -> Self:
        """As it is on a later day: what was spent in a period that is over no longer counts."""
        if day <= self.day:
            return self
        month_usd = self.month_usd if day[:7] == self.day[:7] else NOTHING
        return self.model_copy(update={"day": day, "day_usd": NOTHING, "month_usd": month_usd})

    def booked(self, entry: Entry) -> Self:
        """With one more entry."""
        before = self.on(entry.day)
        spent_usd = entry.spent_usd
        return before.model_copy(
            update={
                "number": entry.number,
                "reserved_usd": before.reserved_usd + entry.reserved_usd,
                "day_usd": before.day_usd + spent_usd,
                "month_usd": before.month_usd + spent_usd,
                "total_usd": before.total_usd + spent_usd,
                "in_flight": before.in_flight + entry.in_flight,
            }
        )

    def asked(self, limits: Limits, now: datetime) -> Self:
        """With one more request in this minute."""
        if limits.requests_per_minute is None:
            return self
        idle_at = max(self.idle_at or now, now) + _interval(limits.requests_per_minute)
        return self.model_copy(update={"idle_at": idle_at})

    def check_rate(self, limits: Limits, whose: str, now: datetime) -> None:
        """Refuse a request that comes too soon. Nothing but time can allow it.

        Raises:
            RateLimited: The minute's requests were made.
        """
        rate = self.rate(limits, now)
        if rate and rate.remaining < 1:
            too_soon_s = rate.reset_s + (_interval(rate.limit) - MINUTE).total_seconds()
            message = f"The {whose} may ask for {rate.limit} videos a minute. Ask again in {too_soon_s:.1f} s."
            raise RateLimited(message, rate=rate, retry_after_s=too_soon_s)

    def check_room(self, price_usd: Decimal, limits: Limits, whose: str, now: datetime) -> None:
        """Refuse a video for which there is no room or no money; what ends may allow it.

        Args:
            price_usd: What it may cost at most.
            limits: What holds.
            whose: `tenant` or `key`.
            now: The present time, UTC.

        Raises:
            TooManyInFlight: Others have to end first.
            BudgetExceeded: A budget does not have so much left.
        """
        most = limits.max_in_flight
        if most is not None and self.in_flight >= most:
            message = f"The {whose} may have {most} videos in flight, and has {self.in_flight}. Wait until one ends."
            raise TooManyInFlight(message, retry_after_s=IN_FLIGHT_RETRY_AFTER_S)
        for period, budget_usd in limits.budget_usd.items():
            left_usd = self.left_usd(period, budget_usd, now)
            if price_usd > max(left_usd, NOTHING):
                raise BudgetExceeded(
                    f"The video may cost {price_usd} USD, and the {whose} has {max(left_usd, NOTHING)} USD left of "
                    f"{budget_usd} USD ({_PERIODS[period]}). {_reset(period, now)}"
                )

    def left_usd(self, period: Period, budget_usd: Decimal, now: datetime) -> Decimal:
        """What a budget leaves; less than nothing if renders cost more than was set aside, or the budget was cut."""
        account = self.on(now.date().isoformat())
        spent_usd = {
            Period.DAY: account.day_usd,
            Period.MONTH: account.month_usd,
            Period.TOTAL: account.total_usd,
        }[period]
        return budget_usd - spent_usd - account.reserved_usd

    def used_ratio(self, limits: Limits, now: datetime) -> float | None:
        """How much of its tightest budget is spent or set aside, 1 being all; None if it has none."""
        used = [
            float(1 - self.left_usd(period, budget_usd, now) / budget_usd)
            for period, budget_usd in limits.budget_usd.items()
            if budget_usd
        ]
        return max(used, default=None)

    def rate(self, limits: Limits, now: datetime) -> Rate | None:
        """How often requests may still come; None if that is not limited."""
        limit = limits.requests_per_minute
        if limit is None:
            return None
        reset = max((self.idle_at or now) - now, timedelta())
        remaining = (MINUTE - reset) // _interval(limit)
        return Rate(limit, min(max(remaining, 0), limit), reset.total_seconds())


_PERIODS = {Period.DAY: "a day", Period.MONTH: "a month", Period.TOTAL: "in all"}


def _reset(period: Period, now: datetime) -> str:
    if period is Period.TOTAL:
        return "It is not renewed by itself."
    day = now.date() + timedelta(days=1) if period is Period.DAY else _next_month(now.date())
    return f"It is renewed at {datetime.combine(day, time(tzinfo=UTC)).isoformat()}."


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _interval(limit: int) -> timedelta:
    """How long it takes until one more request is allowed: whole microseconds, so that a minute's add up to no more."""
    return max(MINUTE // limit, timedelta.resolution)
