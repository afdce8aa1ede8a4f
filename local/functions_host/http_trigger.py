"""HTTP functions: a request becomes an invocation, and what that returns becomes the response."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from azure.functions.meta import Datum

from local.functions_host.functions import Function
from local.functions_host.http_front import Endpoint
from local.functions_host.http_messages import Request, Response, text_response
from local.functions_host.keys import Access
from local.functions_host.routes import Route
from local.functions_host.worker import invoke

if TYPE_CHECKING:
    from http.cookies import SimpleCookie


def http_route(function: Function, prefix: str) -> Route[Endpoint]:
    """The route of a function with an HTTP trigger.

    Args:
        function: The function.
        prefix: `extensions.http.routePrefix` of host.json.

    Raises:
        ConfigurationError: The declared route cannot be read.
    """

    async def handle(request: Request) -> Response:
        trace_parent = request.headers.get("traceparent", "")
        return _read_response(await invoke(function, _request_datum(request), trace_parent))

    declared = function.trigger.properties
    methods: list[str] = declared.get("methods") or []
    access = Access(str(declared.get("authLevel") or Access.FUNCTION).lower())
    template = f"{prefix}/{declared.get('route') or function.name}"
    return Route(template, [method.upper() for method in methods] or None, Endpoint(handle, access))


def _request_datum(request: Request) -> Datum:
    value = {
        "method": Datum(request.method, "string"),
        "url": Datum(request.url, "string"),
        "headers": _string_datums(request.headers),
        "query": _string_datums(request.query),
        "params": _string_datums(request.params),
        "body": Datum(request.body, "bytes"),
    }
    return Datum(value, "http")


def _string_datums(values: Mapping[str, str]) -> dict[str, Datum]:
    return {name: Datum(value, "string") for name, value in values.items()}


def _read_response(returned: Datum | None) -> Response:
    if returned is None:
        return Response(HTTPStatus.NO_CONTENT)
    if returned.type != "http":
        return text_response(HTTPStatus.OK, str(returned.value))
    value = cast("dict[str, Any]", returned.value)
    headers = [(name, str(each.value)) for name, each in cast("dict[str, Datum]", value["headers"]).items()]
    cookies = cast("list[SimpleCookie]", value["cookies"] or [])
    headers += [("set-cookie", morsel.OutputString()) for cookie in cookies for morsel in cookie.values()]
    return Response(int(value["status_code"].value), cast("bytes", value["body"].value), headers)
