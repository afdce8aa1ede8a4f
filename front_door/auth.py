"""The only door: whoever has no key stays outside."""

import re

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from clients.caller_keys import CallerKeys
from domain.errors import Unauthorized
from front_door.error_answers import error_response

PUBLIC_PATHS = frozenset({"/healthz", "/docs", "/openapi.json"})
_BEARER = re.compile(r"bearer +(\S+)", re.IGNORECASE)


class CallerAuth:
    """ASGI middleware that finds the caller's tenant, for every path but the public ones.

    It stands before the routes, so that a stranger cannot even learn which there are.

    Args:
        app: What is behind the door.
        caller_keys: Who may enter.
    """

    def __init__(self, app: ASGIApp, caller_keys: CallerKeys) -> None:
        self._app = app
        self._caller_keys = caller_keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] in PUBLIC_PATHS:
            await self._app(scope, receive, send)
            return
        try:
            scope.setdefault("state", {})["tenant"] = await self._tenant(Headers(scope=scope))
        except Unauthorized as error:
            await error_response(error)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _tenant(self, headers: Headers) -> str:
        bearer = _BEARER.fullmatch(headers.get("authorization", ""))
        key = bearer[1] if bearer else headers.get("api-key")
        if not key:
            raise Unauthorized("No API key was sent. Send it as 'Authorization: Bearer KEY' or as 'api-key: KEY'.")
        tenant = await self._caller_keys.tenant_of(key)
        if tenant is None:
            raise Unauthorized("The API key is not accepted here. Ask whoever runs this service for one.")
        return tenant
