"""What a job renders: files that real decoders take."""

import hashlib
import io
from typing import Any

import av
import httpx
import pytest
from PIL import Image, ImageChops, ImageStat


async def render(videos_api: httpx.AsyncClient, control: Any, **wanted: str) -> str:
    """Return the id of a completed video."""
    answer = await videos_api.post("/videos", json={"model": "sora-2", "prompt": "a paper boat"} | wanted)
    return await control.completed(answer.raise_for_status().json()["id"])


async def content(videos_api: httpx.AsyncClient, video_id: str, variant: str = "video") -> bytes:
    answer = await videos_api.get(f"/videos/{video_id}/content", params={"variant": variant})
    return answer.raise_for_status().content


def colour(mp4: bytes) -> tuple[int, ...]:
    """Return the mean colour of the first frame."""
    with av.open(io.BytesIO(mp4)) as container:
        pixel = next(container.decode(video=0)).to_image().resize((1, 1)).getpixel((0, 0))
    assert isinstance(pixel, tuple)
    return pixel


@pytest.mark.parametrize(("size", "seconds"), [("1280x720", "4"), ("720x1280", "8"), ("1792x1024", "4")])
async def test_an_mp4_plays_to_its_end(videos_api: httpx.AsyncClient, control: Any, size: str, seconds: str) -> None:
    mp4 = await content(videos_api, await render(videos_api, control, size=size, seconds=seconds))

    assert mp4.index(b"moov") < mp4.index(b"mdat"), "a player could not start before the end"
    with av.open(io.BytesIO(mp4)) as container:
        assert container.duration == int(seconds) * av.time_base
        assert container.streams.video[0].codec_context.name == "h264"
        frames = [frame.to_image() for frame in container.decode(video=0)]
    assert len(frames) == int(seconds) * 24
    assert {frame.size for frame in frames} == {tuple(map(int, size.split("x")))}
    assert min(ImageStat.Stat(ImageChops.difference(frames[0], frames[-1])).mean) > 1, "nothing moves"


async def test_stills_are_what_they_say(videos_api: httpx.AsyncClient, control: Any) -> None:
    video_id = await render(videos_api, control, size="1280x720")
    thumbnail = Image.open(io.BytesIO(await content(videos_api, video_id, "thumbnail")))
    assert (thumbnail.format, thumbnail.size) == ("WEBP", (1280, 720))
    spritesheet = Image.open(io.BytesIO(await content(videos_api, video_id, "spritesheet")))
    assert (spritesheet.format, spritesheet.size) == ("JPEG", (1280, 180))


@pytest.mark.parametrize(
    ("variant", "media_type"), [("video", "video/mp4"), ("thumbnail", "image/webp"), ("spritesheet", "image/jpeg")]
)
async def test_media_types(videos_api: httpx.AsyncClient, control: Any, variant: str, media_type: str) -> None:
    answer = await videos_api.get(f"/videos/{await render(videos_api, control)}/content", params={"variant": variant})
    assert answer.headers["content-type"] == media_type
    assert int(answer.headers["content-length"]) == len(answer.content)


async def test_each_job_has_its_own_bytes_every_time_the_same(videos_api: httpx.AsyncClient, control: Any) -> None:
    first, second = [await render(videos_api, control) for _ in range(2)]
    once, again, other = [await content(videos_api, video_id) for video_id in (first, first, second)]
    assert once == again
    assert once != other


async def test_the_picture_depends_on_the_prompt(videos_api: httpx.AsyncClient, control: Any) -> None:
    colours = {
        colour(await content(videos_api, await render(videos_api, control, prompt=prompt)))
        for prompt in ("a paper boat", "a stone whale")
    }
    assert len(colours) == 2


@pytest.mark.parametrize("wanted_bytes", [3_000_000, 5_242_880])
async def test_content_is_padded_to_the_byte_and_still_plays(
    videos_api: httpx.AsyncClient, control: Any, wanted_bytes: int
) -> None:
    await control.settings(content_bytes=wanted_bytes)
    video_id = await render(videos_api, control)
    mp4 = await content(videos_api, video_id)
    assert len(mp4) == wanted_bytes
    assert hashlib.sha256(mp4).hexdigest() == (await control.job(video_id))["sha256"]
    with av.open(io.BytesIO(mp4)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 96


async def test_no_two_blocks_of_the_padding_are_alike(videos_api: httpx.AsyncClient, control: Any) -> None:
    await control.settings(content_bytes=9_000_000)
    mp4 = await content(videos_api, await render(videos_api, control))
    blocks = [mp4[start : start + (1 << 20)] for start in range(0, len(mp4), 1 << 20)]
    assert len(set(blocks)) == len(blocks), "a copier could swap them unnoticed"


async def test_content_expires_after_a_day(videos_api: httpx.AsyncClient, control: Any) -> None:
    video_id = await render(videos_api, control)
    await control.settings(clock_offset_s=86_390)
    assert (await videos_api.get(f"/videos/{video_id}/content")).status_code == 200
    await control.settings(clock_offset_s=86_410)
    answer = await videos_api.get(f"/videos/{video_id}/content")
    assert (answer.status_code, answer.json()["error"]["message"]) == (
        404,
        f"The content of video '{video_id}' has expired.",
    )
    assert (await videos_api.get(f"/videos/{video_id}")).json()["status"] == "completed"


async def test_there_is_no_content_before_the_end(videos_api: httpx.AsyncClient, control: Any) -> None:
    await control.settings(render_time_s=100)
    video_id = (await videos_api.post("/videos", json={"model": "sora-2", "prompt": "a boat"})).json()["id"]
    assert (await videos_api.get(f"/videos/{video_id}/content")).status_code == 400


async def test_an_unknown_variant_is_refused(videos_api: httpx.AsyncClient, control: Any) -> None:
    answer = await videos_api.get(f"/videos/{await render(videos_api, control)}/content", params={"variant": "audio"})
    assert answer.status_code == 400
    assert "'video', 'thumbnail', 'spritesheet'" in answer.json()["error"]["message"]
