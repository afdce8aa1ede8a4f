"""`python -m benchmarks.batch`: a batch on the real stack, and how soon one of 50,000 lines is accepted."""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from logging import NullHandler
from typing import Any, Final

from durabletask.client import AsyncTaskHubGrpcClient
from pydantic import BaseModel

from benchmarks.figure import Aim, Figure, Unit
from benchmarks.memory import MEMORY_AIM, Peak, peak_of
from benchmarks.stack import Stack, running_stack
from benchmarks.table import print_table
from local.stack.main import run

LINES: Final = 2_000
SLOTS: Final = 20
RENDER_TIME_S: Final = 2.0
LOOK_S: Final = 1.0
INTERRUPTED: Final = 130
MANY_LINES: Final = 50_000
MANY_PROMPT: Final = "a paper boat on a still lake at dawn " * 104
"""So that the file has just under 200 MB."""
ACCEPTED_AIM: Final = Aim(10)


class _Counts(BaseModel):
    total: int
    completed: int
    failed: int


class _Batch(BaseModel):
    id: str
    status: str
    output_file_id: str | None
    request_counts: _Counts


@dataclass
class _History:
    """The most events that the history of the batch's instance was seen to have."""

    most: int = 0


async def measure(lines: int, render_time_s: float) -> list[Figure]:
    """Run both, each on a stack of its own."""
    return [*await _run(lines, render_time_s), *await _accept()]


async def _run(lines: int, render_time_s: float) -> list[Figure]:
    async with running_stack(render_time_s=render_time_s, models=_models, REELAY_HISTORY_RETENTION_S="60") as stack:
        file_id = await _upload(stack, lines, "a paper boat")
        with peak_of(stack.host_pid) as peak:
            started = time.perf_counter()
            batch_id = await _create(stack, file_id)
            history = await _until_ended(stack, batch_id)
            wall_s = time.perf_counter() - started
        await _check(stack, batch_id, lines)
    return list(_figures(lines, render_time_s, wall_s, peak, history))


def _figures(lines: int, render_time_s: float, wall_s: float, peak: Peak, history: _History) -> list[Figure]:
    bound_s = lines * render_time_s / SLOTS
    remark = f"{lines} lines, {SLOTS} slots, {render_time_s:g} s each: not less than {bound_s:g} s"
    return [
        Figure(name="batch, from accepted to completed", value=wall_s, unit=Unit.SECONDS, remark=remark),
        Figure(name="of that, what the renders take", value=100 * bound_s / wall_s, unit=Unit.PERCENT),
        peak.figure("host memory", MEMORY_AIM),
        Figure(
            name="history events of the batch", value=history.most, unit=Unit.COUNT, remark="the most that were seen"
        ),
    ]


async def _accept() -> list[Figure]:
    async with running_stack(models=_models) as stack:
        file_id = await _upload(stack, MANY_LINES, MANY_PROMPT)
        with peak_of(stack.host_pid) as peak:
            started = time.perf_counter()
            batch_id = await _create(stack, file_id)
            accepted_s = time.perf_counter() - started
            async for batch in _looks(stack, batch_id):
                if batch.status != "validating":
                    break
            validated_s = time.perf_counter() - started
        (await stack.api.post(f"/batches/{batch_id}/cancel")).raise_for_status()
    remark = f"{MANY_LINES} lines; looked at after {validated_s:.1f} s"
    name = "answer to POST /batches"
    accepted = Figure(name=name, value=accepted_s, unit=Unit.SECONDS, aim=ACCEPTED_AIM, remark=remark)
    return [accepted, peak.figure("host memory, while lines are looked at", MEMORY_AIM)]


async def _upload(stack: Stack, lines: int, prompt: str) -> str:
    text = b"".join(_line(number, prompt) for number in range(lines))
    answer = await stack.api.post("/files", data={"purpose": "batch"}, files={"file": ("in.jsonl", text)}, timeout=120)
    return answer.raise_for_status().json()["id"]


def _line(number: int, prompt: str) -> bytes:
    body = {"prompt": f"{prompt}, take {number}", "seconds": "4", "size": "1280x720"}
    asked = {"custom_id": f"take-{number}", "method": "POST", "url": "/v1/videos", "body": body}
    return json.dumps(asked).encode() + b"\n"


async def _create(stack: Stack, file_id: str) -> str:
    asked = {"input_file_id": file_id, "endpoint": "/v1/videos", "completion_window": "24h"}
    return (await stack.api.post("/batches", json=asked)).raise_for_status().json()["id"]


async def _looks(stack: Stack, batch_id: str) -> AsyncIterator[_Batch]:
    while True:
        yield _Batch.model_validate_json((await stack.api.get(f"/batches/{batch_id}")).raise_for_status().content)
        await asyncio.sleep(LOOK_S)


async def _until_ended(stack: Stack, batch_id: str) -> _History:
    history = _History()
    async with _engine(stack) as engine:
        async for batch in _looks(stack, batch_id):
            history.most = max(history.most, len(await engine.get_orchestration_history(batch_id)))
            if batch.status not in {"validating", "in_progress"}:
                return history
    return history


async def _check(stack: Stack, batch_id: str, lines: int) -> None:
    """Every line once.

    Raises:
        RuntimeError: Some are missing, doubled or failed.
    """
    batch = _Batch.model_validate_json((await stack.api.get(f"/batches/{batch_id}")).raise_for_status().content)
    output = await stack.api.get(f"/files/{batch.output_file_id}/content", follow_redirects=True)
    names = [json.loads(line)["custom_id"] for line in output.raise_for_status().text.splitlines()]
    if sorted(names) != sorted(f"take-{number}" for number in range(lines)):
        raise RuntimeError(f"not every line is there once: {batch}")


@asynccontextmanager
async def _engine(stack: Stack) -> AsyncGenerator[AsyncTaskHubGrpcClient]:
    client = AsyncTaskHubGrpcClient(host_address=stack.engine, log_handler=NullHandler())
    try:
        yield client
    finally:
        await client.close()


def _models(upstream: str, render_time_s: float) -> Mapping[str, Any]:
    deployment = {
        "name": "only",
        "endpoint": f"{upstream}/sora-2/openai/v1/",
        "upstream_model": "sora-2",
        "auth": {"kind": "managed_identity"},
        "max_concurrent": SLOTS,
        "expected_render_s": render_time_s,
        "usd_per_second": {"*": "0.10"},
    }
    return {"sora-2": {"deployments": [deployment]}}


async def _measured(lines: int, render_time_s: float) -> int:
    load_before = os.getloadavg()[0]
    print_table({"batch": await measure(lines, render_time_s)}, load_before)
    return 0


def main() -> int:
    """Read the command line and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batch", description=__doc__)
    parser.add_argument("--lines", type=int, default=LINES)
    parser.add_argument("--render-time", type=float, default=RENDER_TIME_S, metavar="SECONDS")
    asked = parser.parse_args()
    lines: int = asked.lines
    render_time_s: float = asked.render_time
    return run(_measured(lines, render_time_s), when_stopped=INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main())
