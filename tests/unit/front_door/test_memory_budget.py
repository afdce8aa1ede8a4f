"""Never more is lent than there is; whoever waits gets its turn, or is told to come back."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Busy
from front_door.memory_budget import MemoryBudget

TOTAL = 100


@given(st.lists(st.integers(1, TOTAL), min_size=1, max_size=20))
async def test_never_more_is_lent_than_there_is_and_everybody_gets_a_turn(sizes: list[int]):
    budget, lent, highest, served = MemoryBudget(TOTAL), 0, 0, 0

    async def borrow(size: int) -> None:
        nonlocal lent, highest, served
        async with budget.borrow(size):
            lent += size
            highest = max(highest, lent)
            await asyncio.sleep(0)
            lent -= size
            served += 1

    await asyncio.gather(*(borrow(size) for size in sizes))
    assert highest <= TOTAL
    assert served == len(sizes)


async def test_a_borrower_waits_until_enough_came_back():
    budget, order = MemoryBudget(TOTAL), list[str]()

    async def second() -> None:
        async with budget.borrow(1):
            order.append("second borrowed")

    async with budget.borrow(TOTAL):
        waiting = asyncio.create_task(second())
        await asyncio.sleep(0)
        order.append("first gives back")
    await waiting
    assert order == ["first gives back", "second borrowed"]


async def test_whoever_waited_too_long_is_told_to_come_back():
    budget = MemoryBudget(TOTAL, patience_s=0.001)
    async with budget.borrow(TOTAL):
        with pytest.raises(Busy) as busy:
            async with budget.borrow(1):
                pass
    assert "retry-after" in busy.value.headers()
    async with budget.borrow(TOTAL):
        pass


async def test_what_was_lent_comes_back_from_a_request_that_failed():
    budget = MemoryBudget(TOTAL, patience_s=0.001)
    with pytest.raises(ConnectionError):
        async with budget.borrow(TOTAL):
            raise ConnectionError
    async with budget.borrow(TOTAL):
        pass


async def test_a_borrower_that_gave_up_takes_nothing_along():
    budget = MemoryBudget(TOTAL, patience_s=60)
    async with budget.borrow(TOTAL):
        waiting = asyncio.create_task(budget.borrow(TOTAL).__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    async with budget.borrow(TOTAL):
        pass
