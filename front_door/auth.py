"""The only door: whoever has no key stays outside, and a caller's key does not open the operator's rooms."""

import re

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from clients.admin_key import AdminKey
from clients.callers import Callers
from clients.telemetry.logs import note
from domain.caller import Caller
from domain.errors import Forbidden, ReelayError, Unauthorized
from front_door.error_answers import error_response

PUBLIC_PATHS = frozenset({"/healthz", "/docs", "/openapi.json"})
ADMIN_PREFIXES = ("/v1/admin", "/admin")
"""In Azure the host keeps `/admin` for itself, so only the first can be reached there."""
_OPERATORS = tuple(f"{prefix}/" for prefix in (*ADMIN_PREFIXES, "/metrics"))
_BEARER = re.compile(r"bearer +(\S+)", re.IGNORECASE)


class Door:
    """ASGI middleware that finds the caller, or knows the operator, for every path but the public ones.

    It stands before the routes, so that a stranger cannot even learn which there are.

    Args:
        app: What is behind the door.
        callers: Who may enter.
        admin_key: Who may enter what is under `ADMIN_PREFIXES` and read `/metrics`, and nothing else.
    """

    def __init__(self, app: ASGIApp, callers: Callers, admin_key: AdminKey) -> None:
        self._app = app
        self._callers = callers
        self._admin_key = admin_key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and scope["path"] not in PUBLIC_PATHS:
            try:
                await self._admit(scope)
            except ReelayError as error:
                await error_response(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _admit(self, scope: Scope) -> None:
        key = _presented(Headers(scope=scope))
        if f"{scope['path']}/".startswith(_OPERATORS):
            await self._know_operator(key)
        else:
            caller = await self._caller(key)
            scope.setdefault("state", {})["caller"] = caller
            note(tenant=caller.tenant)

    async def _know_operator(self, key: str) -> None:
        if not self._admin_key.exists:
            raise Forbidden("This needs an admin key, and there is none: set REELAY_ADMIN_KEY, such as to env:NAME.")
        if await self._admin_key.is_it(key):
            return
        tenant = (await self._caller(key)).tenant
        raise Forbidden(f"This needs the admin key, and a key of the tenant {tenant} was sent; see REELAY_ADMIN_KEY.")

    async def _caller(self, key: str) -> Caller:
        caller = await self._callers.by_key(key)
        if caller is None:
            raise Unauthorized("The API key is not accepted here. Ask whoever runs this service for one.")
        return caller


def _presented(headers: Headers) -> str:
    bearer = _BEARER.fullmatch(headers.get("authorization", ""))
    key = bearer[1] if bearer else headers.get("api-key")
    if not key:
        raise Unauthorized("No API key was sent. Send it as 'Authorization: Bearer KEY' or as 'api-key: KEY'.")
    return key
