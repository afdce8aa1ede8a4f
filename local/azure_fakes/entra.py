"""The token endpoint of Microsoft Entra, for applications: by secret, by certificate, or by a federated token.

Protocol: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

import jwt
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.azure_fakes.credentials import TOKEN_LIFETIME_S
from local.azure_fakes.errors import AzureError
from local.azure_fakes.faults import Operation
from local.azure_fakes.service import Call, Endpoint
from local.azure_fakes.world import World

ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_PUBLIC_KEY: Final = "-----BEGIN PUBLIC KEY-----"


class Entra:
    """Issues tokens to the applications in the settings."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def token(self, call: Call) -> Response:
        """POST /{tenant}/oauth2/v2.0/token."""
        form = dict(parse_qsl((await call.request.body()).decode()))
        scope = form.get("scope", "")
        if form.get("grant_type") != "client_credentials" or not scope.endswith("/.default"):
            raise _refused(400, "invalid_request", "AADSTS900144: Expected an application's grant_type and scope.")
        self._check(form, call.request)
        token, _ = self._world.tokens.issue(scope.removesuffix("/.default"), form["client_id"])
        lifetime = {"expires_in": TOKEN_LIFETIME_S, "ext_expires_in": TOKEN_LIFETIME_S}
        return JSONResponse({"token_type": "Bearer", **lifetime, "access_token": token})

    def _check(self, form: Mapping[str, str], request: Request) -> None:
        client_id = form.get("client_id", "")
        known = self._world.settings.applications.get(client_id)
        if known is None:
            message = f"AADSTS700016: Application with identifier '{client_id}' was not found in the directory."
            raise _refused(400, "unauthorized_client", message)
        if known.startswith(_PUBLIC_KEY):
            proven = form.get("client_assertion_type") == ASSERTION and _is_signed(form, known, str(request.url))
        else:
            proven = known in {form.get("client_secret"), form.get("client_assertion")}
        if not proven:
            raise _refused(401, "invalid_client", "AADSTS7000215: Invalid client secret or assertion provided.")


def _is_signed(form: Mapping[str, str], public_key: str, audience: str) -> bool:
    try:
        jwt.decode(
            form.get("client_assertion", ""),
            public_key,
            algorithms=["PS256", "RS256"],
            audience=audience,
            issuer=form["client_id"],
        )
    except jwt.InvalidTokenError:
        return False
    return True


def _refused(status: int, code: str, message: str) -> AzureError:
    return AzureError(status, {"error": code, "error_description": message})


def routes(world: World) -> list[Route]:
    """Return the routes of Entra."""
    endpoint = Endpoint(world, Operation.TOKEN, Entra(world).token)
    return [Route("/{tenant}/oauth2/v2.0/token", endpoint, methods=["POST"])]
