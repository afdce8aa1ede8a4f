"""What is counted and measured beside the videos themselves."""

from datetime import timedelta

import httpx
import pytest

from clients.telemetry import metrics
from clients.telemetry.journal import VideoJournal
from clients.video_table import VideoTable
from domain.booking import Order
from domain.caller import Caller, Limits
from domain.capacity import Fleet, Pool
from domain.errors import BudgetExceeded, InvalidRequest, UpstreamOverloaded
from domain.movement import Movement
from domain.slot import Demand, Verdict
from event_sources.dead_letters import DeadLetters
from event_sources.lease_keeper import LeaseKeeper
from tests.unit.event_sources.events import an_event
from tests.unit.examples import NOW, a_deployment, a_model_catalog, a_video, an_id
from tests.unit.fakes import (
    FakeBlobStore,
    FakeCapacityPools,
    FakeClock,
    FakeOrchestrations,
    FakeVideoTable,
    a_secret_store,
    keyvault_secret,
)
from tests.unit.front_door.world import an_api
from tests.unit.ledger_store import LedgerStore
from tests.unit.telemetry.conftest import Told

OVERLOADED = Verdict.on(UpstreamOverloaded("HTTP 429", retry_after_s=60))


async def test_a_429_of_a_deployment_is_counted(told: Told):
    secrets = a_secret_store(east="east-key")
    deployment = a_deployment(auth={"kind": "api_key", "secret": keyvault_secret("east")})
    api = an_api(lambda _: httpx.Response(429, json={}), secrets)

    with pytest.raises(UpstreamOverloaded):
        await api.create(deployment, a_video())

    assert told.metrics()["reelay.upstream.throttled"] == [({"deployment": "east"}, 1)]


async def test_a_video_that_is_kept_twice_is_counted_once(told: Told):
    store, clock = LedgerStore(), FakeClock()
    for _ in range(2):
        videos = VideoTable(store.as_client(), store.ledger(clock), VideoJournal(clock).wrote)
        await videos.insert(a_video(), alarm_at=NOW)

    assert told.metrics()["reelay.videos.accepted"] == [({"model": "sora-2", "tenant": "acme"}, 1)]


async def test_an_event_that_is_put_away_is_counted(told: Told):
    event = an_event()
    await DeadLetters(FakeBlobStore().as_store()).put(event, InvalidRequest("No."))

    assert told.metrics()["reelay.events.dead_lettered"] == [({}, 1)]


async def test_the_lease_keeper_tells_how_long_the_oldest_waits_and_who_rests(told: Told):
    catalog = a_model_catalog(busy=[a_deployment(max_concurrent=1)], idle=[a_deployment(name="west")])
    pool, fleet = Pool(), Fleet.of(catalog, "busy", timedelta(hours=1))
    served, *waiting = (a_video(video_id=an_id(n, NOW - timedelta(seconds=age))) for n, age in enumerate((90, 30, 60)))
    for video in (served, *waiting):
        pool.acquire(video.ref, Demand.of(video), fleet, NOW)
    pool.report(served.ref, OVERLOADED, fleet, NOW)
    videos = FakeVideoTable()
    videos.add(served)
    keeper = LeaseKeeper(
        catalog=catalog,
        videos=videos.as_table(),
        pools=FakeCapacityPools(busy=pool).as_pools(),
        orchestrations=FakeOrchestrations().as_orchestrations(),
    )

    await keeper.reconcile(NOW)

    seen = told.metrics()
    assert ({"model": "busy"}, 60) in seen["reelay.queue.age"]
    assert ({"model": "idle"}, 0) in seen["reelay.queue.age"]
    assert ({"model": "busy", "deployment": "east"}, 1) in seen["reelay.deployment.cooldown"]
    assert ({"model": "idle", "deployment": "west"}, 0) in seen["reelay.deployment.cooldown"]


async def test_a_budget_that_is_used_up_is_told_and_so_is_one_that_refuses(told: Told):
    limits = Limits.model_validate({"budget_usd": {"day": "1.00", "total": "100"}})
    caller = Caller(tenant="acme", tenant_limits=limits)
    ledger = LedgerStore().ledger(FakeClock())

    async def accept(number: int) -> None:
        video = a_video(video_id=an_id(number), reserved_usd="0.40")
        await ledger.book("acme", Order(Movement.accepting(video), caller), [])

    await accept(1)
    await accept(2)
    assert told.metrics()["reelay.budget.used_ratio"] == [({"tenant": "acme"}, pytest.approx(0.8))]
    metrics.BUDGET_USED.set(0, tenant="acme")
    with pytest.raises(BudgetExceeded):
        await accept(3)
    assert told.metrics()["reelay.budget.used_ratio"] == [({"tenant": "acme"}, pytest.approx(0.8))]


def test_a_gauge_that_nobody_sets_any_more_is_silent(told: Told, monkeypatch: pytest.MonkeyPatch):
    metrics.BUDGET_USED.set(0.75, tenant="acme")
    assert told.metrics()["reelay.budget.used_ratio"] == [({"tenant": "acme"}, 0.75)]

    monkeypatch.setattr(metrics, "FRESH_S", 0.0)
    assert "reelay.budget.used_ratio" not in told.metrics()
