"""What was learnt in Azurite's Table Storage: no sample is lost when several hosts learn at once."""

import asyncio

import pytest
from azure.data.tables.aio import TableClient

from clients.render_times import FRESH_S, RenderTimeTable
from domain.render_times import MEMORY, NOTHING_LEARNT, RenderKind

KIND = RenderKind("east", "a/model#1?", 4, "1280x720")


async def test_every_host_knows_what_one_has_learnt(table: TableClient):
    one, other = RenderTimeTable(table), RenderTimeTable(table)
    assert await one.of(KIND) == NOTHING_LEARNT
    for render_s in (60, 61, 180):
        await one.record(KIND, render_s)
    learnt = await other.of(KIND)
    assert learnt == await one.of(KIND)
    assert learnt.samples == pytest.approx(1 + 0.9 + 0.81)
    assert await other.of(KIND._replace(seconds=8)) == NOTHING_LEARNT


async def test_what_another_host_learns_is_known_half_a_minute_later_and_costs_no_read_before(table: TableClient):
    now_s = 0.0
    one, other = RenderTimeTable(table), RenderTimeTable(table, lambda: now_s)
    assert await other.of(KIND) == NOTHING_LEARNT
    await one.record(KIND, 60)
    now_s = FRESH_S - 1
    assert await other.of(KIND) == NOTHING_LEARNT
    now_s = FRESH_S
    assert await other.of(KIND) == await one.of(KIND)


async def test_hosts_that_learn_at_once_lose_nothing(table: TableClient):
    hosts = [RenderTimeTable(table) for _ in range(4)]
    await asyncio.gather(*(host.record(KIND, 60) for host in hosts))
    assert (await RenderTimeTable(table).of(KIND)).samples == pytest.approx(1 + 0.9 + 0.81 + 0.729, rel=0.001)
    assert MEMORY == 10


async def test_the_lengths_and_sizes_of_a_deployment_are_summed_up(table: TableClient):
    host = RenderTimeTable(table)
    for seconds, render_s in ((4, 60), (4, 60), (8, 120)):
        await host.record(KIND._replace(seconds=seconds), render_s)
    await host.record(KIND._replace(deployment="west"), 30)
    learnt = await RenderTimeTable(table).learnt()
    assert set(learnt) == {"east", "west"}
    assert learnt["east"] == (pytest.approx(60, rel=0.05), pytest.approx(120, rel=0.05), pytest.approx(2.9))


async def test_a_table_that_is_gone_stops_nobody(table: TableClient, caplog: pytest.LogCaptureFixture):
    host = RenderTimeTable(table)
    await table.delete_table()
    await host.record(KIND, 60)
    assert await host.of(KIND) == NOTHING_LEARNT
    assert await host.learnt() == {}
    assert [record.levelname for record in caplog.records if record.name == "clients.render_times"] == ["WARNING"] * 2
