"""/videos: create, list, read, cancel, delete, and the content."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from domain.polling import poll_hint_ms
from domain.video import Variant, Video, VideoRef
from front_door.content import content_response
from front_door.remove import cancel_video, delete_video
from front_door.request_fields import read_fields
from front_door.services import FrontDoorServices, Services, Tenant
from front_door.terms import Terms
from front_door.wire import DeletedVideo, VideoAnswer, VideoList
from intake.accept import accept_video

router = APIRouter(prefix="/videos", tags=["videos"])

POLL_HINT = "openai-poll-after-ms"
_CREATE_BODY: dict[str, Any] = {
    "type": "object",
    "required": ["prompt"],
    "properties": {
        "prompt": {"type": "string", "maxLength": 32_000},
        "model": {"type": "string"},
        "seconds": {"type": "string", "examples": ["4"]},
        "size": {"type": "string", "examples": ["1280x720"]},
        "input_reference": {
            "description": "An image whose pixels match the size: a file, or {'image_url': a data or https URL}.",
        },
        "user": {"type": "string"},
        "metadata": {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": 16},
    },
}
_CREATE_DOCS: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": _CREATE_BODY},
            "multipart/form-data": {"schema": _CREATE_BODY},
        },
    }
}


@router.post("", openapi_extra=_CREATE_DOCS)
async def create(
    request: Request,
    response: Response,
    tenant: Tenant,
    services: Services,
    terms: Terms,
) -> VideoAnswer:
    """Ask for a video. It is accepted at once and rendered in the background."""
    fields = await read_fields(request, max_bytes=services.max_body_bytes)
    video = await accept_video(fields, tenant=tenant, terms=terms, intake=services.intake)
    return _answer(video, response, services)


@router.get("")
async def list_videos(
    tenant: Tenant,
    services: Services,
    after: Annotated[str | None, Query(description="The last id of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    order: Literal["asc", "desc"] = "desc",
) -> VideoList:
    """List the caller's videos by creation time."""
    page = await services.videos.page(tenant, after=after, limit=limit, newest_first=order == "desc")
    data = [VideoAnswer.of(video, blob_url=_blob_url(video, services)) for video in page.videos]
    return VideoList(
        data=data,
        first_id=data[0].id if data else None,
        last_id=data[-1].id if data else None,
        has_more=page.has_more,
    )


@router.get("/{video_id}")
async def retrieve(video_id: str, response: Response, tenant: Tenant, services: Services) -> VideoAnswer:
    """Read a video. A pending one says in `openai-poll-after-ms` when to ask again."""
    video = await _visible(video_id, tenant, services)
    return _answer(video, response, services)


@router.delete("/{video_id}")
async def delete(video_id: str, tenant: Tenant, services: Services) -> DeletedVideo:
    """Delete a video and its content; one that is being rendered is cancelled."""
    video = await _visible(video_id, tenant, services)
    await delete_video(video.ref, services)
    return DeletedVideo(id=video_id)


@router.post("/{video_id}/cancel")
async def cancel(video_id: str, response: Response, tenant: Tenant, services: Services) -> VideoAnswer:
    """Stop a video: it fails with the code `cancelled`. One that has ended stays as it is."""
    video = await _visible(video_id, tenant, services)
    return _answer(await cancel_video(video.ref, services), response, services)


@router.head("/{video_id}/content", include_in_schema=False)
@router.get("/{video_id}/content")
async def content(
    video_id: str, request: Request, tenant: Tenant, services: Services, variant: Variant = Variant.VIDEO
) -> Response:
    """Read a completed video's file."""
    return await content_response(await _visible(video_id, tenant, services), variant, request, services)


async def _visible(video_id: str, tenant: str, services: FrontDoorServices) -> Video:
    return await services.videos.get_visible(VideoRef(tenant=tenant, video_id=video_id))


def _answer(video: Video, response: Response, services: FrontDoorServices) -> VideoAnswer:
    if not video.has_ended:
        response.headers[POLL_HINT] = str(_poll_after_ms(video, services))
    return VideoAnswer.of(video, blob_url=_blob_url(video, services))


def _poll_after_ms(video: Video, services: FrontDoorServices) -> int:
    """openai-python keeps the first hint it sees, which is that of the answer to the creation."""
    expected_s = services.catalog.expected_render_s(video.model, video.deployment)
    elapsed_s = (services.clock() - (video.in_progress_since or services.clock())).total_seconds()
    return poll_hint_ms(elapsed_s=elapsed_s, expected_s=expected_s)


def _blob_url(video: Video, services: FrontDoorServices) -> str | None:
    stored = (video.contents or {}).get(Variant.VIDEO)
    return services.contents.url(stored.blob) if stored and not video.content_removed_at else None
