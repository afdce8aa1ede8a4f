"""A .jsonl file in the inbox makes one batch of each of its versions."""

import asyncio
from datetime import timedelta

import pytest
from azure.core.exceptions import HttpResponseError

from domain.file import Purpose
from event_sources import inbox_batches
from tests.unit.event_sources.events import MAX_BATCH_BYTES, World, an_event
from tests.unit.examples import NOW, TENANT

CLIPS, ANSWER = f"inbox/{TENANT}/clips.jsonl", f"inbox/{TENANT}/clips.jsonl.error.json"
CONTENT = b'{"custom_id": "1"}\n' * 100


@pytest.fixture
def world() -> World:
    return World()


async def put(world: World, content: bytes) -> None:
    world.inputs.blobs[CLIPS] = content
    await deliver(world)


async def deliver(world: World, blob: str = CLIPS) -> None:
    data = {"api": "PutBlockList", "url": f"https://acct.blob.core.windows.net/requests/{blob}"}
    await world.inbox().receive(an_event(type="Microsoft.Storage.BlobCreated", data=data))
    world.clock.advance(60)


async def test_its_tenant_has_a_batch_of_what_the_file_holds(world: World):
    await put(world, CONTENT)
    (batch,), (file,) = world.batches.records.values(), world.files.records.values()
    assert (batch.tenant, batch.input_file_id, batch.metadata) == (TENANT, file.file_id, {"blob": CLIPS})
    assert (file.tenant, file.filename, file.purpose) == (TENANT, "clips.jsonl", Purpose.BATCH)
    assert world.file_blobs.blobs == {file.blob: CONTENT}
    assert len({file.file_id, batch.output_file_id, batch.error_file_id}) == 3
    assert world.runs.started == [batch.ref]


async def test_a_file_that_is_told_of_again_makes_the_same_batch(world: World):
    await put(world, CONTENT)
    (before,) = world.batches.records.values()
    world.batches.records[before.ref] = underway = before.model_copy(update={"line": 7})
    await deliver(world)
    await asyncio.gather(*(deliver(world) for _ in range(3)))
    assert list(world.batches.records.values()) == [underway]
    assert len(world.files.records) == len(world.file_blobs.blobs) == len(world.file_blobs.writes) == 1


async def test_a_file_whose_event_comes_late_has_all_of_its_window(world: World):
    world.clock.advance(25 * 3600)
    await put(world, CONTENT)
    (batch,) = world.batches.records.values()
    assert (batch.created_at, batch.as_of) == (NOW + timedelta(hours=25),) * 2
    assert batch.expires_at == NOW + timedelta(hours=49)
    await deliver(world)
    assert list(world.batches.records.values()) == [batch]


async def test_a_file_that_is_written_anew_makes_another_batch(world: World):
    await put(world, CONTENT)
    await put(world, CONTENT * 2)
    assert len(world.batches.records) == len(world.files.records) == 2


async def test_a_file_that_is_gone_makes_none(world: World):
    await deliver(world)
    assert (world.batches.records, world.files.records, world.inputs.writes) == ({}, {}, [])


async def test_a_file_that_is_too_long_is_answered_beside_it_until_it_is_mended(world: World):
    await put(world, b" " * (MAX_BATCH_BYTES + 1))
    assert world.error(ANSWER)["code"] == "payload_too_large"
    assert (world.batches.records, world.file_blobs.blobs) == ({}, {})
    await put(world, CONTENT)
    assert ANSWER not in world.inputs.blobs
    assert len(world.batches.records) == 1


async def test_what_no_batch_may_be_made_of_is_not_even_copied(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(inbox_batches, "LONGEST_INPUT_BYTES", len(CONTENT) - 1)
    await put(world, CONTENT)
    assert world.error(ANSWER)["code"] == "payload_too_large"
    assert (world.files.places, world.file_blobs.writes) == (set(), [])


async def test_its_answer_and_that_of_a_request_of_its_name_are_two(world: World):
    request = f"inbox/{TENANT}/clips.json"
    world.inputs.blobs[request] = b"{}"
    await deliver(world, request)
    await put(world, b" " * (MAX_BATCH_BYTES + 1))
    await put(world, CONTENT)
    assert world.error(f"inbox/{TENANT}/clips.error.json")["param"] == "prompt"
    assert ANSWER not in world.inputs.blobs


async def test_a_copy_that_breaks_off_is_finished_the_next_time(world: World):
    world.file_blobs.broken = HttpResponseError("storage is down")
    with pytest.raises(HttpResponseError):
        await put(world, CONTENT)
    assert world.batches.records == {}
    world.file_blobs.broken = None
    await deliver(world)
    assert len(world.batches.records) == len(world.files.records) == len(world.files.places) == 1
