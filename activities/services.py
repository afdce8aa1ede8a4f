"""What activities work with."""

from asyncio import Semaphore
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from activities.announce import Announcer
from clients.blob_store import BlobStore
from clients.guardrails.chain import Guardrails
from clients.render_times import RenderTimeTable
from clients.video_table import VideoTable
from clients.videos_api import VideosApi
from domain.catalog import Catalog, Deployment
from domain.failures import FailureCode, VideoFailed
from domain.polling import next_check_s
from domain.render_times import RenderKind
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
        render_times: How long their renders take.
        announcer: Tells what happened to a video.
        clock: The present time, UTC.
        copies: Bounds how many contents are copied at once in this process, and so its memory.
        max_queued_s: How long a video may wait for a deployment to take it.
        guardrails: What may be shown; None for everything.
    """

    catalog: Catalog
    videos: VideoTable
    contents: BlobStore
    inputs: BlobStore
    api: VideosApi
    render_times: RenderTimeTable
    announcer: Announcer
    clock: Callable[[], datetime]
    copies: Semaphore
    max_queued_s: float
    guardrails: Guardrails | None = None

    def deployment_of(self, video: Video) -> Deployment:
        """The deployment that renders a video.

        Raises:
            VideoFailed: The configuration no longer has it.
        """
        return self.deployment(video.deployment)

    def deployment(self, name: str | None) -> Deployment:
        """The deployment of this name.

        Raises:
            VideoFailed: The configuration no longer has it.
        """
        deployment = self.catalog.deployment(name or "")
        if deployment is None:
            message = f"The deployment '{name}' is no longer configured."
            raise VideoFailed(FailureCode.DEPLOYMENT_NOT_FOUND, message)
        return deployment

    async def next_check_s(
        self, video: Video, deployment: Deployment, *, elapsed_s: float = 0, progress: int = 0
    ) -> float:
        """Seconds until a job should be asked for next that is still running after `elapsed_s`."""
        times = await self.render_times.of(render_kind(video, deployment))
        expected_s = deployment.expected_render_s
        return next_check_s(elapsed_s=elapsed_s, expected_s=expected_s, times=times, progress=progress)


def render_kind(video: Video, deployment: Deployment) -> RenderKind:
    """Which other renders a video's takes about as long as."""
    return RenderKind(deployment.name, deployment.upstream_model, video.seconds, video.size)
