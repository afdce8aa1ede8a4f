"""A video as GET /videos/{id} answers it, for whoever writes it elsewhere."""

from typing import Any

from clients.blob_store import BlobStore
from domain.video import Video
from front_door.video_answers import blob_url
from front_door.wire import VideoAnswer


def show_video(video: Video, contents: BlobStore) -> dict[str, Any]:
    """The answer as JSON.

    Args:
        video: A record.
        contents: Where finished videos are.
    """
    return VideoAnswer.of(video, blob_url=blob_url(video, contents)).model_dump(mode="json")
