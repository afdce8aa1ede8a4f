"""One set of fakes per test, on free ports, with one deployment `sora-2` that renders at once."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import AsyncOpenAI

from local.azure_fakes.fakes import Fakes, run_fakes

KEY = "key-of-sora-2"


class Control:
    """The `/_control` API."""

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self._http = http
        self._url = f"{url}/_control"

    async def settings(self, **settings: Any) -> dict[str, Any]:
        return (await self._http.post(f"{self._url}/settings", json=settings)).raise_for_status().json()

    async def faults(self, *faults: dict[str, Any]) -> None:
        (await self._http.post(f"{self._url}/faults", json=faults)).raise_for_status()

    async def state(self) -> dict[str, Any]:
        return (await self._http.get(f"{self._url}/state")).raise_for_status().json()

    async def job(self, job_id: str) -> dict[str, Any]:
        return next(job for job in (await self.state())["jobs"] if job["id"] == job_id)

    async def completed(self, job_id: str) -> str:
        """Wait, unseen by the videos API, until a job is completed."""
        while (await self.job(job_id))["status"] != "completed":
            await asyncio.sleep(0.005)
        return job_id


@pytest.fixture(scope="session")
def media_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("media")


@pytest.fixture
async def http() -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=20) as client:
        yield client


@pytest.fixture
async def fakes(media_folder: Path) -> AsyncGenerator[Fakes]:
    async with run_fakes(media_folder=media_folder) as running:
        running.world.change_settings({"api_keys": {"sora-2": KEY}, "render_time_s": 0})
        yield running


@pytest.fixture
def control(fakes: Fakes, http: httpx.AsyncClient) -> Control:
    return Control(http, fakes.url)


@pytest.fixture
async def videos_api(fakes: Fakes) -> AsyncGenerator[httpx.AsyncClient]:
    """The resource that a deployment shares with others, for requests that no SDK would send."""
    async with httpx.AsyncClient(base_url=f"{fakes.url}/openai/v1", headers={"api-key": KEY}, timeout=20) as client:
        yield client


@pytest.fixture
async def openai(fakes: Fakes) -> AsyncGenerator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=f"{fakes.url}/openai/v1", api_key=KEY, max_retries=0) as client:
        yield client
