"""The Event Grid webhook: both handshakes, and events of both schemas, each one an invocation.

https://learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema
https://learn.microsoft.com/azure/event-grid/end-point-validation-cloud-events-schema
"""

import asyncio
import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, cast

from azure.functions.meta import Datum

from local.functions_host.functions import Function
from local.functions_host.http_front import Endpoint
from local.functions_host.http_messages import HttpError, Request, Response, json_response
from local.functions_host.keys import Access
from local.functions_host.routes import Route
from local.functions_host.worker import invoke

_PATH = "runtime/webhooks/eventgrid"
_EVENT_TYPE = "aeg-event-type"


class EventGridWebhook:
    """Takes what Event Grid delivers to the functions with an Event Grid trigger."""

    def __init__(self, functions: Iterable[Function]) -> None:
        self._functions = {function.name.lower(): function for function in functions}

    def routes(self) -> list[Route[Endpoint]]:
        """The routes of the webhook."""
        return [
            Route(_PATH, ["OPTIONS"], Endpoint(self._allow_delivery, Access.EVENT_GRID)),
            Route(_PATH, ["POST"], Endpoint(self._receive, Access.EVENT_GRID)),
        ]

    async def _allow_delivery(self, request: Request) -> Response:
        """The handshake of the CloudEvents webhook protocol."""
        self._find(request)
        origin = request.headers.get("webhook-request-origin")
        if origin is None:
            raise HttpError(HTTPStatus.BAD_REQUEST, "WebHook-Request-Origin is missing")
        return Response(headers=[("webhook-allowed-origin", origin), ("webhook-allowed-rate", "*")])

    async def _receive(self, request: Request) -> Response:
        function = self._find(request)
        match request.headers.get(_EVENT_TYPE, "Notification"):
            case "SubscriptionValidation":
                return json_response({"validationResponse": _validation_code(request)})
            case "Notification":
                await self._invoke_each(function, _events(request))
                return Response(HTTPStatus.ACCEPTED)
            case "SubscriptionDeletion" | "Unsubscribe":
                return Response(HTTPStatus.ACCEPTED)
            case unknown:
                raise HttpError(HTTPStatus.BAD_REQUEST, f"'{unknown}' is no known {_EVENT_TYPE}")

    async def _invoke_each(self, function: Function, events: list[dict[str, Any]]) -> None:
        """Run every event before the first failure is told: Event Grid then delivers the whole batch again."""
        invocations = (invoke(function, Datum(json.dumps(event), "json")) for event in events)
        outcomes = await asyncio.gather(*invocations, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    def _find(self, request: Request) -> Function:
        name = request.query.get("functionName", "")
        try:
            return self._functions[name.lower()]
        except KeyError:
            raise HttpError(HTTPStatus.NOT_FOUND, f"the app has no Event Grid function named '{name}'") from None


def _validation_code(request: Request) -> str:
    try:
        return _events(request)[0]["data"]["validationCode"]
    except (LookupError, TypeError) as error:
        raise HttpError(HTTPStatus.BAD_REQUEST, "the validation event holds no validationCode") from error


def _events(request: Request) -> list[dict[str, Any]]:
    """The events of a delivery: an array, or a single CloudEvent."""
    content: object = request.json()
    events = cast("list[object]", content) if isinstance(content, list) else [content]
    if not all(isinstance(event, dict) for event in events):
        raise HttpError(HTTPStatus.BAD_REQUEST, "each event must be a JSON object")
    return cast("list[dict[str, Any]]", events)
