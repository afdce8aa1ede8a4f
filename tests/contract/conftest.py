"""The front door as its callers see it: plain HTTP, and videos in the states that the tests need."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.contract.caller_kit import ended
from tests.e2e.running_stack import RunningStack

SLOW_MODEL, SLOW_DEPLOYMENT = "sora-2-pro", "sora-2-pro-swedencentral"


@pytest.fixture(scope="session")
def api(stack: RunningStack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.base_url, headers={"api-key": stack.api_key}, timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
def other_tenant(stack: RunningStack, other_tenants_key: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.base_url, headers={"api-key": other_tenants_key}, timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
def completed(api: httpx.Client) -> dict[str, Any]:
    """A completed video."""
    asked = {"prompt": "a paper boat", "size": "1280x720", "user": "ann", "metadata": {"shot": "7"}}
    video = ended(api, api.post("/videos", json=asked).raise_for_status().json()["id"])
    assert video["status"] == "completed"
    return video


@pytest.fixture
def pending(stack: RunningStack, api: httpx.Client) -> Iterator[httpx.Response]:
    """The answer to the creation of a video that renders until the test is over."""
    control = f"{stack.upstream}/_control/settings"
    httpx.post(control, json={"deployments": {SLOW_DEPLOYMENT: {"render_time_s": 600}}}).raise_for_status()
    created = api.post("/videos", json={"prompt": "a glacier", "model": SLOW_MODEL}).raise_for_status()
    yield created
    api.post(f"/videos/{created.json()['id']}/cancel").raise_for_status()
    httpx.post(control, json={"deployments": {SLOW_DEPLOYMENT: {"render_time_s": None}}}).raise_for_status()
