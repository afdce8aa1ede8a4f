"""Microsoft Entra for applications: tokens by secret, by certificate, or by a federated token, and its signing keys.

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
_APIS: Final = "api://"
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
        token = self._token(scope.removesuffix("/.default"), form["client_id"], call.request)
        lifetime = {"expires_in": TOKEN_LIFETIME_S, "ext_expires_in": TOKEN_LIFETIME_S}
        return JSONResponse({"token_type": "Bearer", **lifetime, "access_token": token})

    async def configuration(self, call: Call) -> Response:
        """GET /{tenant}/v2.0/.well-known/openid-configuration."""
        authority = _authority(call.request)
        return JSONResponse(
            {
                "issuer": f"{authority}/v2.0",
                "token_endpoint": f"{authority}/oauth2/v2.0/token",
                "authorization_endpoint": f"{authority}/oauth2/v2.0/authorize",  # not there, but its clients want one
                "jwks_uri": f"{authority}/discovery/v2.0/keys",
            }
        )

    async def keys(self, _: Call) -> Response:
        """GET /{tenant}/discovery/v2.0/keys."""
        return JSONResponse({"keys": [self._world.entra_key.published()]})

    def _token(self, resource: str, client_id: str, request: Request) -> str:
        """A token for somebody else's API is one that they can check; the others are for the fakes themselves."""
        if not resource.startswith(_APIS):
            return self._world.tokens.issue(resource, client_id)[0]
        claims = {"iss": f"{_authority(request)}/v2.0", "aud": resource, "azp": client_id, "ver": "2.0"}
        return self._world.entra_key.sign(claims, lifetime_s=TOKEN_LIFETIME_S)

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


def _authority(request: Request) -> str:
    return f"{request.base_url}{request.path_params['tenant']}"


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
    entra = Entra(world)
    return [
        Route(f"/{{tenant}}/{path}", Endpoint(world, Operation.TOKEN, answer), methods=[method])
        for method, path, answer in (
            ("POST", "oauth2/v2.0/token", entra.token),
            ("GET", "v2.0/.well-known/openid-configuration", entra.configuration),
            ("GET", "discovery/v2.0/keys", entra.keys),
        )
    ]
