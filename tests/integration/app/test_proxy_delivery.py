"""Content through the app, for callers that must not be sent elsewhere: by parts, as players ask for it."""

import hashlib
from typing import Any

import httpx
import pytest

from tests.contract.caller_kit import ended, error_of
from tests.e2e.running_stack import RunningStack

LARGE_BYTES = 66 * 1024 * 1024
"""Just more than the app serves at once."""


@pytest.fixture(scope="module")
def video(private_api: httpx.Client) -> dict[str, Any]:
    return ended(private_api, private_api.post("/videos", json={"prompt": "a boat"}).raise_for_status().json()["id"])


@pytest.fixture(scope="module")
def large(private_stack: RunningStack, private_api: httpx.Client) -> dict[str, Any]:
    httpx.post(f"{private_stack.upstream}/_control/settings", json={"content_bytes": LARGE_BYTES}).raise_for_status()
    video = ended(private_api, private_api.post("/videos", json={"prompt": "a ship"}).raise_for_status().json()["id"])
    assert video["reelay"]["bytes"] == LARGE_BYTES
    return video


@pytest.fixture
def whole(private_api: httpx.Client, video: dict[str, Any]) -> bytes:
    return content(private_api, video).content


def content(api: httpx.Client, video: dict[str, Any], method: str = "GET", **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.request(method, f"/videos/{video['id']}/content", headers=named)


def test_whole_content(private_api: httpx.Client, video: dict[str, Any]):
    answer = content(private_api, video)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "video/mp4")
    assert hashlib.sha256(answer.content).hexdigest() == video["reelay"]["sha256"]
    assert int(answer.headers["content-length"]) == video["reelay"]["bytes"]
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["etag"] == f'"{video["reelay"]["sha256"]}"'
    assert "content-range" not in answer.headers


def test_head_says_what_get_would(private_api: httpx.Client, video: dict[str, Any]):
    head, get = content(private_api, video, "HEAD"), content(private_api, video)

    names = ("content-type", "content-length", "accept-ranges", "etag", "cache-control")
    assert (head.status_code, head.content) == (200, b"")
    assert {name: head.headers.get(name) for name in names} == {name: get.headers.get(name) for name in names}


@pytest.mark.parametrize("variant", ["thumbnail", "spritesheet"])
def test_stills(private_api: httpx.Client, video: dict[str, Any], variant: str):
    answer = private_api.get(f"/videos/{video['id']}/content", params={"variant": variant})

    assert (answer.status_code, answer.headers["content-type"].partition("/")[0]) == (200, "image")
    assert len(answer.content) == int(answer.headers["content-length"])


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-0", slice(0, 1)),
        ("bytes=0-1023", slice(0, 1024)),
        ("bytes=1000-", slice(1000, None)),
        ("bytes=-10", slice(-10, None)),
        ("bytes=-99999999", slice(0, None)),
        ("bytes=10-99999999", slice(10, None)),
    ],
)
def test_part(private_api: httpx.Client, video: dict[str, Any], whole: bytes, asked: str, part: slice):
    answer = content(private_api, video, range=asked)

    first, end, _ = part.indices(len(whole))
    assert (answer.status_code, answer.content) == (206, whole[part])
    assert answer.headers["content-range"] == f"bytes {first}-{end - 1}/{len(whole)}"
    assert int(answer.headers["content-length"]) == end - first


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=99999999-100000000", "bytes=-0"])
def test_part_beyond_the_end(private_api: httpx.Client, video: dict[str, Any], asked: str):
    answer = content(private_api, video, range=asked)

    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{video['reelay']['bytes']}"
    assert error_of(answer)["code"] == "range_not_satisfiable"


@pytest.mark.parametrize("asked", ["bytes=5-1", "lines=1-2", "bytes=", "bytes=a-b", "bytes=0-1,4-5"])
def test_range_that_is_not_understood_is_ignored(
    private_api: httpx.Client, video: dict[str, Any], whole: bytes, asked: str
):
    answer = content(private_api, video, range=asked)

    assert (answer.status_code, answer.content) == (200, whole)


def test_download_goes_on_only_if_it_is_still_the_same_content(
    private_api: httpx.Client, video: dict[str, Any], whole: bytes
):
    same = content(private_api, video, range="bytes=10-19", if_range=f'"{video["reelay"]["sha256"]}"')
    other = content(private_api, video, range="bytes=10-19", if_range='"another"')

    assert (same.status_code, same.content) == (206, whole[10:20])
    assert (other.status_code, other.content) == (200, whole)


def test_content_too_large_to_hold_is_given_in_parts(private_api: httpx.Client, large: dict[str, Any]):
    refused = content(private_api, large)

    error = error_of(refused)
    assert (refused.status_code, error["code"]) == (413, "range_required")
    assert "Range" in error["message"]
    assert content(private_api, large, "HEAD").headers["content-length"] == str(LARGE_BYTES)
    digest = hashlib.sha256()
    for first in range(0, LARGE_BYTES, step := 32 * 1024 * 1024):
        answer = content(private_api, large, range=f"bytes={first}-{first + step - 1}")
        assert answer.status_code == 206
        digest.update(answer.content)
    assert digest.hexdigest() == large["reelay"]["sha256"]


def test_failed_video_has_none(private_api: httpx.Client):
    failed = ended(private_api, private_api.post("/videos", json={"prompt": "moderation_blocked"}).json()["id"])

    answer = content(private_api, failed)

    assert answer.status_code == 404
    assert error_of(answer)["code"] == "video_failed"
