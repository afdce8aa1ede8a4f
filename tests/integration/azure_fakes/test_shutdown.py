"""Nobody waits for the fakes to finish what they do, and nobody hears complaints about it."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from local.azure_fakes.fakes import run_fakes


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


async def test_requests_that_wait_are_dropped(media_folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    fault = [{"operation": "webhook", "effect": "delay", "seconds": 3600, "times": 1}]
    async with run_fakes(media_folder=media_folder) as fakes, httpx.AsyncClient() as client:
        await client.post(f"{fakes.url}/_control/faults", json=fault)
        waiting = asyncio.create_task(client.post(f"{fakes.url}/webhooks/a"))
        await until(lambda: fakes.world.webhooks)
    with pytest.raises(httpx.TransportError):
        await waiting
    assert caplog.records == []


async def test_renders_are_given_up_and_taken_up_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with run_fakes(folder=tmp_path) as fakes, httpx.AsyncClient(headers={"api-key": "key"}) as client:
        fakes.world.change_settings({"api_key": "key", "render_time_s": 0})
        await client.post(f"{fakes.url}/openai/v1/videos", json={"model": "sora-2", "prompt": "a paper boat"})
        (job,) = fakes.world.jobs
        assert job.finished_at is None
    for _ in range(5):
        await asyncio.sleep(0)  # lets the callbacks run of what was given up
    assert job.finished_at is None
    assert caplog.records == []

    async with run_fakes(folder=tmp_path) as fakes:
        (again,) = fakes.world.jobs
        assert again.id == job.id
        await until(lambda: again.finished_at)
