"""Renders that were done though their videos were given up, as they took too long or were cancelled: all are billed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from clients.video_table import VideoTable
from clients.videos_api import VideosApi
from domain.catalog import Catalog, Deployment
from domain.errors import UpstreamError, UpstreamNotFound
from domain.failures import FailureCode
from domain.render_job import RenderStatus
from domain.video import Video


@dataclass(frozen=True)
class LateRenders:
    """Settles what they cost.

    Attributes:
        catalog: Who renders what, and bills what.
        videos: The records.
        api: The deployments.
    """

    catalog: Catalog
    videos: VideoTable
    api: VideosApi

    async def settle(self, video: Video, now: datetime) -> bool:
        """Look whether a video that has ended was rendered after all, and book that; a second look changes nothing.

        Returns:
            Whether nobody needs to look again: a render that its deployment does not tell of may be running, as long as
            its content may be kept.
        """
        deployment = self.catalog.deployment(video.deployment or "")
        if deployment is None:
            return True
        try:
            status = await self.look(video, deployment)
        except UpstreamError:
            status = RenderStatus.RUNNING
        lifetime = timedelta(seconds=deployment.content_lifetime_s)
        return status is not RenderStatus.RUNNING or now - (video.ended_at or now) > lifetime

    async def look(self, video: Video, deployment: Deployment) -> RenderStatus | None:
        """The same, by whoever deletes the job next, so that nobody can look later.

        Returns:
            How the render is doing; None if it cannot cost anything any more.

        Raises:
            UpstreamError: The deployment does not tell.
        """
        if "rendered" not in deployment.bills or not _was_given_up(video):
            return None
        try:
            job = await self.api.retrieve(deployment, video.upstream_id or "")
        except UpstreamNotFound:
            return RenderStatus.FAILED
        if job.status is RenderStatus.SUCCEEDED:
            rendered_s = video.rendered_s(job.seconds)
            await self.videos.amend(video.ref, lambda kept: kept.rendered_after_all(rendered_s))
        return job.status


def _was_given_up(video: Video) -> bool:
    given_up = {FailureCode.RENDER_TIMEOUT, FailureCode.CANCELLED}
    is_unpaid = video.upstream_id is not None and video.cost_usd is None
    return is_unpaid and video.failure is not None and video.failure.code in given_up
