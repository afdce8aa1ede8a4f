"""The managed-identity endpoint of App Service and Functions.

Protocol: https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
"""

from typing import Final

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.azure_fakes.errors import AzureError
from local.azure_fakes.faults import Operation
from local.azure_fakes.service import Call, Endpoint
from local.azure_fakes.world import World

API_VERSION: Final = "2019-08-01"


class Identity:
    """Issues access tokens to whoever knows the identity header."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def token(self, call: Call) -> Response:
        """GET /identity/token."""
        self._check_header(call.request.headers.get("x-identity-header"))
        query = call.request.query_params
        resource = query.get("resource")
        if query.get("api-version") != API_VERSION or not resource:
            raise _refused(400, f"Expected the query parameters api-version={API_VERSION} and resource.")
        client_id = query.get("client_id")
        token, expires_on = self._world.tokens.issue(resource, client_id)
        return JSONResponse(
            {
                "access_token": token,
                "client_id": client_id,
                "expires_on": str(expires_on),
                "resource": resource,
                "token_type": "Bearer",
            }
        )

    def _check_header(self, header: str | None) -> None:
        expected = self._world.settings.identity_header
        if not header or header != (expected or header):
            raise _refused(401, "The header X-IDENTITY-HEADER is missing or wrong.")


def _refused(status: int, message: str) -> AzureError:
    return AzureError(status, {"statusCode": status, "message": message})


def routes(world: World) -> list[Route]:
    """Return the routes of the identity endpoint."""
    return [Route("/identity/token", Endpoint(world, Operation.TOKEN, Identity(world).token), methods=["GET"])]
