"""/videos: create, list, read, cancel, delete, and the content."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from domain.video import Variant
from front_door.content import content_response
from front_door.listing import ListQuery, list_page, metadata_asked_for
from front_door.order import Order
from front_door.remove import cancel_video, delete_video
from front_door.request_docs import NOTES, PROMPT, body_docs
from front_door.services import Services, Tenant
from front_door.video_answers import blob_url, video_answer, visible_video
from front_door.wire import DeletedVideo, VideoAnswer, VideoList

router = APIRouter(prefix="/videos", tags=["videos"])

CREATION = body_docs(
    {
        **PROMPT,
        "model": {"type": "string"},
        "seconds": {"type": "string", "examples": ["4"]},
        "size": {"type": "string", "examples": ["1280x720"]},
        "input_reference": {
            "description": "An image whose pixels match the size: a file, {'image_url': a data or https URL} "
            "or {'file_id': that of an uploaded file}.",
        },
        "characters": {
            "type": "array",
            "items": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]},
        },
        **NOTES,
    },
    required=("prompt",),
)


@router.post("", openapi_extra=CREATION)
async def create(order: Order) -> VideoAnswer:
    """Ask for a video. It is accepted at once and rendered in the background."""
    return await order.accept(await order.fields(), "create")


@router.get("")
async def list_videos(
    request: Request, tenant: Tenant, services: Services, query: Annotated[ListQuery, Query()]
) -> VideoList:
    """List the caller's videos by creation time; `metadata[KEY]=VALUE` picks those that have it."""
    page = await list_page(services.videos, tenant, query, metadata_asked_for(request.query_params))
    data = [VideoAnswer.of(video, blob_url=blob_url(video, services.contents)) for video in page.videos]
    return VideoList(data=data, first_id=data[0].id if data else None, last_id=page.last_id, has_more=page.has_more)


@router.get("/{video_id}")
async def retrieve(video_id: str, response: Response, tenant: Tenant, services: Services) -> VideoAnswer:
    """Read a video. A pending one says in `openai-poll-after-ms` when to ask again."""
    video = await visible_video(video_id, tenant, services)
    return video_answer(video, response, services)


@router.delete("/{video_id}")
async def delete(video_id: str, tenant: Tenant, services: Services) -> DeletedVideo:
    """Delete a video and its content; one that is being rendered is cancelled."""
    video = await visible_video(video_id, tenant, services)
    await delete_video(video.ref, services)
    return DeletedVideo(id=video_id)


@router.post("/{video_id}/cancel")
async def cancel(video_id: str, response: Response, tenant: Tenant, services: Services) -> VideoAnswer:
    """Stop a video: it fails with the code `cancelled`. One that has ended stays as it is."""
    video = await visible_video(video_id, tenant, services)
    return video_answer(await cancel_video(video.ref, services), response, services)


@router.head("/{video_id}/content", include_in_schema=False)
@router.get("/{video_id}/content")
async def content(
    video_id: str, request: Request, tenant: Tenant, services: Services, variant: Variant = Variant.VIDEO
) -> Response:
    """Read a completed video's file."""
    return await content_response(await visible_video(video_id, tenant, services), variant, request, services)
