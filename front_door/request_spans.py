"""A span and a duration for each request, which everything that is done for it belongs to."""

from http import HTTPMethod, HTTPStatus
from time import perf_counter
from typing import Any

from opentelemetry.trace import Span, SpanKind, StatusCode
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clients.telemetry.metrics import REQUEST_TIME
from clients.telemetry.spans import span

_SILENT = frozenset({"/healthz", "/metrics"})
"""Asked by machines, and often."""
_METHODS = frozenset(HTTPMethod)
"""Whoever makes up another one makes no metric of it."""


class RequestSpans:
    """ASGI middleware around everything else; where nobody wants spans, it is left out.

    FastAPI's own spans would tell what callers ask for in the query, and know nothing of the host's span.

    Args:
        app: What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] in _SILENT:
            await self._app(scope, receive, send)
            return
        status, began_s = HTTPStatus.INTERNAL_SERVER_ERROR.value, perf_counter()

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        method: str = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        with span(method, {"http.request.method": method}, parent=_parent(scope), kind=SpanKind.SERVER) as opened:
            await self._app(scope, receive, noting)
            route = _route(scope)
            opened.update_name(f"{method} {route}")
            _describe(opened, scope, route, status)
        REQUEST_TIME.record(
            perf_counter() - began_s,
            {"http.request.method": method, "http.route": route, "http.response.status_code": status},
        )


def _describe(opened: Span, scope: Scope, route: str, status: int) -> None:
    """Say what became known underway; no query, for a link's signature may be in it."""
    opened.set_attributes({"http.route": route, "url.path": scope["path"], "http.response.status_code": status})
    state: dict[str, Any] = scope.get("state") or {}
    if caller := state.get("caller"):
        opened.set_attribute("reelay.tenant", caller.tenant)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        opened.set_status(StatusCode.ERROR)


def _parent(scope: Scope) -> str | None:
    """The host's span of this invocation if it has one, else the caller's."""
    invocation: Any = scope.get("azure_functions.trace_context")
    return getattr(invocation, "trace_parent", None) or Headers(scope=scope).get("traceparent")


def _route(scope: Scope) -> str:
    """The template that the path fits, of which there are few; a router's route knows only the last part of it."""
    route: Any = scope.get("route")
    if route is None:
        return "unknown"
    template: str = route.path
    return scope["path"].rsplit("/", template.count("/"))[0] + template
