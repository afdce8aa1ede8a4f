"""Batch records in Azurite's Table Storage."""

import asyncio
from datetime import timedelta

import pytest
from azure.data.tables.aio import TableClient

from clients.batch_table import BatchTable
from clients.idempotency import AlreadyAccepted, Idempotency
from domain.batch import BATCH_IDS, Batch, LineError
from domain.errors import NotFound
from tests.unit.activities.batch_world import BatchWorld
from tests.unit.examples import NOW


@pytest.fixture
def batches(table: TableClient) -> BatchTable:
    return BatchTable(table)


def a_batch(number: int = 0) -> Batch:
    batch_id = BATCH_IDS.new(NOW + timedelta(seconds=number), bytes(10))
    return BatchWorld(b"").batch.model_copy(update={"batch_id": batch_id})


async def test_a_record_is_read_as_it_was_written_however_full(batches: BatchTable):
    in_flight = {number: f"video_{number:032x}" for number in range(50_000, 50_400)}
    errors = [LineError(code="invalid_value", message="m" * 200, line=number, param="size") for number in range(100)]
    full = {"in_flight": in_flight, "errors": errors, "models": ["sora-2"], "metadata": {"reel": "7"}}
    batch = Batch.model_validate(a_batch().model_dump() | full)
    await batches.insert(batch)
    assert await batches.get(batch.ref) == batch


async def test_a_batch_that_is_accepted_again_stays_as_it_is(batches: BatchTable):
    batch = a_batch()
    await batches.insert(batch)
    await batches.amend(batch.ref, lambda kept: kept.cancelling(NOW))
    await batches.insert(batch)
    assert (await batches.get(batch.ref)).cancelling_at == NOW
    assert [each async for each in batches.open()] == [(batch.ref, batch.created_at)]
    await batches.close_case(batch.ref)
    await batches.close_case(batch.ref)
    assert [each async for each in batches.open()] == []


async def test_a_batch_is_open_from_when_it_is_written_whatever_time_its_id_carries(batches: BatchTable):
    batch = a_batch(-86_400)
    await batches.insert(batch)
    assert [at async for _, at in batches.open()] == [NOW]


async def test_a_batch_that_was_opened_before_there_was_a_time_has_that_of_its_id(
    batches: BatchTable, table: TableClient
):
    batch = a_batch(7)
    await table.upsert_entity({"PartitionKey": "open-batches", "RowKey": batch.batch_id, "tenant": batch.tenant})
    assert [at async for _, at in batches.open()] == [NOW + timedelta(seconds=7)]


async def test_a_key_makes_one_batch(batches: BatchTable):
    first, second, promise = a_batch(1), a_batch(2), Idempotency("a key / with #?", "body")
    assert await batches.made_by(first.tenant, promise.key) is None
    for _ in range(2):
        assert (await batches.insert(first, promise)).ref == first.ref
    for body in ("body", "another"):
        with pytest.raises(AlreadyAccepted) as earlier:
            await batches.insert(second, Idempotency(promise.key, body))
        assert (earlier.value.made_id, earlier.value.body_sha256) == (first.batch_id, "body")
    made = await batches.made_by(first.tenant, promise.key)
    assert made
    assert (made.made_id, made.body_sha256) == (first.batch_id, "body")
    with pytest.raises(NotFound):
        await batches.get(second.ref)
    assert (await batches.insert(second)).ref == second.ref


async def test_a_key_may_come_later_for_a_batch_that_is_there(batches: BatchTable):
    there, other, promise = a_batch(1), a_batch(2), Idempotency("key", "body")
    await batches.insert(there)
    assert (await batches.insert(there, promise)).ref == there.ref
    with pytest.raises(AlreadyAccepted):
        await batches.insert(other, promise)


async def test_of_two_at_once_one_makes_the_batch(batches: BatchTable):
    some, promise = [a_batch(number) for number in range(5)], Idempotency("key", "body")
    made = await asyncio.gather(*(batches.insert(batch, promise) for batch in some), return_exceptions=True)
    (won,) = [batch for batch in made if isinstance(batch, Batch)]
    refused = [earlier.made_id for earlier in made if isinstance(earlier, AlreadyAccepted)]
    assert refused == [won.batch_id] * 4


async def test_changes_at_the_same_time_all_count(batches: BatchTable):
    batch = a_batch()
    await batches.insert(batch)

    def step(kept: Batch) -> Batch:
        return kept.model_copy(update={"steps": kept.steps + 1})

    await asyncio.gather(*(batches.amend(batch.ref, step) for _ in range(5)))
    assert (await batches.get(batch.ref)).steps == 5


async def test_what_is_remembered_is_never_put_over_what_is_newer(table: TableClient):
    here, there = BatchTable(table), BatchTable(table)
    batch = a_batch()
    await here.insert(batch)
    await here.get(batch.ref)
    await there.amend(batch.ref, lambda kept: kept.cancelling(NOW))
    amended = await here.amend(batch.ref, lambda kept: kept.model_copy(update={"steps": kept.steps + 1}))
    assert (amended.cancelling_at, amended.steps) == (NOW, 1)
    await there.amend(batch.ref, lambda kept: kept.model_copy(update={"steps": 7}))
    assert (await here.amend(batch.ref, lambda kept: kept)).steps == 7


async def test_the_newest_come_first_page_by_page(batches: BatchTable):
    some = [a_batch(number).batch_id for number in range(3)]
    for number in range(3):
        await batches.insert(a_batch(number))
    first = await batches.page("acme", after=None, limit=2)
    assert ([batch.batch_id for batch in first.batches], first.has_more) == ([some[2], some[1]], True)
    rest = await batches.page("acme", after=some[1], limit=2)
    assert ([batch.batch_id for batch in rest.batches], rest.has_more) == ([some[0]], False)
    assert not (await batches.page("globex", after=None, limit=2)).batches
    with pytest.raises(NotFound):
        await batches.page("acme", after="batch_x", limit=2)
