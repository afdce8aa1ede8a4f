"""Videos asked for and waited for, as a caller does."""

import asyncio
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel

from benchmarks.stack import Stack

REQUEST = {"model": "sora-2", "prompt": "A lighthouse in the rain", "seconds": "4", "size": "1280x720"}


class Stored(BaseModel):
    """What our API says beyond OpenAI's fields."""

    bytes: int | None
    sha256: str | None


class Video(BaseModel):
    """What the benchmarks read of a video."""

    id: str
    status: Literal["queued", "in_progress", "completed", "failed"]
    reelay: Stored


async def create(stack: Stack, prompt: str = REQUEST["prompt"]) -> str:
    """Asks for a video and returns its id."""
    answer = await stack.api.post("videos", json=REQUEST | {"prompt": prompt})
    return Video.model_validate_json(answer.raise_for_status().content).id


async def create_many(stack: Stack, count: int) -> list[str]:
    """Asks for so many videos at once."""
    return await asyncio.gather(*(create(stack) for _ in range(count)))


async def completed(stack: Stack, video_id: str) -> Video:
    """Waits for a video's end, asking as often as the front door proposes.

    Raises:
        RuntimeError: It failed.
    """
    while True:
        answer = (await stack.api.get(f"videos/{video_id}")).raise_for_status()
        video = Video.model_validate_json(answer.content)
        if video.status == "completed":
            return video
        if video.status == "failed":
            raise RuntimeError(f"{video_id} failed: {answer.text}")
        await asyncio.sleep(int(answer.headers["openai-poll-after-ms"]) / 1000)


async def all_completed(stack: Stack, video_ids: Sequence[str]) -> list[Video]:
    """Waits for the end of all of them."""
    return await asyncio.gather(*(completed(stack, video_id) for video_id in video_ids))
