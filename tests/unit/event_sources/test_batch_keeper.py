"""Every open batch is kept running until it has ended, and is then tidied up."""

import json
from datetime import timedelta

import pytest

from clients.telemetry.logs import JsonFormatter
from domain.batch import BATCH_IDS, BatchRef, BatchStatus
from domain.webhook import WebhookEvent, WebhookType
from event_sources.batch_keeper import RECORD_IS_LATE, BatchKeeper
from tests.unit.activities.batch_world import BatchWorld
from tests.unit.examples import NOW, TENANT
from tests.unit.fakes import FakeBatchRuns

RETENTION = timedelta(hours=1)


class World(BatchWorld):
    def __init__(self) -> None:
        super().__init__(b"")
        self.runs = FakeBatchRuns()
        self.batches.opened.append(self.ref)
        self.keeper = BatchKeeper(self.batches.as_table(), self.runs.as_runs(), self.tell, RETENTION)
        self.webhooks_are_down = False

    async def tell(self, tenant: str, event: WebhookEvent) -> None:
        if self.webhooks_are_down:
            raise TimeoutError
        await self.services.tell(tenant, event)

    def end(self) -> None:
        self.batches.records[self.ref] = self.batch.moved(BatchStatus.FAILED, NOW)


async def test_a_batch_that_has_not_ended_is_started_unless_it_runs():
    world = World()
    await world.keeper.sweep(NOW)
    assert world.runs.started == [world.ref]
    assert world.batches.opened == [world.ref]


async def test_the_history_of_an_ended_batch_goes_after_a_while():
    world = World()
    world.end()
    await world.keeper.sweep(NOW + RETENTION)
    assert (world.runs.purged, world.runs.started, world.batches.opened) == ([], [], [world.ref])
    await world.keeper.sweep(NOW + RETENTION + timedelta(seconds=1))
    assert (world.runs.purged, world.batches.opened) == ([world.ref], [])


async def test_no_batch_is_let_go_before_its_end_is_told():
    world = World()
    world.end()
    world.webhooks_are_down = True
    await world.keeper.sweep(NOW + RETENTION + timedelta(seconds=1))
    assert world.batches.opened == [world.ref]
    world.webhooks_are_down = False
    await world.keeper.sweep(NOW + RETENTION + timedelta(seconds=1))
    assert (world.told, world.batches.opened) == ([WebhookType.BATCH_FAILED], [])


async def test_a_batch_whose_record_never_came_is_forgotten():
    world = World()
    world.batches.records.clear()
    await world.keeper.sweep(NOW + RECORD_IS_LATE)
    assert world.batches.opened
    await world.keeper.sweep(NOW + RECORD_IS_LATE + timedelta(seconds=1))
    assert not world.batches.opened


async def test_a_batch_whose_record_is_about_to_come_is_kept_however_old_its_id():
    world = World()
    world.batches.records.clear()
    world.batches.opened_at[world.ref] = later = NOW + 2 * RECORD_IS_LATE
    await world.keeper.sweep(later)
    assert world.batches.opened == [world.ref]


async def test_one_that_cannot_be_helped_stops_no_other_and_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(caplog.handler, "formatter", JsonFormatter())
    world = World()
    lost = BatchRef(tenant=TENANT, batch_id=BATCH_IDS.new(NOW, b"x" * 10))
    world.batches.records[lost] = world.batch.model_copy(update={"batch_id": lost.batch_id})
    world.batches.opened.insert(0, lost)
    world.runs.broken = TimeoutError()
    await world.keeper.sweep(NOW)
    assert world.batches.opened == [lost, world.ref]
    assert [json.loads(line)["batch"] for line in caplog.text.splitlines()] == [lost.batch_id, world.ref.batch_id]
