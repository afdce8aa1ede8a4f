"""The only door: whoever has no key stays outside, and a caller's key does not open the operator's rooms."""

import re

from azure.core.exceptions import AzureError
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from clients.callers import Callers
from clients.telemetry.logs import note
from domain.errors import Forbidden, ReelayError
from front_door.error_answers import error_response, storage_error
from front_door.operators import Operators

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
        operators: Who may enter what is under `ADMIN_PREFIXES` and read `/metrics`, and nothing else.
    """

    def __init__(self, app: ASGIApp, callers: Callers, operators: Operators) -> None:
        self._app = app
        self._callers = callers
        self._operators = operators

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and scope["path"] not in PUBLIC_PATHS:
            try:
                await self._admit(scope)
            except ReelayError as error:
                await error_response(error)(scope, receive, send)
                return
            except AzureError as error:
                await storage_error(Request(scope), error)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _admit(self, scope: Scope) -> None:
        headers, state = Headers(scope=scope), scope.setdefault("state", {})
        if f"{scope['path']}/".startswith(_OPERATORS):
            state["operator"] = self._operators.by_role(headers) or await self._operator(headers)
        else:
            caller = state["caller"] = await self._callers.by_key(await self._presented(headers))
            note(tenant=caller.tenant)

    async def _operator(self, headers: Headers) -> str:
        key = await self._presented(headers)
        if not self._operators.exist:
            raise Forbidden("This needs an admin key, and there is none: set REELAY_ADMIN_KEY, such as to env:NAME.")
        if operator := await self._operators.by_key(key):
            return operator
        tenant = (await self._callers.by_key(key)).tenant
        raise Forbidden(f"This needs the admin key, and a key of the tenant {tenant} was sent; see REELAY_ADMIN_KEY.")

    async def _presented(self, headers: Headers) -> str:
        bearer = _BEARER.fullmatch(headers.get("authorization", ""))
        if key := bearer[1] if bearer else headers.get("api-key"):
            return key
        message = "No API key was sent. Send it as 'Authorization: Bearer KEY' or as 'api-key: KEY'."
        raise await self._callers.refusal(message)
