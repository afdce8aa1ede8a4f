"""/videos: what is made from a video: remixes, edits, extensions."""

from typing import Any

from fastapi import APIRouter

from front_door.order import Order
from front_door.request_docs import NOTES, PROMPT, body_docs
from front_door.wire import VideoAnswer

router = APIRouter(prefix="/videos", tags=["videos"])

_SOURCE: dict[str, Any] = {
    "video": {
        "description": "A completed video of yours, {'id': VIDEO_ID}, or an MP4 file, sent or {'file_id': FILE_ID}."
    },
    "model": {"type": "string", "description": "Who shall do it, when a file is sent."},
}
_SECONDS: dict[str, Any] = {"seconds": {"type": "string", "enum": ["4", "8", "12", "16", "20"]}}
_REMIX = body_docs({**PROMPT, **NOTES}, required=("prompt",))
_EDIT = body_docs({**PROMPT, **_SOURCE, **NOTES}, required=("prompt", "video"))
_EXTENSION = body_docs({**PROMPT, **_SECONDS, **_SOURCE, **NOTES}, required=("prompt", "seconds", "video"))


@router.post("/{video_id}/remix", openapi_extra=_REMIX)
async def remix(video_id: str, order: Order) -> VideoAnswer:
    """Make a video anew, with another prompt, where it was rendered."""
    return await order.accept({**await order.fields(), "video": {"id": video_id}}, "remix")


@router.post("/edits", openapi_extra=_EDIT)
async def edit(order: Order) -> VideoAnswer:
    """Change a video as a prompt says."""
    return await order.accept(await order.fields(), "edit")


@router.post("/extensions", openapi_extra=_EXTENSION)
async def extend(order: Order) -> VideoAnswer:
    """Let a video go on for so many seconds."""
    return await order.accept(await order.fields(), "extension")
