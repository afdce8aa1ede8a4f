"""A video as its tenant sees it."""

from fastapi import Response

from clients.blob_store import BlobStore
from domain.polling import poll_hint_ms
from domain.video import Variant, Video, VideoRef
from front_door.services import FrontDoorServices
from front_door.wire import VideoAnswer

POLL_HINT = "openai-poll-after-ms"


async def visible_video(video_id: str, tenant: str, services: FrontDoorServices) -> Video:
    """The tenant's video of this id.

    Raises:
        NotFound: It has none, any more.
    """
    return await services.videos.get_visible(VideoRef(tenant=tenant, video_id=video_id))


def video_answer(video: Video, response: Response, services: FrontDoorServices) -> VideoAnswer:
    """The answer about one video; a header says when to ask again, if it is pending."""
    if not video.has_ended:
        response.headers[POLL_HINT] = str(_poll_after_ms(video, services))
    return VideoAnswer.of(video, blob_url=blob_url(video, services.contents))


def blob_url(video: Video, contents: BlobStore) -> str | None:
    """Where its content is, if it is there."""
    stored = (video.contents or {}).get(Variant.VIDEO)
    return contents.url(stored.blob) if stored and not video.content_removed_at else None


def _poll_after_ms(video: Video, services: FrontDoorServices) -> int:
    """openai-python keeps the first hint it sees, which is that of the answer to the creation."""
    expected_s = services.catalog.expected_render_s(video.model, video.deployment)
    elapsed_s = (services.clock() - (video.in_progress_since or services.clock())).total_seconds()
    return poll_hint_ms(elapsed_s=elapsed_s, expected_s=expected_s)
