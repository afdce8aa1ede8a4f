"""Every line of a batch is rendered once and reported once, whichever process dies in its midst."""

import json
from collections import Counter
from typing import Any

import pytest

from tests.chaos.world import World
from tests.e2e.running_stack import wait_until

LINES = 40
ENDED = {"completed", "failed", "expired", "cancelled"}


def begun(world: World) -> str:
    """A batch that has just been accepted."""
    asked = [{"prompt": f"line {number}", "seconds": "4", "size": "1280x720"} for number in range(LINES)]
    lines = [{"custom_id": body["prompt"], "method": "POST", "url": "/v1/videos", "body": body} for body in asked]
    text = "\n".join(json.dumps(line) for line in lines)
    sent = world.api.post("/files", data={"purpose": "batch"}, files={"file": ("in.jsonl", text)}).raise_for_status()
    fields = {"input_file_id": sent.json()["id"], "endpoint": "/v1/videos", "completion_window": "24h"}
    return world.api.post("/batches", json=fields).raise_for_status().json()["id"]


def batch(world: World, batch_id: str) -> dict[str, Any]:
    return world.api.get(f"/batches/{batch_id}").raise_for_status().json()


def reports(world: World, ended: dict[str, Any]) -> list[dict[str, Any]]:
    files = [file_id for file_id in (ended["output_file_id"], ended["error_file_id"]) if file_id]
    texts = [world.api.get(f"/files/{file_id}/content", follow_redirects=True).text for file_id in files]
    return [json.loads(line) for text in texts for line in text.splitlines()]


@pytest.mark.parametrize("services", [["host"], ["engine"], ["host", "engine", "host"]], ids="-".join)
def test_a_process_that_dies_in_mid_batch_costs_no_line_and_doubles_none(world: World, services: list[str]) -> None:
    world.reset(render_time_s=0.5)
    batch_id = begun(world)
    for number, service in enumerate(services):
        due = 1 + number * LINES // 4

        def is_due(due: int = due) -> bool:
            return batch(world, batch_id)["request_counts"]["completed"] >= due

        wait_until(is_due, f"{due} lines are completed", limit_s=60)
        running = world.stack.pids[service]
        world.kill(service)
        wait_until(lambda before=running, name=service: world.stack.pids[name] != before, f"{service} is replaced")

    def has_ended() -> dict[str, Any] | None:
        seen = batch(world, batch_id)
        return seen if seen["status"] in ENDED else None

    ended = wait_until(has_ended, "the batch has ended", limit_s=100)
    assert (ended["status"], ended["request_counts"]) == (
        "completed",
        {"total": LINES, "completed": LINES, "failed": 0},
    )
    assert Counter(line["custom_id"] for line in reports(world, ended)) == {f"line {n}": 1 for n in range(LINES)}
    assert Counter(job["prompt"] for job in world.upstream()["jobs"]) == {f"line {n}": 1 for n in range(LINES)}
