"""One Idempotency-Key makes one video, however often and however concurrently it is sent."""

import asyncio
import uuid

import httpx
import pytest

from tests.contract.caller_kit import data_url, error_of, image
from tests.e2e.running_stack import RunningStack

ASKED = {"prompt": "a paper boat", "size": "1280x720"}


@pytest.fixture
def key() -> dict[str, str]:
    return {"idempotency-key": str(uuid.uuid4())}


def test_same_key_and_body_is_the_same_video(api: httpx.Client, key: dict[str, str]):
    first, second = (api.post("/videos", json=ASKED, headers=key).raise_for_status().json() for _ in range(2))

    assert first["id"] == second["id"]


def test_body_may_come_in_another_shape(api: httpx.Client, key: dict[str, str]):
    as_json = api.post("/videos", json=ASKED, headers=key).raise_for_status()
    as_form = api.post("/videos", data=ASKED, headers=key).raise_for_status()

    assert as_json.json()["id"] == as_form.json()["id"]


@pytest.mark.parametrize(
    "other", [{"prompt": "a tin boat"}, {"seconds": "8"}, {"input_reference": {"image_url": data_url(image())}}]
)
def test_same_key_and_another_body_is_refused(api: httpx.Client, key: dict[str, str], other: dict[str, object]):
    api.post("/videos", json=ASKED, headers=key).raise_for_status()

    answer = api.post("/videos", json=ASKED | other, headers=key)

    error = error_of(answer)
    assert answer.status_code == 409
    assert (error["param"], error["code"]) == ("Idempotency-Key", "idempotency_key_reused")
    assert "new key" in error["message"]


def test_refused_request_does_not_use_the_key_up(api: httpx.Client, key: dict[str, str]):
    assert api.post("/videos", json={"prompt": ""}, headers=key).status_code == 400

    assert api.post("/videos", json=ASKED, headers=key).status_code == 200


async def test_twenty_at_once_make_one_video(stack: RunningStack, key: dict[str, str]):
    prompt = f"wanted once: {key}"
    headers = {"api-key": stack.api_key, **key}
    async with httpx.AsyncClient(base_url=stack.base_url, headers=headers, timeout=30) as client:
        answers = await asyncio.gather(*(client.post("/videos", json={"prompt": prompt}) for _ in range(20)))
        (video_id,) = {answer.raise_for_status().json()["id"] for answer in answers}

        listed = (await client.get("/videos", params={"limit": 100})).json()["data"]

    assert [video["id"] for video in listed if video["prompt"] == prompt] == [video_id]
