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
            Whether nobody needs to look again.
        """
        deployment = self.catalog.deployment(video.deployment or "")
        if deployment is None or "rendered" not in deployment.bills or not _was_given_up(video):
            return True
        status = await self._status(video, deployment)
        return status is not RenderStatus.RUNNING or now - (video.ended_at or now) > timedelta(
            seconds=deployment.content_lifetime_s
        )

    async def _status(self, video: Video, deployment: Deployment) -> RenderStatus:
        """How the render is doing, once its cost is booked; one that nobody tells of may be running."""
        try:
            job = await self.api.retrieve(deployment, video.upstream_id or "")
        except UpstreamNotFound:
            return RenderStatus.FAILED
        except UpstreamError:
            return RenderStatus.RUNNING
        if job.status is RenderStatus.SUCCEEDED:
            rendered_s = video.rendered_s(job.seconds)
            await self.videos.amend(video.ref, lambda kept: kept.rendered_after_all(rendered_s))
        return job.status


def _was_given_up(video: Video) -> bool:
    given_up = {FailureCode.RENDER_TIMEOUT, FailureCode.CANCELLED}
    is_unpaid = video.upstream_id is not None and video.cost_usd is None
    return is_unpaid and video.failure is not None and video.failure.code in given_up
