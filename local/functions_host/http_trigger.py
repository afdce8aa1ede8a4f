"""HTTP functions: a request becomes an invocation, and what it returns becomes the response."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from azure.functions.meta import Datum

from local.functions_host.functions import Function
from local.functions_host.http_messages import Request, Response, text_response
from local.functions_host.worker import invoke

if TYPE_CHECKING:
    from http.cookies import SimpleCookie


class HttpFunction:
    """The endpoint of one function with an HTTP trigger."""

    def __init__(self, function: Function) -> None:
        self._function = function

    async def __call__(self, request: Request) -> Response:
        """Invoke the function with the request.

        Raises:
            InvocationFailedError: The function raised.
        """
        return _read_response(await invoke(self._function, _request_datum(request)))


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
