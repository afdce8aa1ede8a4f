"""What activities work with."""

from asyncio import Semaphore
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from clients.blob_store import BlobStore
from clients.video_table import VideoTable
from clients.videos_api import VideosApi
from domain.catalog import Catalog, Deployment
from domain.failures import FailureCode, VideoFailed
from domain.video import Video


@dataclass(frozen=True)
class Services:
    """Everything an activity may need; made once, by the composition root.

    Attributes:
        catalog: Who renders what.
        videos: The records.
        contents: Finished videos.
        inputs: What videos were asked with.
        api: The deployments.
        clock: The present time, UTC.
        copies: Bounds how many contents are copied at once in this process, and so its memory.
        max_queued_s: How long a video may wait for a deployment to take it.
    """

    catalog: Catalog
    videos: VideoTable
    contents: BlobStore
    inputs: BlobStore
    api: VideosApi
    clock: Callable[[], datetime]
    copies: Semaphore
    max_queued_s: float

    def deployment_for(self, video: Video) -> Deployment:
        """The deployment that shall render a video.

        Raises:
            VideoFailed: None can any more.
        """
        model = self.catalog.models.get(video.model)
        able = model.deployments_for(size=video.size, seconds=video.seconds) if model else ()
        if not able:
            raise VideoFailed(FailureCode.DEPLOYMENT_NOT_FOUND, "No deployment renders this any more.")
        return able[0]

    def deployment_of(self, video: Video) -> Deployment:
        """The deployment that renders a video.

        Raises:
            VideoFailed: The configuration no longer has it.
        """
        deployment = self.catalog.deployment(video.deployment or "")
        if deployment is None:
            message = f"The deployment '{video.deployment}' is no longer configured."
            raise VideoFailed(FailureCode.DEPLOYMENT_NOT_FOUND, message)
        return deployment
