"""What a guardrail refuses, as OpenAI's clients see it."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from openai import BadRequestError, OpenAI

from tests.contract.caller_kit import error_of
from tests.e2e.running_stack import RunningStack, wait_until

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning")
REFUSED = {
    "message": "The prompt is against the content policy: category 'manners'.",
    "type": "invalid_request_error",
    "param": "prompt",
    "code": "content_policy_violation",
}


@pytest.fixture(scope="module")
def client(stack: RunningStack) -> Iterator[OpenAI]:
    with OpenAI(base_url=stack.base_url, api_key=stack.api_key, max_retries=0) as client:
        yield client


def test_a_client_gets_a_bad_request(client: OpenAI) -> None:
    with pytest.raises(BadRequestError) as refused:
        client.videos.create(prompt="An unspeakable boat.")
    assert (refused.value.code, refused.value.param) == ("content_policy_violation", "prompt")
    assert refused.value.response.json() == {"error": REFUSED}


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/videos/{id}/remix", {}),
        ("/videos/edits", {"video": True}),
        ("/videos/extensions", {"video": True, "seconds": "4"}),
    ],
)
def test_remakes_are_refused_as_well(api: httpx.Client, completed: Any, path: str, more: dict[str, Any]) -> None:
    body = {"prompt": "An unspeakable boat.", **more} | ({"video": {"id": completed["id"]}} if more else {})
    assert error_of(api.post(path.format(id=completed["id"]), json=body)) == REFUSED


def test_a_line_of_a_batch_is_refused_when_it_begins_and_the_others_are_made(client: OpenAI) -> None:
    prompts = ["An unspeakable boat.", "a paper boat"]
    lines = [
        {"custom_id": prompt, "method": "POST", "url": "/v1/videos", "body": {"prompt": prompt}} for prompt in prompts
    ]
    text = "\n".join(json.dumps(line) for line in lines).encode()
    file = client.files.create(file=("in.jsonl", text), purpose="batch")
    asked = client.batches.create(input_file_id=file.id, endpoint="/v1/videos", completion_window="24h")

    def look() -> Any:
        batch = client.batches.retrieve(asked.id)
        return batch if batch.status == "completed" else None

    batch = wait_until(look, "the batch is completed", limit_s=60)
    assert batch.request_counts.model_dump() == {"total": 2, "completed": 1, "failed": 1}
    (line,) = client.files.content(batch.error_file_id).text.splitlines()
    told = json.loads(line)
    assert told["custom_id"] == prompts[0]
    assert "content_policy_violation" in line
