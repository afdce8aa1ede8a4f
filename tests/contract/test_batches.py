"""The unmodified client runs a batch: upload, create, watch, read, cancel, retry."""

import json
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from openai import BadRequestError, ConflictError, NotFoundError, OpenAI

from tests.e2e.running_stack import RunningStack, wait_until

MODEL = "sora-2"


@pytest.fixture(scope="module")
def client(stack: RunningStack) -> Iterator[OpenAI]:
    with OpenAI(base_url=stack.base_url, api_key=stack.api_key) as client:
        yield client


def a_line(number: int, **body: Any) -> dict[str, Any]:
    asked = {"model": MODEL, "prompt": f"Shot {number}", "seconds": "4", "size": "1280x720"} | body
    return {"custom_id": f"shot-{number}", "method": "POST", "url": "/v1/videos", "body": asked}


def uploaded(client: OpenAI, lines: Sequence[Any]) -> str:
    text = "\n".join(json.dumps(line) for line in lines).encode()
    return client.files.create(file=("in.jsonl", text), purpose="batch").id


def created(client: OpenAI, lines: Sequence[Any], **extra: Any) -> Any:
    file_id = uploaded(client, lines)
    return client.batches.create(
        input_file_id=file_id, endpoint="/v1/videos", completion_window="24h", metadata={"reel": "7"}, **extra
    )


def ended(client: OpenAI, batch_id: str) -> Any:
    def look() -> Any:
        batch = client.batches.retrieve(batch_id)
        return batch if batch.status in {"completed", "failed", "expired", "cancelled"} else None

    return wait_until(look, f"{batch_id} has ended", limit_s=60)


def lines_of(client: OpenAI, file_id: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in client.files.content(file_id).text.splitlines()]


def test_a_batch_becomes_a_file_of_videos(client: OpenAI):
    batch = created(client, [a_line(number) for number in range(1, 8)])
    assert (batch.object, batch.status, batch.endpoint) == ("batch", "validating", "/v1/videos")
    assert batch.metadata == {"reel": "7"}
    batch = ended(client, batch.id)
    assert (batch.status, batch.errors, batch.error_file_id) == ("completed", None, None)
    assert batch.request_counts.model_dump() == {"total": 7, "completed": 7, "failed": 0}
    assert batch.created_at <= batch.in_progress_at <= batch.finalizing_at <= batch.completed_at < batch.expires_at

    lines = lines_of(client, batch.output_file_id)
    assert sorted(line["custom_id"] for line in lines) == [f"shot-{number}" for number in range(1, 8)]
    video = lines[0]["response"]["body"]
    assert (video["object"], video["status"], lines[0]["error"]) == ("video", "completed", None)
    assert video["reelay"]["blob_url"].startswith("http")
    assert client.files.retrieve(batch.output_file_id).purpose == "batch_output"
    assert batch.id in [each.id for each in client.batches.list(limit=1)]


def test_every_bad_line_is_reported_with_its_number(client: OpenAI):
    twice, other = a_line(1), {"custom_id": "x", "method": "GET", "url": "/v1/videos", "body": {}}
    batch = created(client, [a_line(1), a_line(2, size="3x3"), twice, other, a_line(5), "no object"])
    batch = ended(client, batch.id)
    assert batch.status == "failed"
    assert [(error.line, error.param) for error in batch.errors.data] == [
        (2, "size"),
        (3, "custom_id"),
        (4, "method"),
        (6, None),
    ]
    assert [line["error"]["line"] for line in lines_of(client, batch.error_file_id)] == [2, 3, 4, 6]
    with pytest.raises(BadRequestError, match="mended"):
        client.post(f"/batches/{batch.id}/retry", cast_to=object)


def test_a_preview_tells_the_cost_and_starts_nothing(client: OpenAI):
    before = client.batches.list(limit=1).data
    file_id = uploaded(client, [a_line(1), a_line(2, seconds="12"), a_line(3, prompt="")])
    asked = {"input_file_id": file_id, "endpoint": "/v1/videos", "completion_window": "24h"}
    preview: Any = client.post("/batches?dry_run=true", body=asked, cast_to=object)
    assert (preview["total"], preview["cost_usd"], preview["models"]) == (3, "1.60", [MODEL])
    assert [error["line"] for error in preview["errors"]["data"]] == [3]
    assert client.batches.list(limit=1).data == before


def test_cancelling_finishes_what_runs_and_a_retry_asks_for_the_rest(client: OpenAI):
    batch = created(client, [a_line(number) for number in range(1, 201)])
    wait_until(lambda: client.batches.retrieve(batch.id).request_counts.completed, "a line is completed")
    partial = client.batches.retrieve(batch.id)
    assert lines_of(client, partial.output_file_id)
    assert client.batches.cancel(batch.id).status == "cancelling"
    batch = ended(client, batch.id)
    counts = batch.request_counts
    assert (batch.status, counts.total, counts.completed + counts.failed) == ("cancelled", 200, 200)
    assert counts.failed > 0
    output, errors = lines_of(client, batch.output_file_id), lines_of(client, batch.error_file_id)
    assert {line["error"]["code"] for line in errors} == {"batch_cancelled"}
    assert len({line["custom_id"] for line in output + errors}) == 200

    again: Any = client.post(f"/batches/{batch.id}/retry", cast_to=object)
    assert again["reelay"]["retry_of"] == batch.id
    client.batches.cancel(again["id"])
    assert ended(client, again["id"]).request_counts.total in {0, counts.failed}


def test_the_same_key_is_the_same_batch(client: OpenAI):
    key = {"extra_headers": {"Idempotency-Key": str(uuid.uuid4())}}
    fields: Any = {"input_file_id": uploaded(client, [a_line(1)]), "endpoint": "/v1/videos"}
    first, second = (client.batches.create(**fields, completion_window="24h", **key) for _ in range(2))
    assert first.id == second.id
    with pytest.raises(ConflictError) as refusal:
        client.batches.create(**fields, completion_window="24h", metadata={"reel": "8"}, **key)
    assert refusal.value.code == "idempotency_key_reused"


def test_what_cannot_be_a_batch_is_refused(client: OpenAI):
    with pytest.raises(NotFoundError) as missing:
        client.batches.create(input_file_id="file-x", endpoint="/v1/videos", completion_window="24h")
    assert missing.value.code == "file_not_found"
    image = client.files.create(file=("a.png", b"x"), purpose="vision").id
    for changes in ({"input_file_id": image}, {"endpoint": "/v1/embeddings"}, {"completion_window": "3m"}):
        file_id = uploaded(client, [a_line(1)])
        fields: Any = {"input_file_id": file_id, "endpoint": "/v1/videos", "completion_window": "24h"}
        with pytest.raises(BadRequestError) as refusal:
            client.batches.create(**fields | changes)
        assert refusal.value.param == next(iter(changes))


def test_a_batch_is_its_tenants(client: OpenAI, stack: RunningStack, other_tenants_key: str):
    batch = created(client, [a_line(1)])
    with OpenAI(base_url=stack.base_url, api_key=other_tenants_key) as other:
        assert batch.id not in [each.id for each in other.batches.list()]
        for call in (other.batches.retrieve, other.batches.cancel):
            with pytest.raises(NotFoundError) as refusal:
                call(batch.id)
            assert refusal.value.code == "batch_not_found"
