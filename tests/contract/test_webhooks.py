"""Webhooks arrive as OpenAI's client expects them."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from openai import InvalidWebhookSignatureError, OpenAI

from tests.contract.caller_kit import ended
from tests.e2e.running_stack import ROOT, RunningStack, running_stack, wait_until


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """One whose receivers are on this machine."""
    with running_stack(tmp_path_factory.mktemp("hooks") / "state", REELAY_ALLOW_PRIVATE_ADDRESSES="true") as stack:
        yield stack


@pytest.fixture(scope="module")
def api(stack: RunningStack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.base_url, headers={"api-key": stack.api_key}, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def admin(stack: RunningStack) -> Iterator[httpx.Client]:
    headers = {"api-key": stack.admin_key}
    with httpx.Client(base_url=f"{stack.base_url}/admin", headers=headers, timeout=30) as client:
        yield client


def register(admin: httpx.Client, url: str, **fields: Any) -> dict[str, Any]:
    return admin.post("/webhooks", json={"tenant": "local", "url": url, **fields}).raise_for_status().json()


def received(stack: RunningStack, name: str) -> list[dict[str, Any]]:
    return [hook for hook in httpx.get(f"{stack.upstream}/_control/state").json()["webhooks"] if hook["name"] == name]


def unwrap(hook: dict[str, Any], secret: str) -> Any:
    return OpenAI(api_key="none", webhook_secret=secret).webhooks.unwrap(hook["body"], hook["headers"])


def a_batch(api: httpx.Client, prompts: list[str]) -> dict[str, Any]:
    lines = [
        json.dumps({"custom_id": str(number), "method": "POST", "url": "/v1/videos", "body": {"prompt": prompt}})
        for number, prompt in enumerate(prompts)
    ]
    file = ("in.jsonl", "\n".join(lines))
    sent = api.post("/files", data={"purpose": "batch"}, files={"file": file}).raise_for_status()
    asked = {"input_file_id": sent.json()["id"], "endpoint": "/v1/videos", "completion_window": "24h"}
    return api.post("/batches", json=asked).raise_for_status().json()


@pytest.mark.parametrize(("prompt", "kind"), [("a boat", "video.completed"), ("moderation_blocked", "video.failed")])
def test_openai_client_verifies_the_end_of_a_video(
    stack: RunningStack, api: httpx.Client, admin: httpx.Client, prompt: str, kind: str
):
    endpoint = register(admin, f"{stack.upstream}/webhooks/{kind}", events=[kind])
    video = ended(api, api.post("/videos", json={"prompt": prompt}).raise_for_status().json()["id"])
    (hook,) = wait_until(lambda: received(stack, kind), "the webhook has arrived")
    event = unwrap(hook, endpoint["secret"])
    assert (event.id, event.object, event.type) == (hook["headers"]["webhook-id"], "event", kind)
    assert event.data.id == video["id"]
    with pytest.raises(InvalidWebhookSignatureError):
        unwrap(hook, "whsec_c29tZWJvZHkgZWxzZQ==")
    with pytest.raises(InvalidWebhookSignatureError):
        unwrap({**hook, "body": hook["body"].replace(video["id"], "video_other")}, endpoint["secret"])


@pytest.mark.parametrize(("prompt", "kind"), [("a boat", "batch.completed"), ("", "batch.failed")])
def test_openai_client_verifies_the_end_of_a_batch(
    stack: RunningStack, api: httpx.Client, admin: httpx.Client, prompt: str, kind: str
):
    endpoint = register(admin, f"{stack.upstream}/webhooks/{kind}", events=[kind])
    batch = a_batch(api, [prompt])
    (hook,) = wait_until(lambda: received(stack, kind), "the webhook has arrived")
    event = unwrap(hook, endpoint["secret"])
    assert (event.type, event.data.id) == (kind, batch["id"])


def test_openai_client_verifies_that_a_batch_was_cancelled(stack: RunningStack, api: httpx.Client, admin: httpx.Client):
    endpoint = register(admin, f"{stack.upstream}/webhooks/cancelled", events=["batch.cancelled"])
    batch = a_batch(api, ["a boat"] * 100)
    api.post(f"/batches/{batch['id']}/cancel").raise_for_status()
    (hook,) = wait_until(lambda: received(stack, "cancelled"), "the webhook has arrived", limit_s=60)
    event = unwrap(hook, endpoint["secret"])
    assert (event.type, event.data.id) == ("batch.cancelled", batch["id"])


def test_openai_client_verifies_either_secret_while_one_is_rotated(stack: RunningStack, admin: httpx.Client):
    old = register(admin, f"{stack.upstream}/webhooks/rotated")
    new = admin.post(f"/webhooks/{old['id']}/rotate").raise_for_status().json()
    told = admin.post(f"/webhooks/{old['id']}/test").raise_for_status().json()
    assert (told["delivered"], told["status_code"], told["error"]) == (True, 204, None)
    (hook,) = received(stack, "rotated")
    assert old["secret"] != new["secret"]
    assert {unwrap(hook, secret).id for secret in (old["secret"], new["secret"])} == {told["event_id"]}


def test_a_delivery_is_repeated_until_it_arrives_and_the_log_tells(
    stack: RunningStack, api: httpx.Client, admin: httpx.Client
):
    endpoint = register(admin, "http://127.0.0.1:9/nobody", events=["video.completed"])
    video = api.post("/videos", json={"prompt": "a boat"}).raise_for_status().json()["id"]

    def delivery() -> dict[str, Any]:
        listed = admin.get(f"/webhooks/{endpoint['id']}/deliveries").raise_for_status().json()["data"]
        return next((one for one in listed if video in one["event_id"]), {})

    first = wait_until(lambda: (one := delivery()).get("attempts") and one, "the first attempt is in the log")
    assert (first["status"], len(first["attempts"]), first["attempts"][0]["status_code"]) == ("pending", 1, None)
    assert first["next_attempt_at"] > first["happened_at"]
    admin.patch(f"/webhooks/{endpoint['id']}", json={"url": f"{stack.upstream}/webhooks/late"}).raise_for_status()
    (hook,) = wait_until(lambda: received(stack, "late"), "the second attempt has arrived", limit_s=60)
    assert json.loads(hook["body"])["data"]["id"] == video
    after = wait_until(lambda: (one := delivery())["status"] == "delivered" and one, "the log knows")
    assert [attempt["status_code"] for attempt in after["attempts"]] == [None, 204]


def test_the_example_receiver_verifies_and_drops_repeats(stack: RunningStack, admin: httpx.Client, api: httpx.Client):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    endpoint = register(admin, f"http://127.0.0.1:{port}/", events=["video.completed"])
    environment = os.environ | {"OPENAI_WEBHOOK_SECRET": endpoint["secret"]}
    command = [sys.executable, str(ROOT / "examples/webhook_receiver.py"), str(port)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as receiver:
        try:
            wait_until(lambda: httpx.post(f"http://127.0.0.1:{port}/", content="{}").status_code == 400, "it refuses")
            video = ended(api, api.post("/videos", json={"prompt": "a boat"}).raise_for_status().json()["id"])
            assert receiver.stdout
            assert receiver.stdout.readline() == f"video.completed {video['id']}\n"
        finally:
            receiver.terminate()
