"""What a caller may send, and from where: every shape and path means the same."""

from typing import Any

import httpx
import pytest

from tests.contract.caller_kit import data_url, ended, image
from tests.e2e.running_stack import RunningStack

ASKED = {"prompt": "a paper boat", "model": "sora-2", "seconds": "8", "size": "1280x720"}
SHAPES: dict[str, dict[str, Any]] = {
    "JSON": {"json": ASKED | {"user": "ann", "metadata": {"shot": "7"}}},
    "JSON with a number": {"json": ASKED | {"seconds": 8, "user": "ann", "metadata": {"shot": "7"}}},
    "form": {"data": ASKED | {"user": "ann", "metadata[shot]": "7"}},
    "multipart": {"files": {k: (None, v) for k, v in (ASKED | {"user": "ann", "metadata[shot]": "7"}).items()}},
}
REFERENCES: dict[str, dict[str, Any]] = {
    "file": {"data": ASKED, "files": {"input_reference": ("boat.png", image(), "image/png")}},
    "file of another name and type": {"data": ASKED, "files": {"input_reference": ("boat", image(), "text/plain")}},
    "JSON": {"json": ASKED | {"input_reference": {"image_url": data_url(image())}}},
    "JSON as in chats": {"json": ASKED | {"input_reference": {"image_url": {"url": data_url(image())}}}},
    "form": {"data": ASKED | {"input_reference[image_url]": data_url(image())}},
    "multipart": {
        "files": {k: (None, v) for k, v in (ASKED | {"input_reference[image_url]": data_url(image())}).items()}
    },
}


@pytest.mark.parametrize("sent", SHAPES.values(), ids=SHAPES)
def test_every_shape_means_the_same(api: httpx.Client, sent: dict[str, Any]):
    video = api.post("/videos", **sent).raise_for_status().json()

    kept = api.get(f"/videos/{video['id']}").raise_for_status().json()
    assert {name: kept[name] for name in ASKED} == ASKED
    assert (kept["user"], kept["metadata"]) == ("ann", {"shot": "7"})


@pytest.mark.parametrize("sent", REFERENCES.values(), ids=REFERENCES)
def test_reference_in_every_shape_reaches_the_deployment(api: httpx.Client, sent: dict[str, Any]):
    video = api.post("/videos", **sent).raise_for_status().json()

    assert ended(api, video["id"])["status"] == "completed"  # the deployment refuses an image that does not fit


def test_left_out_fields_have_openais_defaults(api: httpx.Client):
    video = api.post("/videos", json={"prompt": "a paper boat"}).raise_for_status().json()

    assert (video["model"], video["seconds"], video["size"]) == ("sora-2", "4", "720x1280")
    assert (video["object"], video["status"], video["progress"], video["error"]) == ("video", "queued", 0, None)


@pytest.mark.parametrize("path", ["/v1/videos", "/openai/v1/videos", "/openai/videos"])
@pytest.mark.parametrize("version", [{}, {"api-version": "2025-04-01-preview"}])
@pytest.mark.parametrize("header", ["api-key", "authorization"])
def test_gateways_reach_every_path_with_either_header(
    stack: RunningStack, path: str, version: dict[str, str], header: str
):
    """LiteLLM takes `/openai/v1/videos` for azure/… models and `/v1/videos` for openai/… ones."""
    key = stack.api_key if header == "api-key" else f"Bearer {stack.api_key}"
    with httpx.Client(base_url=stack.host, headers={header: key}, params=version, timeout=30) as gateway:
        video_id = gateway.post(path, files={"prompt": (None, "a boat")}).raise_for_status().json()["id"]

        assert gateway.get(f"{path}/{video_id}").raise_for_status().json()["id"] == video_id
        assert video_id in [video["id"] for video in gateway.get(path).raise_for_status().json()["data"]]
        assert gateway.delete(f"{path}/{video_id}").raise_for_status().json() == {
            "id": video_id,
            "object": "video.deleted",
            "deleted": True,
        }


def test_longest_prompt_arrives_whole(stack: RunningStack, api: httpx.Client):
    prompt = "🎬" * 32_000

    video = api.post("/videos", json={"prompt": prompt}).raise_for_status().json()

    assert ended(api, video["id"])["prompt"] == prompt
    jobs = httpx.get(f"{stack.upstream}/_control/state").json()["jobs"]
    assert prompt in [job["prompt"] for job in jobs]
