"""What is left of a video that has ended though it should not be: content that was refused, and a job nobody needs."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from activities.late_renders import LateRenders
from clients.blob_store import BlobStore
from clients.video_table import VideoTable
from clients.videos_api import VideosApi
from domain.catalog import Catalog, Deployment
from domain.errors import UpstreamError
from domain.failures import FailureCode
from domain.media import content_blob
from domain.video import Variant, Video, VideoState

_REFUSALS = {FailureCode.CONTENT_POLICY_VIOLATION, FailureCode.GUARDRAIL_UNAVAILABLE}
_UNWANTED = {FailureCode.CONTENT_POLICY_VIOLATION, FailureCode.RENDER_TIMEOUT}


@dataclass(frozen=True)
class Leftovers:
    """Removes it.

    Attributes:
        catalog: Who keeps its jobs.
        videos: The records.
        contents: Our files.
        api: The deployments.
    """

    catalog: Catalog
    videos: VideoTable
    contents: BlobStore
    api: VideosApi

    async def remove(self, video: Video, now: datetime) -> None:
        """Remove all of it, and only then note that refused content is gone; doing so again is harmless.

        Raises:
            UpstreamError: The deployment still has the job, or does not tell what it cost.
        """
        if _is_refused(video):
            for variant in Variant:
                await self.contents.delete(content_blob(video.ref, variant))
        deployment = self.catalog.deployment(video.deployment or "")
        if deployment and video.upstream_id and _job_is_waste(video, deployment):
            await LateRenders(self.catalog, self.videos, self.api).look(video, deployment)
            await self.api.delete(deployment, video.upstream_id)
        if _is_refused(video):
            await self.videos.amend(video.ref, lambda kept: kept.content_removed(now))

    async def are_gone(self, video: Video, now: datetime) -> bool:
        """Whether nothing of refused content is left; what is, is removed.

        A job that cannot be deleted counts as gone once the deployment keeps no content that is so old.
        """
        if video.content_removed_at or not _is_refused(video):
            return True
        try:
            await self.remove(video, now)
        except UpstreamError:
            deployment = self.catalog.deployment(video.deployment or "")
            lifetime_s = deployment.content_lifetime_s if deployment else 0
            return now - (video.ended_at or now) > timedelta(seconds=lifetime_s)
        return True


def _is_refused(video: Video) -> bool:
    return video.failure is not None and video.failure.code in _REFUSALS


def _job_is_waste(video: Video, deployment: Deployment) -> bool:
    """Whether the deployment may forget the job: its content is ours, or nobody waits for it any more."""
    if video.state is VideoState.COMPLETED:
        return deployment.delete_after_copy
    return bool(video.failure and video.failure.code in _UNWANTED) or video.cancel_requested_at is not None
