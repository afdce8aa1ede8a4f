"""The Durable HTTP API: orchestrations started, watched and managed over HTTP.

https://learn.microsoft.com/azure/azure-functions/durable/durable-functions-http-api
"""

import logging
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from typing import Any, Protocol, cast

import grpc
from durabletask.client import (
    AsyncTaskHubGrpcClient,
    OrchestrationState,
    OrchestrationStatus,
    parse_orchestration_state,
)
from durabletask.internal import helpers
from durabletask.internal import orchestrator_service_pb2 as pb
from durabletask.internal import orchestrator_service_pb2_grpc as stubs

from local.functions_host.durable_client import API_PATH, DurableClientConfiguration
from local.functions_host.durable_query import flag, number, read_filter
from local.functions_host.durable_status import TERMINAL, describe, describe_history, status_name
from local.functions_host.functions import Function
from local.functions_host.http_front import Endpoint
from local.functions_host.http_messages import HttpError, Request, Response, json_response
from local.functions_host.keys import Access
from local.functions_host.routes import Route

_logger = logging.getLogger(__name__)

_RETRY_AFTER_S = "10"
_CONTINUATION_HEADER = "x-ms-continuation-token"
_PAGE_SIZE = 100

_HTTP_STATUS = {
    grpc.StatusCode.NOT_FOUND: HTTPStatus.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS: HTTPStatus.CONFLICT,
    grpc.StatusCode.FAILED_PRECONDITION: HTTPStatus.GONE,
    grpc.StatusCode.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
}


class _InstanceQueries(Protocol):
    """The one call of the generated gRPC stub that the client does not offer page by page."""

    async def QueryInstances(self, request: pb.QueryInstancesRequest) -> pb.QueryInstancesResponse: ...  # noqa: N802 # the protocol's name


class DurableApi:
    """The API's endpoints.

    Args:
        channel: A channel to the engine.
        configuration: Gives the URLs that answers refer to.
        orchestrators: The app's orchestrators.
    """

    def __init__(
        self, channel: grpc.aio.Channel, configuration: DurableClientConfiguration, orchestrators: Iterable[Function]
    ) -> None:
        self._client = AsyncTaskHubGrpcClient(channel=channel, logger=_logger, emit_trace_spans=False)
        self._queries = cast("_InstanceQueries", stubs.TaskHubSidecarServiceStub(channel))
        self._configuration = configuration
        self._orchestrators = frozenset(each.durable_name for each in orchestrators)

    def routes(self) -> list[Route[Endpoint]]:
        """The routes of the API."""
        instance = "instances/{id}"
        return [
            _route("POST", "orchestrators/{name}/{id?}", self._start),
            _route("GET", "instances", self._list),
            _route("DELETE", "instances", self._purge_matching),
            _route("GET", instance, self._status),
            _route("DELETE", instance, self._purge),
            _route("POST", f"{instance}/raiseEvent/{{event}}", self._raise_event),
            _route("POST", f"{instance}/terminate", self._terminate),
            _route("POST", f"{instance}/suspend", self._suspend),
            _route("POST", f"{instance}/resume", self._resume),
            _route("POST", f"{instance}/rewind", self._rewind),
            _route("POST", f"{instance}/restart", self._restart),
        ]

    async def _start(self, request: Request) -> Response:
        name = request.params["name"]
        if name.lower() not in self._orchestrators:
            raise HttpError(HTTPStatus.BAD_REQUEST, f"the app has no orchestrator named '{name}'")
        instance_id = await self._client.schedule_new_orchestration(
            name, input=_body(request), instance_id=request.params.get("id")
        )
        return self._accepted(instance_id)

    async def _status(self, request: Request) -> Response:
        instance_id = request.params["id"]
        state = await self._state(instance_id)
        content = describe(state, show_input=flag(request, "showInput", default=True))
        if flag(request, "showHistory"):
            history = await self._client.get_orchestration_history(instance_id)
            content["historyEvents"] = describe_history(history, show_output=flag(request, "showHistoryOutput"))
        if state.runtime_status not in TERMINAL:
            location = self._configuration.management_urls(instance_id)["statusQueryGetUri"]
            headers = {"location": location, "retry-after": _RETRY_AFTER_S}
            return json_response(content, HTTPStatus.ACCEPTED, headers)
        failed = state.runtime_status is OrchestrationStatus.FAILED
        report_failure = failed and flag(request, "returnInternalServerErrorOnFailure")
        return json_response(content, HTTPStatus.INTERNAL_SERVER_ERROR if report_failure else HTTPStatus.OK)

    async def _list(self, request: Request) -> Response:
        show_input = flag(request, "showInput", default=True)
        wanted = read_filter(request)
        query = pb.InstanceQuery(
            createdTimeFrom=wanted.created_from and helpers.new_timestamp(wanted.created_from),
            createdTimeTo=wanted.created_to and helpers.new_timestamp(wanted.created_to),
            runtimeStatus=[status.value for status in wanted.statuses or ()],
            instanceIdPrefix=helpers.get_string_value(request.query.get("instanceIdPrefix")),
            maxInstanceCount=number(request, "top", default=_PAGE_SIZE),
            fetchInputsAndOutputs=True,
            continuationToken=helpers.get_string_value(request.headers.get(_CONTINUATION_HEADER)),
        )
        page = await self._queries.QueryInstances(pb.QueryInstancesRequest(query=query))
        states = [
            describe(parse_orchestration_state(state), show_input=show_input) for state in page.orchestrationState
        ]
        return json_response(states, headers={_CONTINUATION_HEADER: page.continuationToken.value})

    async def _purge(self, request: Request) -> Response:
        return _purged((await self._client.purge_orchestration(request.params["id"])).deleted_instance_count)

    async def _purge_matching(self, request: Request) -> Response:
        wanted = read_filter(request)
        result = await self._client.purge_orchestrations_by(wanted.created_from, wanted.created_to, wanted.statuses)
        return _purged(result.deleted_instance_count)

    async def _raise_event(self, request: Request) -> Response:
        instance_id = await self._running(request)
        await self._client.raise_orchestration_event(instance_id, request.params["event"], data=_body(request))
        return Response(HTTPStatus.ACCEPTED)

    async def _terminate(self, request: Request) -> Response:
        instance_id = await self._running(request)
        await self._client.terminate_orchestration(instance_id, output=request.query.get("reason"))
        return Response(HTTPStatus.ACCEPTED)

    async def _suspend(self, request: Request) -> Response:
        await self._client.suspend_orchestration(await self._running(request), reason=request.query.get("reason"))
        return Response(HTTPStatus.ACCEPTED)

    async def _resume(self, request: Request) -> Response:
        await self._client.resume_orchestration(await self._running(request), reason=request.query.get("reason"))
        return Response(HTTPStatus.ACCEPTED)

    async def _rewind(self, request: Request) -> Response:
        await self._client.rewind_orchestration(request.params["id"], reason=request.query.get("reason"))
        return Response(HTTPStatus.ACCEPTED)

    async def _restart(self, request: Request) -> Response:
        new_id = flag(request, "restartWithNewInstanceId", default=True)
        instance_id = await self._client.restart_orchestration(
            request.params["id"], restart_with_new_instance_id=new_id
        )
        return self._accepted(instance_id)

    async def _state(self, instance_id: str) -> OrchestrationState:
        state = await self._client.get_orchestration_state(instance_id)
        if state is None:
            raise HttpError(HTTPStatus.NOT_FOUND, f"there is no orchestration '{instance_id}'")
        return state

    async def _running(self, request: Request) -> str:
        """The instance id of a request, if that orchestration can still be talked to."""
        state = await self._state(request.params["id"])
        if state.runtime_status in TERMINAL:
            raise HttpError(HTTPStatus.GONE, f"the orchestration is {status_name(state.runtime_status)}")
        return state.instance_id

    def _accepted(self, instance_id: str) -> Response:
        urls = self._configuration.management_urls(instance_id)
        headers = {"location": urls["statusQueryGetUri"], "retry-after": _RETRY_AFTER_S}
        return json_response(urls, HTTPStatus.ACCEPTED, headers)


def _route(method: str, template: str, handle: Callable[[Request], Awaitable[Response]]) -> Route[Endpoint]:
    async def handle_engine_errors(request: Request) -> Response:
        try:
            return await handle(request)
        except grpc.aio.AioRpcError as error:
            status = _HTTP_STATUS.get(error.code(), HTTPStatus.INTERNAL_SERVER_ERROR)
            raise HttpError(status, error.details() or "") from error

    return Route(f"{API_PATH}/{template}", [method], Endpoint(handle_engine_errors, Access.DURABLE_TASK))


def _body(request: Request) -> Any:
    return request.json() if request.body else None


def _purged(count: int) -> Response:
    if count == 0:
        raise HttpError(HTTPStatus.NOT_FOUND, "nothing to purge")
    return json_response({"instancesDeleted": count})
