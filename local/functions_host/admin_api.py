"""The host's admin endpoints: starting a function by hand, and the host's state.

https://learn.microsoft.com/azure/azure-functions/functions-manually-run-non-http
"""

import os
import time
from collections.abc import Iterable, Mapping
from http import HTTPStatus

from azure.functions.meta import Datum

from local.functions_host.background import BackgroundTasks
from local.functions_host.functions import EVENT_GRID_TRIGGER, Function
from local.functions_host.http_front import Endpoint
from local.functions_host.http_messages import HttpError, Request, Response, json_response
from local.functions_host.keys import Access
from local.functions_host.routes import Route
from local.functions_host.timers import Timer
from local.functions_host.worker import invoke


class AdminApi:
    """The endpoints under `/admin`.

    Args:
        functions: The functions of the app.
        timers: Those with a timer trigger, by name.
        background: Where started invocations run.
    """

    def __init__(self, functions: Iterable[Function], timers: Mapping[str, Timer], background: BackgroundTasks) -> None:
        self._functions = {function.name.lower(): function for function in functions}
        self._timers = timers
        self._background = background
        self._started = time.monotonic()

    def routes(self) -> list[Route[Endpoint]]:
        """The routes of the endpoints."""
        return [
            Route("admin/functions/{name}", ["POST"], Endpoint(self._invoke, Access.ADMIN)),
            Route("admin/host/status", ["GET"], Endpoint(self._status, Access.ADMIN)),
        ]

    async def _invoke(self, request: Request) -> Response:
        name = request.params["name"]
        function = self._functions.get(name.lower())
        if function is None:
            raise HttpError(HTTPStatus.NOT_FOUND, f"the app has no function named '{name}'")
        manual_input = str(request.json().get("input", "")) if request.body else ""
        if function.name in self._timers:
            self._timers[function.name].invoke_now()
        elif function.trigger.type == EVENT_GRID_TRIGGER:
            self._background.start(invoke(function, Datum(manual_input, "json")))
        else:
            raise HttpError(HTTPStatus.BAD_REQUEST, f"a function with {function.trigger.type} is not started by hand")
        return Response(HTTPStatus.ACCEPTED)

    async def _status(self, _request: Request) -> Response:
        uptime_ms = int((time.monotonic() - self._started) * 1000)
        return json_response(
            {"id": "local", "state": "Running", "processId": os.getpid(), "processUptime": uptime_ms, "errors": []}
        )
