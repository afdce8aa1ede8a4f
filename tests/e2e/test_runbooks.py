"""What docs/operations.md says about the API can be done, and has the effect it says."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.running_stack import RunningStack, wait_until

OPERATIONS = (Path(__file__).parents[2] / "docs/operations.md").read_text()
ONLY_IN_AZURE = re.compile(r"\baz(d)? ")
BLOCKS = re.findall(r"```sh\n(.*?)```", OPERATIONS, re.DOTALL)
GIVEN = re.findall(r"^(\w+)=", BLOCKS[0], re.MULTILINE)
RUNBOOKS = [
    (title, block)
    for title, text in re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", OPERATIONS, re.MULTILINE | re.DOTALL)
    for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    if not ONLY_IN_AZURE.search(block)
]


def render_time_s(seconds: float | None) -> dict[str, Any]:
    """What the stand-ins are told: how long this deployment renders from now on, or as long as the others."""
    return {"deployments": {"sora-2-pro-swedencentral": {"render_time_s": seconds}}}


def run(block: str, stack: RunningStack, **names: str) -> str:
    """Run commands of the page as its reader would, with what it says they take, on the local stack."""
    here = {
        "BASE_URL": stack.base_url,
        "HOST": stack.host,
        "API_KEY": stack.api_key,
        "ADMIN_KEY": stack.admin_key,
    }
    given = {name: here.get(name, "not-asked-for-here") for name in GIVEN}
    environment = {"PATH": "/usr/bin:/bin"} | given | names
    done = subprocess.run(
        ["sh", "-eu"], input=block, text=True, env=environment, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def video_id(stack: RunningStack, request: pytest.FixtureRequest) -> Iterator[str]:
    """A video that is being rendered."""
    control = f"{stack.upstream}/_control/settings"
    httpx.post(control, json=render_time_s(600)).raise_for_status()
    with httpx.Client(base_url=stack.base_url, headers={"api-key": stack.api_key}) as api:
        created = api.post("/videos", json={"prompt": request.node.name, "model": "sora-2-pro"})
        video_id = created.raise_for_status().json()["id"]
        wait_until(lambda: api.get(f"/videos/{video_id}").json()["status"] == "in_progress", "it is being rendered")
        yield video_id
        api.post(f"/videos/{video_id}/cancel")
    httpx.post(control, json=render_time_s(None)).raise_for_status()


@pytest.fixture
def webhook_id(stack: RunningStack) -> Iterator[str]:
    """The endpoint of a tenant that has nothing to hear of."""
    headers = {"api-key": stack.admin_key}
    with httpx.Client(base_url=stack.base_url, headers=headers) as admin:
        made = admin.post("/admin/webhooks", json={"tenant": "operations", "url": "https://operations.example/hook"})
        webhook_id = made.raise_for_status().json()["id"]
        yield webhook_id
        admin.delete(f"/admin/webhooks/{webhook_id}").raise_for_status()


def orchestration(stack: RunningStack, video_id: str) -> dict[str, Any]:
    return httpx.get(f"{stack.host}/runtime/webhooks/durabletask/instances/{video_id}").json()


def block_with(text: str) -> str:
    (block,) = (block for _, block in RUNBOOKS if text in block)
    return block


@pytest.mark.parametrize("block", [pytest.param(block, id=title) for title, block in RUNBOOKS])
def test_the_commands_of_a_runbook_are_answered(
    block: str, stack: RunningStack, video_id: str, webhook_id: str
) -> None:
    run(block, stack, VIDEO_ID=video_id, WEBHOOK_ID=webhook_id)


def test_the_orchestration_of_a_stuck_video_starts_over(stack: RunningStack, video_id: str) -> None:
    before = orchestration(stack, video_id)["createdTime"]
    run(block_with("terminate"), stack, VIDEO_ID=video_id)
    wait_until(
        lambda: (now := orchestration(stack, video_id))["runtimeStatus"] == "Running" and now["createdTime"] > before,
        "the sweeper has started it over",
    )


def test_a_video_that_somebody_lost_patience_with_is_cancelled(stack: RunningStack, video_id: str) -> None:
    run(block_with("/cancel"), stack, VIDEO_ID=video_id)
    look = block_with("showHistory")
    wait_until(lambda: '"code":"cancelled"' in run(look, stack, VIDEO_ID=video_id), "it has ended")


def test_whatever_asks_the_api_is_run() -> None:
    asking = [block for block in BLOCKS if "curl" in block]
    assert [block for _, block in RUNBOOKS] == asking
