"""/videos: paths of older gateways for what has another path now. Source: LiteLLM's documentation of 2025."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter

from domain.errors import InvalidRequest
from front_door.order import Order
from front_door.request_docs import PROMPT, VIDEO_ID, body_docs
from front_door.routers.videos import CREATION, create
from front_door.video_answers import video_answer, visible_video
from front_door.wire import VideoAnswer

router = APIRouter(prefix="/videos", tags=["videos"])

_NAMED = body_docs(VIDEO_ID, required=("video_id",))

router.post("/generations", openapi_extra=CREATION)(create)


@router.post("/remix", openapi_extra=body_docs({**VIDEO_ID, **PROMPT}, required=("video_id", "prompt")))
async def remix(order: Order) -> VideoAnswer:
    """The same as POST /videos/{video_id}/remix."""
    fields = await order.fields()
    return await order.accept({**fields, "video": {"id": _video_id(fields)}}, "remix")


@router.post("/status", openapi_extra=_NAMED)
@router.post("/retrieval", openapi_extra=_NAMED)
async def retrieve(order: Order) -> VideoAnswer:
    """The same as GET /videos/{video_id}."""
    video = await visible_video(_video_id(await order.fields()), order.caller.tenant, order.services)
    return video_answer(video, order.response, order.services)


def _video_id(fields: Mapping[str, Any]) -> str:
    match fields.get("video_id"):
        case str() as video_id:
            return video_id
        case _:
            raise InvalidRequest("Name the video, as text.", param="video_id", code="missing_required_parameter")
