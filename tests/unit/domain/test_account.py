"""What limits leave is exact: in money, in time and in number."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.account import Account
from domain.booking import Booking, Order
from domain.caller import Caller, Limits
from domain.errors import BudgetExceeded, RateLimited, TooManyInFlight
from domain.movement import Movement
from domain.recount import Recount
from tests.unit.examples import NOW, TENANT, a_video, an_id, usd

MINUTE = timedelta(minutes=1)


def asked_for(number: int, price: str = "0.40", key_id: str | None = None) -> Movement:
    return Movement.accepting(a_video(video_id=an_id(number), reserved_usd=usd(price), key_id=key_id))


def caller(**limits: Any) -> Caller:
    return Caller(tenant=TENANT, tenant_limits=Limits.model_validate(limits))


@given(st.integers(1, 200), st.lists(st.integers(0, 30_000), max_size=80))
def test_no_more_are_admitted_than_the_minutes_refill_after_a_first_one_at_once(limit: int, pauses_ms: list[int]):
    limits, account, now, admitted = Limits(requests_per_minute=limit), Account(), NOW, 0
    for pause_ms in [0] * (limit + 1) + pauses_ms:
        now += timedelta(milliseconds=pause_ms)
        try:
            account.check_rate(limits, "key", now)
        except RateLimited as refused:
            later = now + timedelta(seconds=refused.retry_after_s + 0.001)
            account.check_rate(limits, "key", later)  # who comes back when he was told is not refused again
            continue
        account, admitted = account.asked(limits, now), admitted + 1
    assert limit <= admitted <= limit + (now - NOW) / MINUTE * limit + 1


def test_what_is_left_is_told_as_it_comes_back():
    limits, account = Limits(requests_per_minute=3), Account()
    left = list[tuple[int, float]]()
    for _ in range(3):
        account = account.asked(limits, NOW)
        rate = account.rate(limits, NOW)
        assert rate is not None
        left.append((rate.remaining, rate.reset_s))
    assert left == [(2, 20), (1, 40), (0, 60)]
    rate = account.rate(limits, NOW + timedelta(seconds=20))
    assert rate is not None
    assert (rate.remaining, rate.reset_s) == (1, 40)


@given(st.lists(st.decimals("0.000001", "9.999999", places=6), min_size=1, max_size=30), st.decimals(0, 50, places=6))
def test_a_budget_is_never_overshot_by_a_millionth(prices: list[Any], budget: Any):
    booking = Booking({None: Account()}, NOW)
    for number, price in enumerate(prices):
        left = budget - booking.accounts[None].reserved_usd
        try:
            booking.book(Order(asked_for(number, str(price)), caller(budget_usd={"total": budget})))
        except BudgetExceeded:
            assert price > left
        else:
            assert price <= left


def test_what_costs_nothing_needs_no_budget():
    Booking({None: Account()}, NOW).book(Order(asked_for(1, "0"), caller(budget_usd={"total": "0"})))


def test_the_key_and_the_tenant_are_both_asked():
    both = Caller(
        tenant=TENANT, key_id="key_1", key_limits=Limits(max_in_flight=5), tenant_limits=Limits(max_in_flight=1)
    )
    booking = Booking({None: Account(), "key_1": Account()}, NOW)
    booking.book(Order(asked_for(1, key_id="key_1"), both))
    with pytest.raises(TooManyInFlight, match="The tenant may have 1 videos in flight, and has 1"):
        booking.book(Order(asked_for(2, key_id="key_1"), both))
    assert [account.in_flight for account in booking.accounts.values()] == [1, 1]


def test_a_clock_that_is_behind_books_on_the_day_that_has_begun():
    tomorrow = Booking({None: Account()}, NOW + timedelta(days=1))
    first = tomorrow.book(Order(asked_for(1)))
    second = Booking(tomorrow.accounts, NOW).book(Order(asked_for(2)))
    assert (first.number, second.number) == (1, 2)
    assert first.day == second.day == (NOW.date() + timedelta(days=1)).isoformat()


def test_what_came_after_the_accounts_were_read_is_no_difference():
    booking = Booking({None: Account(), "key_1": Account()}, NOW)
    entries = [booking.book(Order(asked_for(1))), booking.book(Order(asked_for(2, key_id="key_1")))]
    recount = Recount(dict(booking.accounts))
    entries.append(booking.book(Order(asked_for(3, key_id="key_1"))))
    for entry in entries:
        recount.add(entry)
    recount.after = booking.accounts
    assert (recount.differences(), recount.entries) == ([], 3)
