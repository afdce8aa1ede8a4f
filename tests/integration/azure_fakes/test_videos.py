"""The videos API, as the official OpenAI client sees it."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import openai as sdk
import pytest
from openai import AsyncAzureOpenAI, AsyncOpenAI

from local.azure_fakes.fakes import Fakes

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning")

KEY = "key-of-sora-2"


async def completed(client: AsyncOpenAI, **wanted: Any) -> sdk.types.Video:
    video = await client.videos.create(**({"model": "sora-2", "prompt": "a paper boat"} | wanted))
    return await client.videos.poll(video.id, poll_interval_ms=10)


async def test_a_video_is_queued_then_completed(openai: AsyncOpenAI) -> None:
    queued = await openai.videos.create(model="sora-2", prompt="a paper boat", seconds="8", size="1280x720")
    assert (queued.status, queued.progress, queued.completed_at) == ("queued", 0, None)
    assert (queued.model, queued.prompt, queued.seconds, queued.size) == ("sora-2", "a paper boat", "8", "1280x720")

    video = await openai.videos.poll(queued.id, poll_interval_ms=10)
    assert (video.status, video.progress, video.error) == ("completed", 100, None)
    assert video.completed_at is not None
    assert video.completed_at >= video.created_at == queued.created_at
    assert video.expires_at == video.created_at + 86_400


async def test_progress_grows_with_the_clock(openai: AsyncOpenAI, control: Any) -> None:
    await completed(openai)  # so that the media are there
    await control.settings(render_time_s=100)
    video = await openai.videos.create(model="sora-2", prompt="a paper boat")
    seen = []
    for offset_s in (0, 20, 60, 99.5, 101):
        await control.settings(clock_offset_s=offset_s)
        video = await openai.videos.retrieve(video.id)
        seen.append((video.status, video.progress // 10))
    assert seen == [("queued", 0), ("in_progress", 2), ("in_progress", 6), ("in_progress", 9), ("completed", 10)]


async def test_render_times_spread_by_a_seed(openai: AsyncOpenAI, control: Any, fakes: Fakes) -> None:
    async def render_times() -> list[float]:
        for _ in range(5):
            await openai.videos.create(model="sora-2", prompt="a paper boat")
        return [job.render_time_s for job in fakes.world.jobs][-5:]

    await control.settings(render_time_s=100, render_time_spread=0.5, seed=7)
    first = await render_times()
    assert await render_times() != first
    fakes.world.reset()
    assert await render_times() == first
    await control.settings(seed=7)
    assert await render_times() == first
    assert len(set(first)) == 5
    assert all(50 <= seconds <= 150 for seconds in first)


async def test_lists_page_by_cursor_newest_first(openai: AsyncOpenAI) -> None:
    created = [(await openai.videos.create(model="sora-2", prompt=f"boat {n}")).id for n in range(5)]

    page = await openai.videos.list(limit=2)
    assert [video.id for video in page.data] == [created[4], created[3]]
    assert page.has_more
    assert [video.id async for video in openai.videos.list(limit=2)] == created[::-1]
    assert [video.id async for video in openai.videos.list(limit=2, order="asc")] == created


async def test_a_list_names_its_ends(videos_api: httpx.AsyncClient) -> None:
    empty = (await videos_api.get("/videos")).json()
    assert empty == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}

    for n in range(3):
        await videos_api.post("/videos", json={"model": "sora-2", "prompt": f"boat {n}"})
    page = (await videos_api.get("/videos", params={"limit": 2})).json()
    assert (page["first_id"], page["last_id"], page["has_more"]) == (page["data"][0]["id"], page["data"][1]["id"], True)
    rest = (await videos_api.get("/videos", params={"limit": 2, "after": page["last_id"]})).json()
    assert (len(rest["data"]), rest["has_more"]) == (1, False)


async def test_the_cursor_may_be_a_deleted_video(openai: AsyncOpenAI) -> None:
    created = [(await openai.videos.create(model="sora-2", prompt=f"boat {n}")).id for n in range(3)]
    await openai.videos.delete(created[1])
    assert [video.id async for video in openai.videos.list(after=created[1])] == [created[0]]


async def test_a_deleted_video_is_gone_but_was_paid_for(openai: AsyncOpenAI, control: Any) -> None:
    video = await completed(openai)
    deleted = await openai.videos.delete(video.id)
    assert (deleted.id, deleted.deleted, deleted.object) == (video.id, True, "video.deleted")
    with pytest.raises(sdk.NotFoundError):
        await openai.videos.retrieve(video.id)
    assert (await openai.videos.list()).data == []
    assert (await control.job(video.id))["deleted"]


async def test_remix_keeps_the_length_and_size_of_its_source(openai: AsyncOpenAI) -> None:
    source = await completed(openai, seconds="8", size="1280x720")
    remix = await openai.videos.remix(source.id, prompt="now at night")
    assert (remix.remixed_from_video_id, remix.prompt) == (source.id, "now at night")
    assert (remix.model, remix.seconds, remix.size) == ("sora-2", "8", "1280x720")


async def test_edit_and_extension_of_a_video_by_id(openai: AsyncOpenAI, videos_api: httpx.AsyncClient) -> None:
    source = await completed(openai)
    body = {"prompt": "make it rain", "video": {"id": source.id}}  # the SDK takes files only, whatever its types say
    edit = (await videos_api.post("/videos/edits", json=body)).json()
    assert (edit["remixed_from_video_id"], edit["seconds"], edit["size"]) == (source.id, "4", "720x1280")

    fields = {"prompt": "and on", "video[id]": source.id, "seconds": "20"}
    extension = (await videos_api.post("/videos/extensions", data=fields)).json()
    assert extension["seconds"] == "24", "it states the stitched length"


async def test_edit_extension_and_character_of_an_uploaded_video(openai: AsyncOpenAI) -> None:
    source = await completed(openai, size="1280x720")
    file = ("source.mp4", (await openai.videos.download_content(source.id)).content)
    model = {"model": "sora-2"}

    edit = await openai.videos.edit(prompt="make it rain", video=file, extra_body=model)
    assert (edit.seconds, edit.size, edit.remixed_from_video_id) == ("4", "1280x720", None)
    extension = await openai.videos.extend(prompt="and on", seconds="8", video=file, extra_body=model)
    assert (extension.seconds, extension.size) == ("12", "1280x720")

    character = await openai.videos.create_character(name="Ann", video=file)
    assert character.id is not None
    assert (await openai.videos.get_character(character.id)).name == "Ann"


async def test_an_upload_of_another_size_is_refused(openai: AsyncOpenAI, control: Any) -> None:
    source = await completed(openai, size="1280x720")
    file = (await openai.videos.download_content(source.id)).content
    await control.settings(sizes=["720x1280"])
    with pytest.raises(sdk.BadRequestError, match="'1280x720'"):
        await openai.videos.edit(prompt="make it rain", video=("a.mp4", file), extra_body={"model": "sora-2"})


async def test_an_upload_that_is_no_video_is_refused(videos_api: httpx.AsyncClient) -> None:
    for fields in ({"model": "sora-2", "prompt": "make it rain"}, {"prompt": "make it rain"}):
        files = {"video": ("source.mp4", b"no video")}
        assert (await videos_api.post("/videos/edits", data=fields, files=files)).status_code == 400
        assert (await videos_api.post("/videos/edits", data=fields | {"video": "text"})).status_code == 400


async def test_a_video_in_render_cannot_be_remixed(openai: AsyncOpenAI, control: Any) -> None:
    await control.settings(render_time_s=100)
    video = await openai.videos.create(model="sora-2", prompt="a paper boat")
    with pytest.raises(sdk.BadRequestError):
        await openai.videos.remix(video.id, prompt="now at night")


async def test_a_moderated_prompt_makes_a_job_that_fails(openai: AsyncOpenAI) -> None:
    video = await completed(openai, prompt="please be moderation_blocked")
    assert video.status == "failed"
    assert video.error is not None
    assert video.error.code == "moderation_blocked"
    assert video.error.message == "Your request was blocked by our moderation system."


async def test_a_filtered_prompt_is_refused(openai: AsyncOpenAI, control: Any) -> None:
    with pytest.raises(sdk.BadRequestError) as refusal:
        await openai.videos.create(model="sora-2", prompt="please hit the content_filter")
    assert refusal.value.code == "content_filter"
    assert refusal.value.body["innererror"]["code"] == "ResponsibleAIPolicyViolation"
    assert (await control.state())["jobs"] == []


@pytest.mark.parametrize(
    "connect",
    [
        lambda url: AsyncOpenAI(base_url=f"{url}/sora-2/openai/v1", api_key=KEY, max_retries=0),
        lambda url: AsyncAzureOpenAI(
            base_url=f"{url}/sora-2/openai/v1", api_key=KEY, api_version="preview", max_retries=0
        ),
    ],
    ids=["OpenAI", "AzureOpenAI"],
)
async def test_a_deployment_by_path_takes_any_model_name(fakes: Fakes, connect: Callable[[str], AsyncOpenAI]) -> None:
    async with connect(fakes.url) as client:
        video = await completed(client, model="sora-2-2025-12-08")
        assert (video.model, video.status) == ("sora-2-2025-12-08", "completed")
        body = (await client.videos.download_content(video.id)).content
    assert body[4:8] == b"ftyp"


async def test_the_control_state_tells_what_each_job_is_worth(
    openai: AsyncOpenAI, control: Any, tmp_path: Path
) -> None:
    video = await completed(openai)
    (await openai.videos.download_content(video.id)).write_to_file(tmp_path / "video.mp4")
    content = (tmp_path / "video.mp4").read_bytes()

    state = await control.state()
    (job,) = state["jobs"]
    assert job["sha256"] == hashlib.sha256(content).hexdigest()
    assert job["bytes"] == job["bytes_sent"] == state["counters"]["content_bytes"] == len(content)
    assert job["polls"] == state["counters"]["retrieve"] >= 1
    assert (state["counters"]["create"], state["counters"]["content"]) == (1, 1)
    assert state["max_running"] == {"sora-2": 1}
