"""Remixes, edits and extensions: whose, of what, and by which path."""

from typing import Any

import httpx
import pytest

from domain.video import Variant, Video
from tests.unit.examples import NOW, a_catalog, a_deployment, a_video, an_id, an_mp4
from tests.unit.front_door.world import KEY, OTHER_KEY, World, error_of

EAST = a_deployment(operations=["create", "remix", "edit", "extension"])
PROMPT = {"prompt": "The same fox at night."}


@pytest.fixture
def world(world: World) -> World:
    world.change(catalog=a_catalog(EAST))
    return world


@pytest.fixture
async def parent(world: World) -> Video:
    fields = {"deployment": "east", "upstream_id": "job-1", "rendered_at": NOW}
    return await world.completed(a_video(video_id=an_id(7), **fields), b"rendered")


def made_of(world: World, parent: Video) -> Video:
    (video,) = [video for ref, video in world.videos.records.items() if ref != parent.ref]
    return video


REMAKES: dict[str, tuple[str, dict[str, Any]]] = {
    "remix": ("/v1/videos/PARENT/remix", {"json": PROMPT}),
    "remix in a form": ("/openai/v1/videos/PARENT/remix", {"data": PROMPT}),
    "remix by its older path": ("/v1/videos/remix", {"json": {**PROMPT, "video_id": "PARENT"}}),
    "edit": ("/v1/videos/edits", {"json": {**PROMPT, "video": {"id": "PARENT"}}}),
    "edit in a form": ("/v1/videos/edits", {"data": {**PROMPT, "video[id]": "PARENT"}}),
    "extension": ("/v1/videos/extensions", {"json": {**PROMPT, "seconds": "8", "video": {"id": "PARENT"}}}),
}


def filled(value: Any, video_id: str) -> Any:
    if isinstance(value, dict):
        return {name: filled(each, video_id) for name, each in value.items()}
    return value.replace("PARENT", video_id)


async def ask(world: World, name: str, video_id: str, *, key: str = KEY, **more: Any) -> httpx.Response:
    path, body = REMAKES[name]
    return await world.ask("POST", filled(path, video_id), key=key, **filled(body, video_id), **more)


@pytest.mark.parametrize("name", REMAKES)
async def test_it_is_a_video_that_says_what_it_is_made_from(world: World, parent: Video, name: str):
    response = await ask(world, name, parent.video_id)
    told, kept = response.json(), made_of(world, parent)
    assert response.status_code == 200, told
    assert (told["id"], told["status"], told["prompt"]) == (kept.video_id, "queued", PROMPT["prompt"])
    assert told["remixed_from_video_id"] == parent.video_id
    assert told["seconds"] == ("12" if name == "extension" else "4")
    assert "openai-poll-after-ms" in response.headers
    assert kept.operation == name.partition(" ")[0]
    assert kept.source
    assert (kept.source.pinned_to, kept.source.content) == ("east", (parent.contents or {})[Variant.VIDEO])
    assert world.orchestrations.started == [kept.ref]


@pytest.mark.parametrize("name", REMAKES)
@pytest.mark.parametrize(("key", "video_id"), [(OTHER_KEY, an_id(7)), (KEY, an_id(8)), (KEY, "no-id-of-ours")])
async def test_anothers_video_is_as_unknown_as_one_that_never_was(
    world: World, parent: Video, name: str, key: str, video_id: str
):
    refused = await ask(world, name, video_id, key=key)
    assert (refused.status_code, error_of(refused)["code"]) == (404, "video_not_found")
    assert list(world.videos.records) == [parent.ref]


@pytest.mark.parametrize("name", REMAKES)
async def test_what_nobody_offers_is_refused_with_the_models_that_do(world: World, parent: Video, name: str):
    world.change(catalog=a_catalog(a_deployment()))
    refused = await ask(world, name, parent.video_id)
    assert (refused.status_code, error_of(refused)["code"]) == (400, "operation_not_offered")
    assert "Models that do: none" in error_of(refused)["message"]


@pytest.mark.parametrize(("path", "seconds"), [("edits", {}), ("extensions", {"seconds": "4"})])
async def test_an_uploaded_video_is_kept_until_it_is_sent_along(world: World, path: str, seconds: dict[str, str]):
    content = an_mp4(seconds=6)
    files = {"video": ("boat.mp4", content, "video/mp4")}
    response = await world.ask("POST", f"/v1/videos/{path}", data=PROMPT | seconds, files=files)
    (video,) = world.videos.records.values()
    assert response.status_code == 200
    assert (response.json()["size"], response.json()["remixed_from_video_id"]) == ("1280x720", None)
    assert response.json()["seconds"] == ("10" if seconds else "6")
    (stored,) = video.own_inputs
    assert world.inputs.blobs == {stored.blob: content}


async def uploaded(world: World, content: bytes, *, purpose: str = "user_data", key: str = KEY) -> str:
    """The id of a file."""
    form = {"data": {"purpose": purpose}, "files": {"file": ("boat.mp4", content)}}
    return (await world.ask("POST", "/v1/files", key=key, **form)).json()["id"]


@pytest.mark.parametrize("purpose", ["user_data", "vision"])
@pytest.mark.parametrize("long", [True, False])
@pytest.mark.parametrize(("path", "seconds"), [("edits", {}), ("extensions", {"seconds": "4"})])
async def test_a_video_that_was_uploaded_before_is_copied(
    world: World, path: str, seconds: dict[str, str], long: bool, purpose: str
):
    content = an_mp4(seconds=6, long=long)
    file_id = await uploaded(world, content, purpose=purpose)
    response = await world.ask("POST", f"/v1/videos/{path}", json=PROMPT | seconds | {"video": {"file_id": file_id}})
    (video,) = world.videos.records.values()
    assert response.status_code == 200
    assert (response.json()["size"], response.json()["seconds"]) == ("1280x720", "10" if seconds else "6")
    (stored,) = video.own_inputs
    assert world.inputs.blobs == {stored.blob: content}
    await world.ask("DELETE", f"/v1/files/{file_id}")
    assert world.inputs.blobs == {stored.blob: content}


@pytest.mark.parametrize(
    "content",
    [
        b"x",
        b"no video",
        bytes(40),
        b"\0\0\0\x01moov",
        an_mp4()[:150],
        b"\0\0\0\x08free" * 60 + an_mp4(),
        b"\x7f\xff\xff\xffmoov",
    ],
)
async def test_an_uploaded_file_that_is_no_video_is_refused(world: World, content: bytes):
    asked = {**PROMPT, "video": {"file_id": await uploaded(world, content)}}
    refused = await world.ask("POST", "/v1/videos/edits", json=asked)
    assert (refused.status_code, error_of(refused)["code"]) == (400, "invalid_video")
    assert (world.videos.records, world.inputs.blobs) == ({}, {})


async def test_little_is_read_of_an_uploaded_video_to_know_it(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("intake.uploaded_clip._LONGEST_MOVIE_BYTES", 100)
    asked = {**PROMPT, "video": {"file_id": await uploaded(world, an_mp4())}}
    assert error_of(await world.ask("POST", "/v1/videos/edits", json=asked))["code"] == "invalid_video"


async def test_an_uploaded_file_for_something_else_is_refused(world: World):
    asked = {**PROMPT, "video": {"file_id": await uploaded(world, an_mp4(), purpose="batch")}}
    refused = await world.ask("POST", "/v1/videos/edits", json=asked)
    assert (refused.status_code, error_of(refused)["param"]) == (400, "video")
    assert "purpose 'batch'" in error_of(refused)["message"]


async def test_anothers_upload_is_as_unknown_as_one_that_never_was(world: World):
    for file_id in (await uploaded(world, an_mp4(), key=OTHER_KEY), "file-0"):
        refused = await world.ask("POST", "/v1/videos/edits", json={**PROMPT, "video": {"file_id": file_id}})
        assert (refused.status_code, error_of(refused)["code"]) == (404, "file_not_found")


async def test_nobody_remixes_an_upload(world: World):
    asked = {**PROMPT, "video_id": {"file_id": await uploaded(world, an_mp4())}}
    assert (await world.ask("POST", "/v1/videos/remix", json=asked)).status_code == 400


@pytest.mark.parametrize("video", [None, "x", {"id": 7}, {}, []])
async def test_without_a_video_nothing_can_be_made(world: World, video: Any):
    refused = await world.ask("POST", "/v1/videos/edits", json={**PROMPT, "video": video})
    assert (refused.status_code, error_of(refused)["param"]) == (400, "video")


async def test_a_file_that_is_no_video_leaves_nothing_behind(world: World):
    refused = await world.ask("POST", "/v1/videos/edits", data=PROMPT, files={"video": ("x.mp4", b"no video")})
    assert error_of(refused)["code"] == "invalid_video"
    assert (world.videos.records, world.inputs.blobs) == ({}, {})


async def test_the_same_key_is_the_same_video_but_not_for_another_operation(world: World, parent: Video):
    headers = {"idempotency-key": "k-1"}
    first, second = [await ask(world, "edit", parent.video_id, headers=headers) for _ in range(2)]
    assert first.json()["id"] == second.json()["id"]
    fields = {**PROMPT, "video": {"id": parent.video_id}, "seconds": "4"}
    assert (await world.ask("POST", "/v1/videos/extensions", headers=headers, json=fields)).status_code == 409


async def test_the_older_path_of_a_creation_makes_a_video(world: World):
    response = await world.ask("POST", "/v1/videos/generations", json=PROMPT)
    assert response.status_code == 200
    assert response.json()["prompt"] == PROMPT["prompt"]


@pytest.mark.parametrize("path", ["status", "retrieval"])
async def test_the_older_paths_of_reading(world: World, parent: Video, path: str):
    named = {"video_id": parent.video_id, "model": "sora-2"}
    told = await world.ask("POST", f"/v1/videos/{path}", json=named)
    assert told.json() == (await world.ask("GET", f"/v1/videos/{parent.video_id}")).json()
    assert (await world.ask("POST", f"/v1/videos/{path}", key=OTHER_KEY, json=named)).status_code == 404
    assert error_of(await world.ask("POST", f"/v1/videos/{path}", json={}))["param"] == "video_id"
