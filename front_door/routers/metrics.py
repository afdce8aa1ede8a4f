"""/metrics: this process's metrics in Prometheus's format, for the operator."""

from fastapi import APIRouter, Response

from domain.errors import NotFound
from front_door.services import Services

router = APIRouter(tags=["health"])

_TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8"


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(services: Services) -> Response:
    """Read the metrics. It needs the admin key, and `REELAY_METRICS_ENDPOINT=true`."""
    if services.metrics_text is None:
        raise NotFound("There are no metrics to be read here: set REELAY_METRICS_ENDPOINT to true.")
    return Response(services.metrics_text(), media_type=_TEXT_FORMAT)
