"""A few of the faults again, this time through the front door, the orchestration and its durable timers."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.contract.caller_kit import ended
from tests.e2e.running_stack import RunningStack, wait_until

PRO_MODEL, PRO_DEPLOYMENT, PRO_SECRET = "sora-2-pro", "sora-2-pro-swedencentral", "sora-pro-key"


@pytest.fixture
def api(stack: RunningStack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.base_url, headers={"api-key": stack.api_key}, timeout=30) as client:
        yield client


@pytest.fixture
def control(stack: RunningStack) -> Iterator[httpx.Client]:
    """Of the fakes, which are afterwards as they were."""
    with httpx.Client(base_url=f"{stack.upstream}/_control", timeout=30) as client:
        before = client.get("/settings").json()
        yield client
        client.post("/settings", json={**before, "deployments": None}).raise_for_status()
        client.delete("/faults").raise_for_status()


def jobs_for(prompt: str, control: httpx.Client) -> list[dict[str, Any]]:
    return [job for job in control.get("/state").json()["jobs"] if job["prompt"] == prompt]


def accepted(api: httpx.Client, prompt: str, model: str = "sora-2") -> str:
    return api.post("/videos", json={"prompt": prompt, "model": model}).raise_for_status().json()["id"]


def test_busy_deployment_is_asked_again_when_it_wished(api: httpx.Client, control: httpx.Client):
    busy = {"operation": "create", "effect": "status", "status": 429, "times": 2, "headers": {"retry-after-ms": "400"}}
    control.post("/faults", json=[busy]).raise_for_status()

    video = ended(api, accepted(api, "busy"))

    assert video["status"] == "completed"
    assert video["reelay"]["timings"]["queued_s"] >= 0.8
    assert len(jobs_for("busy", control)) == 1


def test_creation_that_broke_off_is_not_paid_twice(api: httpx.Client, control: httpx.Client):
    control.post("/faults", json=[{"operation": "create", "effect": "drop_after"}]).raise_for_status()

    assert ended(api, accepted(api, "broke off"))["status"] == "completed"
    assert len(jobs_for("broke off", control)) == 1


def test_content_that_broke_off_is_fetched_again(api: httpx.Client, control: httpx.Client):
    control.post("/faults", json=[{"operation": "content", "effect": "truncate"}]).raise_for_status()

    video = ended(api, accepted(api, "cut off"))

    (job,) = jobs_for("cut off", control)
    assert (video["status"], video["reelay"]["sha256"]) == ("completed", job["sha256"])


def test_moderated_video_says_so(api: httpx.Client, control: httpx.Client):
    control.post("/faults", json=[{"operation": "create", "effect": "moderate"}]).raise_for_status()

    video = ended(api, accepted(api, "moderated"))

    assert (video["status"], video["error"]["code"]) == ("failed", "moderation_blocked")
    assert video["error"]["message"] == "Your request was blocked by our moderation system."


def test_key_may_be_rotated_while_a_video_renders(api: httpx.Client, control: httpx.Client):
    control.post("/settings", json={"deployments": {PRO_DEPLOYMENT: {"render_time_s": 1}}}).raise_for_status()
    video_id = accepted(api, "rotated", PRO_MODEL)
    wait_until(lambda: jobs_for("rotated", control), "the job was created with the old key")

    rotated = {"api_keys": {PRO_DEPLOYMENT: "new key"}, "secrets": {PRO_SECRET: "new key"}}
    control.post("/settings", json=rotated).raise_for_status()

    assert ended(api, video_id)["status"] == "completed"
    assert len(jobs_for("rotated", control)) == 1
