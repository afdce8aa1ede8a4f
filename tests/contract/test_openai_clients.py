"""The unmodified clients do the main job, whichever way they are pointed at us."""

# The clients mark every videos method as deprecated; our callers call them all the same.
# pyright: reportDeprecated=false

import asyncio
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from openai import AsyncAzureOpenAI, AsyncOpenAI, AzureOpenAI, NotFoundError, OpenAI

from tests.contract.caller_kit import data_url, image
from tests.e2e.running_stack import RunningStack

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning")

ANY_VERSION = "2025-04-01-preview"

SYNC: dict[str, Callable[[RunningStack], OpenAI]] = {
    "OpenAI": lambda stack: OpenAI(base_url=stack.base_url, api_key=stack.api_key),
    "OpenAI on Azure's v1 path": lambda stack: OpenAI(base_url=f"{stack.host}/openai/v1/", api_key=stack.api_key),
    "AzureOpenAI by endpoint": lambda stack: AzureOpenAI(
        azure_endpoint=stack.host, api_key=stack.api_key, api_version=ANY_VERSION
    ),
    "AzureOpenAI by base URL": lambda stack: AzureOpenAI(
        base_url=f"{stack.host}/openai/v1/", api_key=stack.api_key, api_version="preview"
    ),
}
ASYNC: dict[str, Callable[[RunningStack], AsyncOpenAI]] = {
    "OpenAI": lambda stack: AsyncOpenAI(base_url=stack.base_url, api_key=stack.api_key),
    "AzureOpenAI by endpoint": lambda stack: AsyncAzureOpenAI(
        azure_endpoint=stack.host, api_key=stack.api_key, api_version=ANY_VERSION
    ),
    "AzureOpenAI by base URL": lambda stack: AsyncAzureOpenAI(
        base_url=f"{stack.host}/openai/v1/", api_key=stack.api_key, api_version="preview"
    ),
}


@pytest.fixture
def client(stack: RunningStack) -> Any:
    with SYNC["OpenAI"](stack) as client:
        yield client


def is_the_video(content: bytes, video: Any) -> bool:
    return content[4:8] == b"ftyp" and hashlib.sha256(content).hexdigest() == video.reelay["sha256"]


@pytest.mark.parametrize("make", SYNC.values(), ids=SYNC)
def test_main_job(stack: RunningStack, make: Callable[[RunningStack], OpenAI]):
    with make(stack) as client:
        video = client.videos.create_and_poll(model="sora-2", prompt="a paper boat", seconds="4", size="1280x720")
        assert (video.status, video.progress, video.seconds, video.size) == ("completed", 100, "4", "1280x720")
        assert is_the_video(client.videos.download_content(video.id).read(), video)

        assert client.videos.retrieve(video.id) == video
        assert video in client.videos.list(limit=3).data
        assert client.videos.delete(video.id).deleted
        with pytest.raises(NotFoundError) as refusal:
            client.videos.retrieve(video.id)
        assert refusal.value.code == "video_not_found"


@pytest.mark.parametrize("make", ASYNC.values(), ids=ASYNC)
async def test_main_job_without_blocking(stack: RunningStack, make: Callable[[RunningStack], AsyncOpenAI]):
    async with make(stack) as client:
        video = await client.videos.create_and_poll(prompt="a paper boat", size="1280x720")
        assert video.status == "completed"
        assert is_the_video((await client.videos.download_content(video.id)).read(), video)

        assert await client.videos.retrieve(video.id) == video
        assert video in (await client.videos.list(limit=3)).data
        assert (await client.videos.delete(video.id)).deleted
        with pytest.raises(NotFoundError):
            await client.videos.retrieve(video.id)


@pytest.mark.parametrize(
    ("variant", "signature"), [("video", b"ftyp"), ("thumbnail", b"WEBP"), ("spritesheet", b"\xff\xd8\xff")]
)
def test_every_variant_can_be_downloaded(client: OpenAI, completed: dict[str, Any], variant: Any, signature: bytes):
    content = client.videos.download_content(completed["id"], variant=variant).read()

    assert signature in content[:12]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_reference_as_a_file(client: OpenAI, kind: str):
    reference = ("reference", image(1280, 720, kind))

    assert client.videos.create(prompt="a paper boat", size="1280x720", input_reference=reference).status == "queued"


def test_reference_in_extra_body_becomes_bracketed_fields(client: OpenAI):
    extra = {"input_reference": {"image_url": data_url(image())}, "user": "ann", "metadata": {"shot": "7"}}

    video: Any = client.videos.create(prompt="a paper boat", size="1280x720", extra_body=extra)

    assert (video.status, video.user, video.metadata) == ("queued", "ann", {"shot": "7"})


def test_json_when_the_caller_says_so(client: OpenAI):
    video: Any = client.videos.create(
        prompt="a paper boat",
        size="1280x720",
        extra_body={"input_reference": {"image_url": data_url(image())}, "metadata": {"shot": "7"}},
        extra_headers={"content-type": "application/json"},
    )

    assert (video.status, video.metadata) == ("queued", {"shot": "7"})


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_are_followed_to_the_end(client: OpenAI, order: Any):
    mine = [client.videos.create(prompt="one of three").id for _ in range(3)]

    listed = [video.id for video in client.videos.list(limit=2, order=order)]

    assert len(listed) == len(set(listed))
    assert [video_id for video_id in listed if video_id in mine] == (mine if order == "asc" else mine[::-1])


async def test_pages_are_followed_without_blocking(stack: RunningStack):
    async with ASYNC["OpenAI"](stack) as client:
        mine = {video.id for video in await asyncio.gather(*(client.videos.create(prompt="one") for _ in range(3)))}

        assert mine <= {video.id async for video in client.videos.list(limit=2)}


def test_remix(client: OpenAI, completed: dict[str, Any]):
    video = client.videos.poll(client.videos.remix(completed["id"], prompt="at night").id)

    assert (video.status, video.remixed_from_video_id, video.prompt) == ("completed", completed["id"], "at night")
    assert (video.seconds, video.size) == (completed["seconds"], completed["size"])
