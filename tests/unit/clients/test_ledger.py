"""No movement is lost or doubled, and no budget overshot, whoever books at the same time and whatever fails."""

import asyncio
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, cast

import pytest
from azure.core.exceptions import HttpResponseError
from hypothesis import given
from hypothesis import strategies as st

from clients.idempotency import AlreadyAccepted, Idempotency
from clients.ledger import Ledger
from clients.video_table import VideoTable
from domain.caller import Caller, Limits, Period
from domain.errors import BudgetExceeded, Busy, PerhapsDone, RateLimited, TooManyInFlight
from domain.failures import Failure
from domain.video import Variant, Video
from tests.unit.examples import NOW, TENANT, a_stored_content, a_video, an_id, usd
from tests.unit.fakes import FakeClock
from tests.unit.ledger_store import Fault, LedgerStore

PRICE = usd("0.40")
TENANT_ACCOUNT = ("tenant-acme", "u")
FAILURE = Failure(code="render_failed", message="No.")


class Process:
    """One that accepts and ends videos."""

    def __init__(self, store: LedgerStore, clock: FakeClock) -> None:
        self.ledger = store.ledger(clock)
        self.videos = VideoTable(store.as_client(), self.ledger)
        self.videos._tenants.remember = _nothing  # another partition's affair
        self.clock = clock

    async def accept(self, video: Video, **how: Any) -> None:
        await self.videos.insert(video, alarm_at=NOW, **how)

    async def end(self, video: Video, *, well: bool = True) -> Video:
        def ended(kept: Video) -> Video:
            if kept.has_ended:
                return kept
            rendering = kept.submitting("east", NOW, usd_per_second=usd("0.10")).in_progress("job", NOW)
            if not well:
                return rendering.failed(FAILURE, NOW)
            return rendering.copying(NOW, rendered_s=4).copied({Variant.VIDEO: a_stored_content()}).completed(NOW)

        return await self.videos.amend(video.ref, ended)


async def _nothing(_: str) -> None:
    pass


def videos(count: int, **fields: Any) -> list[Video]:
    return [a_video(video_id=an_id(number), reserved_usd=PRICE, **fields) for number in range(count)]


def caller(*, key: Limits | None = None, **limits: Any) -> Caller:
    tenant_limits = Limits.model_validate(limits)
    return Caller(tenant=TENANT, key_id="key_1", tenant_limits=tenant_limits, key_limits=key or Limits())


async def agree(ledger: Ledger) -> None:
    assert (await ledger.recount(TENANT)).differences() == []


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store() -> LedgerStore:
    return LedgerStore()


@pytest.fixture
def process(store: LedgerStore, clock: FakeClock) -> Process:
    return Process(store, clock)


async def outcomes(*work: Any) -> Counter[str]:
    return Counter(type(each).__name__ for each in await asyncio.gather(*work, return_exceptions=True))


@pytest.mark.parametrize("processes", [1, 3])
async def test_exactly_as_many_are_accepted_as_the_budget_pays(store: LedgerStore, clock: FakeClock, processes: int):
    asking = [Process(store, clock) for _ in range(processes)]
    rich = caller(budget_usd={Period.TOTAL: 37 * PRICE})
    work = [asking[number % processes].accept(video, caller=rich) for number, video in enumerate(videos(200))]
    assert await outcomes(*work) == {"NoneType": 37, "BudgetExceeded": 163}
    account = (await asking[0].ledger.accounts(TENANT))[None]
    assert (account.reserved_usd, account.in_flight, account.number) == (37 * PRICE, 37, 37)
    assert len([key for _, key in store.rows if key.startswith("v")]) == 37
    await agree(asking[0].ledger)


async def test_those_who_come_together_are_written_together(process: Process, store: LedgerStore):
    assert await outcomes(*(process.accept(video) for video in videos(49))) == {"NoneType": 49}
    assert store.commits == 4
    assert store.reads == 1


async def test_money_goes_from_set_aside_to_spent(process: Process):
    paid, free = videos(2, key_id="key_1")
    for video in (paid, free):
        await process.accept(video, caller=caller())
    await process.end(paid)
    await process.end(free, well=False)
    for key_id in (None, "key_1"):
        account = (await process.ledger.accounts(TENANT))[key_id]
        assert (account.reserved_usd, account.in_flight, account.total_usd) == (0, 0, PRICE)
    kinds = [entry.kind async for entry in process.ledger.entries(TENANT)]
    assert kinds == ["reserve", "reserve", "settle", "release"]
    await agree(process.ledger)


async def test_what_ended_elsewhere_makes_room(store: LedgerStore, clock: FakeClock):
    here, there = Process(store, clock), Process(store, clock)
    first, second = videos(2)
    poor = caller(max_in_flight=1)
    await here.accept(first, caller=poor)
    with pytest.raises(TooManyInFlight):
        await here.accept(second, caller=poor)
    await there.end(first)
    await here.accept(second, caller=poor)


async def test_a_refusal_writes_nothing(process: Process, store: LedgerStore):
    with pytest.raises(BudgetExceeded):
        await process.accept(videos(1)[0], caller=caller(budget_usd={"day": "0.39"}))
    assert store.rows == {}


async def test_what_comes_too_soon_is_refused_without_a_look(process: Process, store: LedgerStore, clock: FakeClock):
    asked = videos(4)
    slow = caller(requests_per_minute=2)
    for video in asked[:2]:
        await process.accept(video, caller=slow)
    reads = store.reads
    with pytest.raises(RateLimited) as refused:
        process.videos.check_rate(slow)
    assert (store.reads, refused.value.retry_after_s) == (reads, 30)
    clock.advance(30)
    await process.accept(asked[3], caller=slow)
    rate = process.ledger.rate(slow)
    assert rate is not None
    assert (rate.limit, rate.remaining, rate.reset_s) == (2, 0, 60)


async def test_the_tighter_limit_holds(process: Process):
    first, second = videos(2, key_id="key_1")
    tight = caller(budget_usd={"month": "100"}, key=Limits.model_validate({"budget_usd": {"month": "0.40"}}))
    await process.accept(first, caller=tight)
    with pytest.raises(BudgetExceeded, match=r"the key has 0\.00 USD left of 0\.40 USD"):
        await process.accept(second, caller=tight)


async def test_a_repeated_request_is_answered_and_charged_nothing_even_when_no_money_is_left(process: Process):
    first, second = videos(2)
    poor = caller(budget_usd={"total": "0.40"}, requests_per_minute=1)
    promise = Idempotency("k", "body")
    await process.accept(first, caller=poor, idempotency=promise)
    for limits in (poor, caller()):
        with pytest.raises(AlreadyAccepted) as earlier:
            await process.accept(second, caller=limits, idempotency=promise)
        assert earlier.value.made_id == first.video_id
    assert (await process.ledger.accounts(TENANT))[None].number == 1


async def test_the_same_record_is_accepted_once(process: Process):
    (video,) = videos(1)
    await outcomes(*(process.accept(video) for _ in range(3)))
    assert (await process.ledger.accounts(TENANT))[None].in_flight == 1
    await agree(process.ledger)


async def test_a_new_day_has_a_new_budget_and_what_is_set_aside_still_counts(process: Process, clock: FakeClock):
    done, open_, late = videos(3)
    daily = caller(budget_usd={"day": "0.80"})
    for video in (done, open_):
        await process.accept(video, caller=daily)
    await process.end(done)
    with pytest.raises(BudgetExceeded, match="renewed at 2026-11-22T00:00:00"):
        await process.accept(late, caller=daily)
    clock.advance(timedelta(days=1).total_seconds())
    await process.accept(late, caller=daily)
    account = (await process.ledger.accounts(TENANT))[None]
    assert (account.day_usd, account.total_usd, account.reserved_usd) == (0, PRICE, 2 * PRICE)
    await agree(process.ledger)


async def test_who_waits_too_long_is_asked_back(store: LedgerStore, process: Process, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("clients.ledger_desk.FIRST_PAUSE_S", 0)
    monkeypatch.setattr("clients.ledger_desk.LONGEST_PAUSE_S", 0)
    first, second = videos(2)
    await process.accept(first)
    key, read = TENANT_ACCOUNT, store.get_entity

    async def moves_on(*asked: str) -> Any:
        if asked != key:
            return await read(*asked)
        store.rows[key].metadata["etag"] += "'"
        return type(store.rows[key])(store.rows[key], "older")

    monkeypatch.setattr(store, "get_entity", moves_on)
    store.rows[key].metadata["etag"] = "other"
    with pytest.raises(Busy):
        await process.accept(second)


async def test_a_lost_entry_is_noticed(process: Process, store: LedgerStore):
    for video in videos(3):
        await process.accept(video)
    del store.rows[next(key for key in store.rows if key[1].endswith("-000000000002"))]
    found = (await process.ledger.recount(TENANT)).differences()
    assert [(each.what, each.account, each.ledger) for each in found] == [
        ("entry", "2", "missing"),
        ("reserved_usd", "1.20", "0.80"),
        ("in_flight", "3", "2"),
    ]


@pytest.mark.parametrize("lost", [["ukey_1"], ["u"], ["u", "ukey_1"]])
@pytest.mark.parametrize("is_old", [True, False])
async def test_a_lost_or_older_account_is_noticed(process: Process, store: LedgerStore, lost: list[str], is_old: bool):
    *first, last = videos(3, key_id="key_1")
    for video in first:
        await process.accept(video)
    old = {key: store.rows[key] for key in store.rows if key[1] in lost}
    await process.accept(last)
    for key in old:
        del store.rows[key]
    store.rows |= old if is_old else {}
    found = (await process.ledger.recount(TENANT)).differences()
    assert {each.key_id for each in found} == {key[1:] or None for key in lost}
    numbers = {(each.account, each.ledger) for each in found if each.what == "number"}
    assert numbers == {("2" if is_old else "0", "3")}


async def test_what_is_booked_while_accounts_and_entries_are_read_is_no_difference(
    process: Process, store: LedgerStore, monkeypatch: pytest.MonkeyPatch
):
    first, *others = videos(8, key_id="key_1")
    await process.accept(first)
    coming, read = iter(others), store.query_entities

    async def paging(*how: Any, **more: Any) -> Any:
        async for row in read(*how, **more):
            await process.accept(next(coming))
            yield row

    monkeypatch.setattr(store, "query_entities", paging)
    await agree(process.ledger)


@pytest.mark.parametrize("is_old", [True, False])
async def test_who_books_on_a_lost_or_older_account_is_told_so(store: LedgerStore, clock: FakeClock, is_old: bool):
    first, second, third = videos(3)
    await Process(store, clock).accept(first)
    old = {key: store.rows[key] for key in store.rows if key[1] == "u"}
    await Process(store, clock).accept(second)
    del store.rows[TENANT_ACCOUNT]
    store.rows |= old if is_old else {}
    with pytest.raises(RuntimeError, match="account of acme is lost or out of date"):
        await Process(store, clock).accept(third)


async def test_nobody_waits_for_bookings_that_were_cancelled(process: Process, store: LedgerStore):
    first, *others, last = videos(20)
    waiting = [asyncio.create_task(process.accept(video)) for video in (first, *others)]
    while store.reads == 0:
        await asyncio.sleep(0)
    cast("asyncio.Task[None]", process.ledger._desk(TENANT)._work).cancel()
    assert await outcomes(*waiting) == {"CancelledError": len(waiting)}
    await process.accept(last)


async def test_so_many_accounts_of_a_tenant_are_remembered(process: Process, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("clients.known_accounts._REMEMBERED", 5)
    for number in range(20):
        await process.accept(a_video(video_id=an_id(number), reserved_usd=PRICE, key_id=f"key_{number % 10}"))
        assert len(process.ledger._desk(TENANT).accounts._known) <= 7
    await agree(process.ledger)


async def test_the_last_day_there_is_can_be_asked_for(process: Process):
    await process.accept(videos(1)[0])
    counts = [
        len([entry async for entry in process.ledger.entries(TENANT, *span)])
        for span in ((NOW.date(), NOW.date()), (NOW.date(), date.max), (date.min, NOW.date() - timedelta(days=1)))
    ]
    assert counts == [1, 1, 0]


async def test_the_tenants_that_came_last_are_remembered(store: LedgerStore, clock: FakeClock):
    ledger = store.ledger(clock)
    for number in range(1_200):
        for tenant in (f"t{number}", "regular"):
            ledger._desk(tenant)
    assert len(ledger._desks) == 1_000
    assert [*ledger._desks][-2:] == ["t1199", "regular"]


TIGHT = [{"max_in_flight": 1}, {"budget_usd": {"total": "0.40"}}, {"requests_per_minute": 1}, {}]


@pytest.mark.parametrize("fault", [Fault.SENT_AGAIN, Fault.ANSWER_LOST])
@pytest.mark.parametrize("limits", TIGHT)
@pytest.mark.parametrize("promise", [None, Idempotency("k", "body")])
async def test_what_was_written_is_accepted_whatever_came_back(
    process: Process, store: LedgerStore, fault: Fault, limits: Any, promise: Idempotency | None
):
    store.faults = [fault]
    await process.accept(videos(1)[0], caller=caller(**limits), idempotency=promise)
    assert (await process.ledger.accounts(TENANT))[None].in_flight == 1
    await agree(process.ledger)


async def test_what_was_not_written_is_not_accepted(process: Process, store: LedgerStore):
    store.faults = [Fault.NOTHING_WRITTEN]
    with pytest.raises(HttpResponseError):
        await process.accept(videos(1)[0], caller=caller())


@pytest.mark.parametrize("fault", [Fault.SENT_AGAIN, Fault.ANSWER_LOST])
async def test_what_nobody_can_tell_may_have_been_done(process: Process, store: LedgerStore, fault: Fault):
    await process.ledger._desk(TENANT).accounts.read([None, "key_1"])
    store.faults, store.is_away = [fault], True
    with pytest.raises(PerhapsDone):
        await process.accept(videos(1)[0], caller=caller())


deeds = st.tuples(st.sampled_from(["accept", "end well", "end badly"]), st.integers(0, 3), st.integers(0, 1))


@given(st.lists(deeds, max_size=25), st.lists(st.none() | st.sampled_from(Fault), max_size=12), st.integers(1, 5))
async def test_sums_and_ledger_agree_whatever_happens(
    work: list[tuple[str, int, int]], faults: list[Fault | None], at_once: int
):
    store, clock = LedgerStore(), FakeClock()
    processes = [Process(store, clock) for _ in range(2)]
    asked = videos(4, key_id="key_1")
    store.faults = faults
    limits = caller(budget_usd={"total": 3 * PRICE}, max_in_flight=3)

    async def do(deed: str, number: int, who: int) -> None:
        if deed == "accept":
            await processes[who].accept(asked[number], caller=limits)
        else:
            await processes[who].end(asked[number], well=deed == "end well")

    for start in range(0, len(work), at_once):
        told = await asyncio.gather(*(do(*each) for each in work[start : start + at_once]), return_exceptions=True)
        unforeseen = (AssertionError, KeyError, TypeError, AttributeError)
        assert not [each for each in told if isinstance(each, unforeseen)]
        await _within_limits(store, clock)
    store.faults = []
    fresh = Process(store, clock)
    kept = [row for (_, key), row in store.rows.items() if key.startswith("v")]
    for row in kept:
        await fresh.end(a_video(video_id=row["video_id"]))
    account = (await fresh.ledger.accounts(TENANT)).get(None)
    if account:
        costs = [Decimal(row.get("cost_usd", 0)) for (_, key), row in store.rows.items() if key.startswith("v")]
        assert (account.reserved_usd, account.in_flight, account.total_usd) == (0, 0, sum(costs))
    each = Counter([(entry.video_id, entry.in_flight) async for entry in fresh.ledger.entries(TENANT)])
    assert set(each.values()) <= {1}


async def _within_limits(store: LedgerStore, clock: FakeClock) -> None:
    ledger = store.ledger(clock)
    await agree(ledger)
    account = (await ledger.accounts(TENANT)).get(None)
    if account:
        assert account.reserved_usd + account.total_usd <= 3 * PRICE
        assert 0 <= account.in_flight <= 3
