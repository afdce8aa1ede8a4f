"""The control API, and the independence of one set of fakes from another."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from local.azure_fakes.fakes import Fakes, run_fakes


async def test_settings_are_merged(control: Any, http: httpx.AsyncClient, fakes: Fakes) -> None:
    await control.settings(render_time_s=1, deployments={"a": {"max_running": 1}}, secrets={"x": "1"})
    settings = await control.settings(deployments={"b": {"max_running": 2}}, secrets={"x": None, "y": "2"})
    assert settings["render_time_s"] == 1
    assert {name: own["max_running"] for name, own in settings["deployments"].items()} == {"a": 1, "b": 2}
    assert settings["secrets"] == {"y": "2"}
    assert (await http.get(f"{fakes.url}/_control/settings")).json() == settings


async def test_null_takes_a_setting_back_to_its_default(control: Any) -> None:
    await control.settings(render_time_s=1)
    assert (await control.settings(render_time_s=None))["render_time_s"] == 6


@pytest.mark.parametrize("patch", [{"render_time": 1}, {"render_time_s": -1}, {"deployments": {"a": {"b": 1}}}, []])
async def test_bad_settings_change_nothing(fakes: Fakes, http: httpx.AsyncClient, patch: object) -> None:
    before = fakes.world.settings
    answer = await http.post(f"{fakes.url}/_control/settings", json=patch)
    assert answer.status_code == 422
    assert answer.json()["error"]["problems"]
    assert fakes.world.settings == before


async def test_reset_clears_what_happened_and_keeps_the_settings(
    fakes: Fakes, videos_api: httpx.AsyncClient, control: Any
) -> None:
    assert (await videos_api.post("/videos", json={"model": "sora-2", "prompt": "a boat"})).status_code == 200
    await videos_api.post(f"{fakes.url}/webhooks/a")
    assert (await videos_api.post(f"{fakes.url}/_control/reset")).status_code == 204
    state = await control.state()
    assert (state["jobs"], state["webhooks"], state["events"], state["max_running"]) == ([], [], [], {})
    assert set(state["counters"].values()) == {0}
    assert (await videos_api.post("/videos", json={"model": "sora-2", "prompt": "a boat"})).status_code == 200


async def test_the_counters_are_there_from_the_start(control: Any) -> None:
    counters = (await control.state())["counters"]
    names = ("create", "retrieve", "list", "content", "delete", "remix", "token", "secret", "event", "webhook")
    assert [counters[name] for name in (*names, "rejected_429")] == [0] * (len(names) + 1)


async def test_two_sets_of_fakes_share_nothing(fakes: Fakes, media_folder: Path, videos_api: httpx.AsyncClient) -> None:
    async with run_fakes(media_folder=media_folder) as other:
        await videos_api.post("/videos", json={"model": "sora-2", "prompt": "a boat"})
        assert len(list(fakes.world.jobs)) == 1
        assert list(other.world.jobs) == []
        token, _ = fakes.world.tokens.issue("https://ai.azure.com", None)
        answer = await videos_api.get(
            f"{other.url}/openai/v1/videos", headers={"authorization": f"Bearer {token}", "api-key": ""}
        )
        assert answer.status_code == 401
