"""/readyz says which credential is missing, and never shows one."""

import httpx
import pytest

from tests.integration.app.front_door import UPSTREAM_KEY


async def test_ready_with_every_credential(caller: httpx.AsyncClient):
    answer = await caller.get("http://reelay/readyz")

    assert answer.status_code == 200
    assert answer.json()["deployments"] == {"keyed": {"credential": "ok", "reason": None}}


async def test_not_ready_without_one(caller: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(UPSTREAM_KEY)

    answer = await caller.get("http://reelay/readyz")

    assert (answer.status_code, answer.json()["status"], answer.json()["storage"]) == (503, "not_ready", "ok")
    assert answer.json()["deployments"]["keyed"] == {
        "credential": "unavailable",
        "reason": f"env:{UPSTREAM_KEY} is empty or not set",
    }


async def test_keys_are_not_shown(caller: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(UPSTREAM_KEY, "sk-secret")

    assert "sk-secret" not in (await caller.get("http://reelay/readyz")).text
