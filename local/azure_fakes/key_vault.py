"""The secrets of a Key Vault, with the authentication challenge that its SDK expects.

Protocol: https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret/get-secret
"""

import hashlib
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.azure_fakes.credentials import bearer
from local.azure_fakes.errors import AzureError
from local.azure_fakes.faults import Operation
from local.azure_fakes.service import Call, Endpoint
from local.azure_fakes.world import World

SCOPE: Final = "https://vault.azure.net"
CHALLENGE: Final = (
    f'Bearer authorization="https://login.microsoftonline.com/00000000-0000-0000-0000-000000000000", resource="{SCOPE}"'
)


class KeyVault:
    """Hands out the secrets in the settings, the latest version only."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def get_secret(self, call: Call) -> Response:
        """GET /secrets/{name} and /secrets/{name}/{version}."""
        self._check_access(call.request)
        name = call.request.path_params["name"]
        value = self._world.settings.secrets.get(name)
        version = value and hashlib.sha256(value.encode()).hexdigest()[:32]
        if value is None or call.request.path_params.get("version") not in (None, version):
            raise _not_found(name)
        secret_id = f"https://{call.request.headers['host']}/secrets/{name}/{version}"
        attributes = {"enabled": True, "recoveryLevel": "Recoverable+Purgeable", "recoverableDays": 90}
        return JSONResponse({"value": value, "id": secret_id, "attributes": attributes})

    def _check_access(self, request: Request) -> None:
        token = bearer(request.headers)
        if token is None or not self._world.tokens.accepts(token, [SCOPE]):
            message = "AKV10000: Request is missing a Bearer or PoP token."
            raise AzureError(
                401, {"error": {"code": "Unauthorized", "message": message}}, {"www-authenticate": CHALLENGE}
            )


def _not_found(name: str) -> AzureError:
    message = (
        f"A secret with (name/id) {name} was not found in this key vault. If you recently deleted this secret you may "
        "be able to recover it using the correct recovery command. For help resolving this issue, please see "
        "https://go.microsoft.com/fwlink/?linkid=2125182"
    )
    return AzureError(404, {"error": {"code": "SecretNotFound", "message": message}})


def routes(world: World) -> list[Route]:
    """Return the routes of the vault."""
    endpoint = Endpoint(world, Operation.SECRET, KeyVault(world).get_secret)
    return [
        Route("/secrets/{name}", endpoint, methods=["GET"]),
        Route("/secrets/{name}/", endpoint, methods=["GET"]),
        Route("/secrets/{name}/{version}", endpoint, methods=["GET"]),
    ]
