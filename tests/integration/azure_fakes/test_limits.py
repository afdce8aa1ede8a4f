"""The cap on running jobs, and the limit on requests a minute."""

from typing import Any

import httpx

TOO_MANY_RUNNING = (
    '{"error":{"message":"Too many running tasks","type":"video_generation_user_error","param":null,"code":null}}'
)


async def create(videos_api: httpx.AsyncClient) -> httpx.Response:
    return await videos_api.post("/videos", json={"model": "sora-2", "prompt": "a paper boat"})


async def rendered_media(videos_api: httpx.AsyncClient, control: Any) -> None:
    """Let the first render happen, so that jobs finish by the clock alone."""
    await control.completed((await create(videos_api)).json()["id"])


async def test_only_so_many_jobs_run_at_once(videos_api: httpx.AsyncClient, control: Any) -> None:
    await rendered_media(videos_api, control)
    await control.settings(max_running=2, render_time_s=100)
    assert [(await create(videos_api)).status_code for _ in range(2)] == [200, 200]

    refused = await create(videos_api)
    assert (refused.status_code, refused.text) == (429, TOO_MANY_RUNNING)
    assert 95_000 < int(refused.headers["retry-after-ms"]) <= 100_000
    assert int(refused.headers["retry-after"]) <= 100
    assert "apim-request-id" in refused.headers

    await control.settings(clock_offset_s=101)
    assert (await create(videos_api)).status_code == 200
    state = await control.state()
    assert (state["counters"]["create"], state["counters"]["rejected_429"]) == (4, 1)
    assert (state["requests"]["create"], state["max_running"]) == (5, {"sora-2": 2})


async def test_a_deleted_or_failed_job_runs_no_longer(videos_api: httpx.AsyncClient, control: Any) -> None:
    await control.settings(max_running=1, render_time_s=100)
    video_id = (await create(videos_api)).json()["id"]
    await videos_api.delete(f"/videos/{video_id}")
    video_id = (await create(videos_api)).json()["id"]
    assert (await create(videos_api)).status_code == 429

    await control.faults({"operation": "retrieve", "effect": "fail_job", "times": 1})
    assert (await videos_api.get(f"/videos/{video_id}")).json()["status"] == "failed"
    assert (await create(videos_api)).status_code == 200


async def test_only_so_many_requests_a_minute(videos_api: httpx.AsyncClient, control: Any) -> None:
    await control.settings(requests_per_minute=2)
    first, second, refused = [await create(videos_api) for _ in range(3)]
    assert [first.headers[f"x-ratelimit-{name}-requests"] for name in ("limit", "remaining", "reset")] == [
        "2",
        "1",
        "60",
    ]
    assert second.headers["x-ratelimit-remaining-requests"] == "0"
    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "429"
    assert "exceeded call rate limit" in refused.json()["error"]["message"]
    assert 55_000 < int(refused.headers["retry-after-ms"]) <= 60_000
    assert refused.headers["x-ratelimit-remaining-requests"] == "0"

    await control.settings(clock_offset_s=61)
    assert (await create(videos_api)).status_code == 200


async def test_limits_are_of_one_deployment(videos_api: httpx.AsyncClient, control: Any) -> None:
    await control.settings(api_key="shared", api_keys=None, deployments={"small": {"max_running": 0}})
    headers = {"api-key": "shared"}
    small = {"model": "small", "prompt": "a paper boat"}
    assert (await videos_api.post("/videos", json=small, headers=headers)).status_code == 429
    assert (await videos_api.post("/videos", json=small | {"model": "large"}, headers=headers)).status_code == 200
