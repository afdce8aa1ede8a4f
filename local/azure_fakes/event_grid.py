"""An Event Grid topic that records the CloudEvents it gets.

Protocol: https://learn.microsoft.com/azure/event-grid/cloud-event-schema
"""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.azure_fakes.credentials import bearer
from local.azure_fakes.errors import AzureError
from local.azure_fakes.faults import Operation
from local.azure_fakes.service import Call, Endpoint
from local.azure_fakes.world import World

SCOPE: Final = "https://eventgrid.azure.net"
BATCH: Final = "application/cloudevents-batch+json"
SINGLE: Final = "application/cloudevents+json"

type Name = Annotated[str, Field(min_length=1)]


class CloudEvent(BaseModel):
    """What every event must have; the rest is kept as it came."""

    model_config = ConfigDict(extra="allow")

    id: Name
    source: Name
    type: Name
    specversion: Literal["1.0"]


_EVENTS = TypeAdapter(list[CloudEvent])


class Topic:
    """A custom topic with the CloudEvents schema."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def publish(self, call: Call) -> Response:
        """POST /eventgrid/api/events."""
        self._check_access(call.request)
        events = await _read_events(call.request)
        self._world.events.extend(event.model_dump() for event in events)
        return Response(status_code=200)

    def _check_access(self, request: Request) -> None:
        key, token = request.headers.get("aeg-sas-key"), bearer(request.headers)
        if key is not None and key == self._world.settings.eventgrid_key:
            return
        if token is None or not self._world.tokens.accepts(token, [SCOPE]):
            raise _refused(401, "Unauthorized", "The request authorization key is not authorized for this topic.")


async def _read_events(request: Request) -> list[CloudEvent]:
    body = await request.body()
    try:
        if _media_type(request) == BATCH:
            return _EVENTS.validate_json(body)
        if _media_type(request) == SINGLE:
            return [CloudEvent.model_validate_json(body)]
    except ValidationError as error:
        raise _refused(400, "BadRequest", f"This resource is configured for the CloudEvents schema: {error}") from error
    raise _refused(415, "UnsupportedMediaType", f"Expected {BATCH} or {SINGLE}.")


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _refused(status: int, code: str, message: str) -> AzureError:
    details: list[dict[str, Any]] = [{"code": code, "message": message}]
    return AzureError(status, {"error": {"code": code, "message": message, "details": details}})


def routes(world: World) -> list[Route]:
    """Return the routes of the topic."""
    return [Route("/eventgrid/api/events", Endpoint(world, Operation.EVENT, Topic(world).publish), methods=["POST"])]
