"""A webhook receiver that records what it gets."""

from starlette.responses import Response
from starlette.routing import Route

from local.azure_fakes.faults import Operation
from local.azure_fakes.service import Call, Endpoint
from local.azure_fakes.world import World


class WebhookSink:
    """Takes every delivery, under any name."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def receive(self, call: Call) -> Response:
        """POST /webhooks/{name}; the body is kept letter for letter, since it is signed."""
        delivery = {
            "name": call.request.path_params["name"],
            "headers": dict(call.request.headers),
            "body": (await call.request.body()).decode(errors="replace"),
            "at": self._world.clock.now(),
        }
        self._world.webhooks.append(delivery)
        return Response(status_code=204)


def routes(world: World) -> list[Route]:
    """Return the routes of the receiver."""
    return [Route("/webhooks/{name}", Endpoint(world, Operation.WEBHOOK, WebhookSink(world).receive), methods=["POST"])]
