"""What /batches answers while the engine is down, and what it refuses."""

from typing import Any

import pytest

from domain.batch import BatchRef, BatchStatus, Progress
from domain.batch_report import Report
from tests.unit.activities.batch_world import a_line, as_jsonl
from tests.unit.examples import NOW, TENANT, a_file
from tests.unit.front_door.world import ADMIN_KEY, KEY, OTHER_KEY, World, error_of

KEY_1 = {"idempotency-key": "k-1"}
ASKED = {"endpoint": "/v1/videos", "completion_window": "24h"}


async def asked(world: World, *, key: str = KEY, **changes: Any) -> dict[str, Any]:
    """The fields of POST /batches, for a file of two lines."""
    form = {"data": {"purpose": "batch"}, "files": {"file": ("in.jsonl", as_jsonl([a_line(1), a_line(2)]))}}
    sent = await world.ask("POST", "/v1/files", key=key, **form)
    return {"input_file_id": sent.json()["id"], **ASKED, **changes}


async def created(world: World) -> dict[str, Any]:
    return (await world.ask("POST", "/v1/batches", json=await asked(world))).json()


async def test_a_batch_is_accepted_although_the_engine_is_down(world: World):
    world.runs.broken = TimeoutError()
    batch = await created(world)
    assert batch["status"] == "validating"
    assert [ref.batch_id for ref in world.batches.opened] == [batch["id"]]


async def test_a_batch_is_cancelled_although_the_engine_is_down(world: World):
    batch = await created(world)
    world.runs.broken = TimeoutError()
    cancelled = (await world.ask("POST", f"/v1/batches/{batch['id']}/cancel")).json()
    assert (cancelled["status"], cancelled["cancelling_at"]) == ("cancelling", batch["created_at"])


async def test_one_that_has_ended_is_not_cancelled(world: World):
    batch = await created(world)
    (ref,) = world.batches.records
    world.batches.records[ref] = world.batches.records[ref].moved(BatchStatus.FAILED, world.clock())
    assert (await world.ask("POST", f"/v1/batches/{batch['id']}/cancel")).json()["status"] == "failed"


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"input_file_id": 7}, "input_file_id"),
        ({"endpoint": "/v1/images"}, "endpoint"),
        ({"completion_window": "30m"}, "completion_window"),
        ({"completion_window": "8d"}, "completion_window"),
        ({"completion_window": 24}, "completion_window"),
        ({"metadata": {"a": 1}}, "metadata"),
    ],
)
async def test_what_cannot_be_a_batch_is_refused(world: World, changes: dict[str, Any], param: str):
    answer = await world.ask("POST", "/v1/batches", json=await asked(world, **changes))
    assert (answer.status_code, error_of(answer)["param"]) == (400, param)
    assert not world.batches.records


async def test_a_batch_that_runs_cannot_be_retried(world: World):
    batch = await created(world)
    answer = await world.ask("POST", f"/v1/batches/{batch['id']}/retry")
    assert (answer.status_code, error_of(answer)["code"]) == (400, "batch_not_ended")


async def failed_batch(world: World) -> str:
    """The id of a batch of which a line has failed."""
    asked = await created(world)
    ref = BatchRef(tenant=TENANT, batch_id=asked["id"])
    batch = world.batches.records[ref]
    done = batch.validated(["sora-2"], 1, NOW).advanced(Progress(1, batch.size_bytes, 1, {}, 0, 1, 0, 0), NOW)
    report = Report.of_unbegun(batch.moved(BatchStatus.CANCELLING, NOW), 1, "shot-1").text
    errors = a_file(file_id=batch.error_file_id, purpose="batch_output", size_bytes=len(report))
    world.files.records[TENANT, errors.file_id] = errors
    world.file_blobs.blobs[errors.blob] = report
    world.batches.records[ref] = done.model_copy(update={"error_bytes": len(report)})
    return ref.batch_id


@pytest.mark.parametrize("keys", [[{}, {}], [{}, KEY_1], [KEY_1, KEY_1], [KEY_1, {"idempotency-key": "k-2"}]])
async def test_a_batch_that_is_retried_twice_has_one_retry(world: World, keys: list[dict[str, str]]):
    batch_id = await failed_batch(world)
    answers = [await world.ask("POST", f"/v1/batches/{batch_id}/retry", headers=key) for key in keys]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert len(world.batches.records) == 2


async def a_key(world: World, **fields: Any) -> dict[str, str]:
    """A key of the usual tenant that the operator made."""
    asked = {"tenant": TENANT, "name": "batches", **fields}
    return (await world.ask("POST", "/v1/admin/keys", key=ADMIN_KEY, json=asked)).json()


async def test_who_retries_a_batch_is_the_caller_of_the_new_one(world: World):
    batch_id, key = await failed_batch(world), await a_key(world)
    retried = (await world.ask("POST", f"/v1/batches/{batch_id}/retry", key=key["secret"])).json()
    assert world.batches.records[BatchRef(tenant=TENANT, batch_id=retried["id"])].key_id == key["id"]


async def test_a_preview_names_the_lines_that_the_key_may_not_ask_for(world: World):
    key = await a_key(world, allowance={"operations": ["remix"]})
    answer = await world.ask("POST", "/v1/batches?dry_run=true", key=key["secret"], json=await asked(world))
    assert [error["code"] for error in answer.json()["errors"]["data"]] == ["not_allowed"] * 2


async def test_a_retry_does_not_take_the_key_of_another_request(world: World):
    batch_id = await failed_batch(world)
    assert (await world.ask("POST", "/v1/batches", json=await asked(world), headers=KEY_1)).status_code == 200
    answer = await world.ask("POST", f"/v1/batches/{batch_id}/retry", headers=KEY_1)
    assert (answer.status_code, error_of(answer)["code"]) == (409, "idempotency_key_reused")


async def test_the_same_key_and_request_are_the_same_batch(world: World):
    fields = await asked(world)
    first, second = [await world.ask("POST", "/v1/batches", json=fields, headers=KEY_1) for _ in range(2)]
    assert first.json() == second.json()
    assert len(world.batches.records) == 1
    without = [await world.ask("POST", "/v1/batches", json=fields) for _ in range(2)]
    assert len({answer.json()["id"] for answer in (first, *without)}) == 3


async def test_the_same_key_answers_the_same_batch_when_its_input_is_gone(world: World):
    fields = await asked(world)
    first = await world.ask("POST", "/v1/batches", json=fields, headers=KEY_1)
    await world.ask("DELETE", f"/v1/files/{fields['input_file_id']}")
    again = await world.ask("POST", "/v1/batches", json=fields, headers=KEY_1)
    assert (again.status_code, again.json()) == (200, first.json())
    assert (await world.ask("POST", "/v1/batches", json=fields)).status_code == 404


@pytest.mark.parametrize("key", [{}, KEY_1])
async def test_a_retry_is_answered_again_without_another_copy_when_its_files_are_gone(
    world: World, key: dict[str, str]
):
    batch_id = await failed_batch(world)
    first = await world.ask("POST", f"/v1/batches/{batch_id}/retry", headers=key)
    world.files.records.clear()
    written = list(world.file_blobs.writes)
    for headers in (key, {}, {"idempotency-key": "k-9"}):
        again = await world.ask("POST", f"/v1/batches/{batch_id}/retry", headers=headers)
        assert (again.status_code, again.json()) == (200, first.json())
    assert world.file_blobs.writes == written


async def test_the_same_key_starts_a_batch_that_was_not_started(world: World):
    fields = await asked(world)
    world.runs.broken = TimeoutError()
    await world.ask("POST", "/v1/batches", json=fields, headers=KEY_1)
    world.runs.broken = None
    batch = (await world.ask("POST", "/v1/batches", json=fields, headers=KEY_1)).json()
    assert [ref.batch_id for ref in world.runs.started] == [batch["id"]]


@pytest.mark.parametrize("change", [{"completion_window": "48h"}, {"metadata": {"reel": "7"}}])
async def test_the_same_key_with_another_request_is_refused(world: World, change: dict[str, Any]):
    fields = await asked(world)
    await world.ask("POST", "/v1/batches", json=fields, headers=KEY_1)
    answer = await world.ask("POST", "/v1/batches", json=fields | change, headers=KEY_1)
    assert (answer.status_code, error_of(answer)["param"]) == (409, "Idempotency-Key")
    assert len(world.batches.records) == 1


async def test_another_tenants_key_is_another_key(world: World):
    for key in (KEY, OTHER_KEY):
        fields = await asked(world, key=key)
        answer = await world.ask("POST", "/v1/batches", json=fields, key=key, headers=KEY_1)
        assert answer.status_code == 200
    assert {ref.tenant for ref in world.batches.records} == {TENANT, "globex"}


async def test_a_preview_does_not_use_the_key_up(world: World):
    fields = await asked(world)
    await world.ask("POST", "/v1/batches?dry_run=true", json=fields, headers=KEY_1)
    answer = await world.ask("POST", "/v1/batches", json=fields | {"completion_window": "7d"}, headers=KEY_1)
    assert answer.status_code == 200


async def test_an_overlong_key_is_refused(world: World):
    answer = await world.ask("POST", "/v1/batches", json=await asked(world), headers={"idempotency-key": "k" * 256})
    assert (answer.status_code, error_of(answer)["param"]) == (400, "Idempotency-Key")


async def test_another_tenants_batch_is_not_there(world: World):
    batch = await created(world)
    answer = await world.ask("GET", f"/v1/batches/{batch['id']}", key=OTHER_KEY)
    assert (answer.status_code, error_of(answer)["code"]) == (404, "batch_not_found")
    assert (await world.ask("GET", "/v1/batches", key=OTHER_KEY)).json()["data"] == []
    assert {ref.tenant for ref in world.batches.records} == {TENANT}
