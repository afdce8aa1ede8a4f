"""Whatever goes wrong is answered in OpenAI's envelope."""

import pytest
from azure.core.exceptions import ServiceRequestError

from tests.unit.examples import a_video, an_id
from tests.unit.front_door.world import MAX_BODY_BYTES, World, error_of


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/no/such/route", "/videos", "/v2/videos"])
async def test_an_unknown_route(world: World, path: str):
    response = await world.ask("GET", path)
    error = error_of(response)
    assert (response.status_code, error["type"], error["code"]) == (404, "invalid_request_error", "not_found")
    assert f"GET {path}" in error["message"]
    assert "/docs" in error["message"]


async def test_an_unknown_method_says_which_there_are(world: World):
    response = await world.ask("PUT", "/v1/models")
    assert (response.status_code, error_of(response)["code"]) == (405, "method_not_allowed")
    assert response.headers["allow"] == "GET"


@pytest.mark.parametrize(
    ("query", "param"), [("limit=0", "limit"), ("limit=101", "limit"), ("limit=x", "limit"), ("order=up", "order")]
)
async def test_a_wrong_parameter_is_named(world: World, query: str, param: str):
    response = await world.ask("GET", f"/v1/videos?{query}")
    assert (response.status_code, error_of(response)["param"]) == (400, param)


async def test_a_refusal_of_ours_keeps_its_param_and_code(world: World):
    response = await world.ask("POST", "/v1/videos", json={"prompt": "A fox.", "model": "veo-9"})
    error = error_of(response)
    assert (response.status_code, error["param"], error["code"]) == (400, "model", "model_not_found")


async def test_a_body_over_the_limit_is_413(world: World):
    response = await world.ask("POST", "/v1/videos", content=b"x" * (MAX_BODY_BYTES + 1))
    assert (response.status_code, error_of(response)["code"]) == (413, "payload_too_large")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_what_nobody_foresaw_is_logged_and_told_without_its_details(
    world: World, method: str, caplog: pytest.LogCaptureFixture
):
    video = a_video(video_id=an_id(1))
    world.videos.broken[video.ref] = ZeroDivisionError("an inner secret")
    response = await world.ask(method, f"/v1/videos/{video.video_id}")
    assert (response.status_code, error_of(response)["code"]) == (500, "internal_error")
    assert "an inner secret" not in response.text
    assert "an inner secret" in caplog.text


async def test_storage_that_is_down_asks_to_come_back(world: World):
    video = a_video(video_id=an_id(1))
    world.videos.broken[video.ref] = ServiceRequestError("connection refused")
    response = await world.ask("GET", f"/v1/videos/{video.video_id}")
    assert (response.status_code, error_of(response)["code"]) == (503, "busy")
    assert float(response.headers["retry-after"]) > 0
