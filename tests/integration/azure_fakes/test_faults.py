"""Every fault does what it says, and no more."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from local.azure_fakes.fakes import Fakes

BODY = {"model": "sora-2", "prompt": "a paper boat"}


async def create(videos_api: httpx.AsyncClient) -> httpx.Response:
    return await videos_api.post("/videos", json=BODY)


async def video(videos_api: httpx.AsyncClient, control: Any) -> str:
    """Return the URL of a completed video."""
    return f"/videos/{await control.completed((await create(videos_api)).json()['id'])}"


async def number_of_jobs(control: Any) -> int:
    return len((await control.state())["jobs"])


async def test_status_answers_instead(videos_api: httpx.AsyncClient, control: Any) -> None:
    await control.faults(
        {
            "operation": "create",
            "effect": "status",
            "status": 503,
            "headers": {"retry-after": "7"},
            "body": {"error": {"message": "down"}},
            "times": 2,
        }
    )
    for _ in range(2):
        answer = await create(videos_api)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
        assert answer.json() == {"error": {"message": "down"}}
    assert (await create(videos_api)).status_code == 200
    assert await number_of_jobs(control) == 1
    assert (await control.state())["counters"]["rejected_503"] == 2


async def test_status_without_a_body_has_the_usual_envelope(videos_api: httpx.AsyncClient, control: Any) -> None:
    await control.faults({"operation": "list", "effect": "status", "status": 403, "times": 1})
    assert (await videos_api.get("/videos")).json()["error"]["type"] == "video_generation_user_error"


async def test_drop_before_leaves_nothing_behind(videos_api: httpx.AsyncClient, control: Any) -> None:
    await control.faults({"operation": "create", "effect": "drop_before", "times": 1})
    with pytest.raises(httpx.TransportError):
        await create(videos_api)
    assert await number_of_jobs(control) == 0
    assert (await create(videos_api)).status_code == 200


async def test_drop_after_leaves_the_job(videos_api: httpx.AsyncClient, control: Any) -> None:
    await control.faults({"operation": "create", "effect": "drop_after", "times": 1})
    with pytest.raises(httpx.TransportError):
        await create(videos_api)
    assert await number_of_jobs(control) == 1
    assert len((await videos_api.get("/videos")).json()["data"]) == 1


async def test_drop_late_leaves_the_job_after_a_while(videos_api: httpx.AsyncClient, control: Any) -> None:
    await control.faults({"operation": "create", "effect": "drop_late", "seconds": 0.1, "times": 1})
    with pytest.raises(httpx.TransportError):
        await create(videos_api)
    assert await number_of_jobs(control) == 0
    while await number_of_jobs(control) == 0:
        await asyncio.sleep(0.005)


@pytest.mark.parametrize("form", [{"json": BODY}, {"files": {name: (None, value) for name, value in BODY.items()}}])
async def test_delay_before_carries_out_when_the_caller_has_gone(
    videos_api: httpx.AsyncClient, control: Any, form: dict[str, Any]
) -> None:
    await control.faults({"operation": "create", "effect": "delay_before", "seconds": 0.2, "times": 1})
    with pytest.raises(httpx.ReadTimeout):
        await videos_api.post("/videos", **form, timeout=0.05)
    assert await number_of_jobs(control) == 0
    while await number_of_jobs(control) == 0:
        await asyncio.sleep(0.005)


async def test_status_after_lies_about_what_was_done(videos_api: httpx.AsyncClient, control: Any) -> None:
    await control.faults({"operation": "create", "effect": "status_after", "status": 500, "times": 1})
    answer = await create(videos_api)
    assert (answer.status_code, answer.json()["error"]["message"]) == (500, "This fault was injected.")
    assert await number_of_jobs(control) == (await control.state())["counters"]["create"] == 1


async def test_delay_carries_out_at_once_and_answers_late(videos_api: httpx.AsyncClient, control: Any) -> None:
    await control.faults({"operation": "create", "effect": "delay", "seconds": 60, "times": 1})
    with pytest.raises(httpx.ReadTimeout):
        await videos_api.post("/videos", json=BODY, timeout=0.1)
    assert await number_of_jobs(control) == 1


async def test_a_delayed_answer_does_come(videos_api: httpx.AsyncClient, control: Any) -> None:
    await control.faults({"operation": "create", "effect": "delay", "seconds": 0.1, "times": 1})
    started = asyncio.get_running_loop().time()
    assert (await create(videos_api)).status_code == 200
    assert asyncio.get_running_loop().time() - started >= 0.1


async def test_truncate_closes_in_the_middle(videos_api: httpx.AsyncClient, control: Any) -> None:
    await control.settings(content_bytes=3_000_000)
    url = await video(videos_api, control)
    await control.faults({"operation": "content", "effect": "truncate", "times": 1})
    received = 0
    with pytest.raises(httpx.RemoteProtocolError):  # noqa: PT012  (what came before the error is the point)
        async with videos_api.stream("GET", f"{url}/content") as answer:
            assert answer.headers["content-length"] == "3000000"
            async for chunk in answer.aiter_raw():
                received += len(chunk)
    assert received == 1_500_000
    assert len((await videos_api.get(f"{url}/content")).content) == 3_000_000


async def test_trickle_takes_its_time_and_loses_nothing(videos_api: httpx.AsyncClient, control: Any) -> None:
    url = await video(videos_api, control)
    whole = (await videos_api.get(f"{url}/content")).content
    await control.faults({"operation": "content", "effect": "trickle", "seconds": 0.2, "times": 1})
    started = asyncio.get_running_loop().time()
    assert (await videos_api.get(f"{url}/content")).content == whole
    assert asyncio.get_running_loop().time() - started >= 0.2


async def test_garbage_is_as_long_as_the_truth(videos_api: httpx.AsyncClient, control: Any) -> None:
    url = await video(videos_api, control)
    whole = (await videos_api.get(f"{url}/content")).content
    await control.faults(
        {"operation": "content", "effect": "garbage", "times": 1},
        {"operation": "create", "effect": "garbage", "times": 1},
    )
    noise = (await videos_api.get(f"{url}/content")).content
    assert len(noise) == len(whole)
    assert b"ftyp" not in noise
    unreadable = await create(videos_api)
    assert unreadable.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        unreadable.json()
    assert await number_of_jobs(control) == 2


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"effect": "fail_job"}, "internal_error"),
        ({"effect": "fail_job", "body": {"code": "gpu_lost", "message": "A GPU was lost."}}, "gpu_lost"),
        ({"effect": "moderate"}, "moderation_blocked"),
    ],
)
@pytest.mark.parametrize("operation", ["create", "retrieve"])
async def test_a_job_can_be_made_to_fail(
    videos_api: httpx.AsyncClient, control: Any, operation: str, fault: dict[str, Any], code: str
) -> None:
    await control.faults({"operation": operation, "times": 1} | fault)
    created = (await create(videos_api)).json()
    assert created["status"] == "queued"
    failed = (await videos_api.get(f"/videos/{created['id']}")).json()
    assert (failed["status"], failed["error"]["code"]) == ("failed", code)
    assert (await videos_api.get(f"/videos/{created['id']}/content")).status_code == 400


async def test_a_failed_job_keeps_its_progress(videos_api: httpx.AsyncClient, control: Any) -> None:
    await control.settings(render_time_s=100)
    url = f"/videos/{(await create(videos_api)).json()['id']}"
    await control.settings(clock_offset_s=50)
    await control.faults({"operation": "retrieve", "effect": "fail_job", "times": 1})
    assert (await videos_api.get(url)).json()["progress"] in (50, 51)
    await control.settings(clock_offset_s=90)
    assert (await videos_api.get(url)).json()["progress"] in (50, 51)


@pytest.mark.parametrize("operation", ["create", "retrieve", "content"])
async def test_content_can_be_made_to_expire(videos_api: httpx.AsyncClient, control: Any, operation: str) -> None:
    await control.faults({"operation": operation, "effect": "expire", "times": 1})
    url = await video(videos_api, control)
    assert (await videos_api.get(url)).json()["status"] == "completed"
    answer = await videos_api.get(f"{url}/content")
    assert (answer.status_code, "expired" in answer.text) == (404, True)


async def test_a_fault_is_for_one_operation_and_one_deployment(videos_api: httpx.AsyncClient, control: Any) -> None:
    await control.settings(api_keys=None, api_key="shared")
    videos_api.headers["api-key"] = "shared"
    await control.faults({"operation": "create", "deployment": "east", "effect": "status", "status": 500, "times": 9})
    assert (await videos_api.get("/videos")).status_code == 200
    assert (await create(videos_api)).status_code == 200
    assert (await videos_api.post("/videos", json=BODY | {"model": "east"})).status_code == 500


async def test_faults_with_a_probability_are_drawn_by_the_seed(videos_api: httpx.AsyncClient, control: Any) -> None:
    async def draw() -> list[int]:
        await control.settings(seed=3)
        return [(await videos_api.get("/videos")).status_code for _ in range(30)]

    await control.faults({"operation": "list", "effect": "status", "status": 500, "times": 1000, "probability": 0.5})
    first = await draw()
    assert set(first) == {200, 500}
    assert await draw() == first


async def test_faults_can_be_read_and_cleared(videos_api: httpx.AsyncClient, control: Any, fakes: Fakes) -> None:
    await control.faults({"operation": "list", "effect": "drop_before", "times": 5})
    faults = f"{fakes.url}/_control/faults"
    assert [fault["times"] for fault in (await videos_api.get(faults)).json()] == [5]
    await videos_api.delete(faults)
    assert (await videos_api.get("/videos")).status_code == 200


@pytest.mark.parametrize(
    ("operation", "path"),
    [("token", "/identity/token"), ("event", "/eventgrid/api/events"), ("webhook", "/webhooks/a")],
)
async def test_the_other_services_fail_too(
    http: httpx.AsyncClient, fakes: Fakes, control: Any, operation: str, path: str
) -> None:
    method = "GET" if operation == "token" else "POST"
    await control.faults({"operation": operation, "effect": "status", "status": 503, "times": 1})
    await control.faults({"operation": operation, "effect": "drop_before", "times": 1})
    assert (await http.request(method, fakes.url + path)).status_code == 503
    with pytest.raises(httpx.TransportError):
        await http.request(method, fakes.url + path)


@pytest.mark.parametrize("fault", [{"operation": "list"}, {"operation": "nap", "effect": "delay"}, {"effort": 1}])
async def test_a_fault_that_makes_no_sense_is_refused(http: httpx.AsyncClient, fakes: Fakes, fault: Any) -> None:
    answer = await http.post(f"{fakes.url}/_control/faults", json=[fault])
    assert answer.status_code == 422
    assert answer.json()["error"]["problems"]
