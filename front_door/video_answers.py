"""A video as its tenant sees it."""

from decimal import Decimal

from fastapi import Response

from clients.blob_store import BlobStore
from domain.polling import poll_hint_ms
from domain.video import Variant, Video, VideoRef, VideoState
from front_door.services import FrontDoorServices
from front_door.wire import VideoAnswer

POLL_HINT = "openai-poll-after-ms"
COST = "x-reelay-cost-usd"


async def visible_video(video_id: str, tenant: str, services: FrontDoorServices) -> Video:
    """The tenant's video of this id.

    Raises:
        NotFound: It has none, any more.
    """
    return await services.videos.get_visible(VideoRef(tenant=tenant, video_id=video_id))


def video_answer(video: Video, response: Response, services: FrontDoorServices) -> VideoAnswer:
    """The answer about one video.

    One header says what it cost, or may cost at most; another when to ask again, if it is pending.
    """
    cost_usd = video.cost_usd or Decimal(0) if video.has_ended else video.reserved_usd
    if cost_usd is not None:
        response.headers[COST] = str(cost_usd)
    if not video.has_ended:
        response.headers[POLL_HINT] = str(_poll_after_ms(video, services))
    return VideoAnswer.of(video, blob_url=blob_url(video, services.contents))


def blob_url(video: Video, contents: BlobStore) -> str | None:
    """Where its content is, if it is there and may be seen."""
    stored = (video.contents or {}).get(Variant.VIDEO)
    is_there = video.state is VideoState.COMPLETED and not video.content_removed_at
    return contents.url(stored.blob) if stored and is_there else None


def _poll_after_ms(video: Video, services: FrontDoorServices) -> int:
    """openai-python keeps the first hint it sees, which is that of the answer to the creation."""
    expected_s = services.catalog.expected_render_s(video.model, video.deployment)
    elapsed_s = (services.clock() - (video.in_progress_since or services.clock())).total_seconds()
    return poll_hint_ms(elapsed_s=elapsed_s, expected_s=expected_s)
