"""The pump: takes work items from the Durable engine, has them run and brings back what came of them."""

import asyncio
import logging
import os
from collections.abc import AsyncIterable, Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, cast

import grpc
from durabletask.internal import orchestrator_service_pb2 as pb
from durabletask.internal import orchestrator_service_pb2_grpc as stubs

from local.functions_host.activity_ledger import ActivityLedger, Stream
from local.functions_host.background import BackgroundTasks
from local.functions_host.configuration import JsonObject
from local.functions_host.work_items import DurableFunctions

_logger = logging.getLogger(__name__)

_RECONNECT_PAUSE_S = 0.05

_CONNECTION_LOST = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}


@dataclass(frozen=True, slots=True)
class Quotas:
    """How many work items of each kind this host takes at once."""

    orchestrators: int
    activities: int
    entities: int

    @classmethod
    def read(cls, durable_task: JsonObject) -> "Quotas":
        """Read `extensions.durableTask` of host.json; the default is the real host's, ten for each processor."""
        default = 10 * (os.cpu_count() or 1)
        return cls(
            orchestrators=int(durable_task.get("maxConcurrentOrchestratorFunctions", default)),
            activities=int(durable_task.get("maxConcurrentActivityFunctions", default)),
            entities=int(durable_task.get("maxConcurrentEntityFunctions", default)),
        )


class _Engine(Protocol):
    """The part of the generated gRPC stub that the pump uses."""

    CompleteActivityTask: Callable[[pb.ActivityResponse], Awaitable[object]]
    CompleteOrchestratorTask: Callable[[pb.OrchestratorResponse], Awaitable[object]]
    CompleteEntityTask: Callable[[pb.EntityBatchResult], Awaitable[object]]

    def GetWorkItems(self, request: pb.GetWorkItemsRequest, *, wait_for_ready: bool) -> AsyncIterable[pb.WorkItem]: ...  # noqa: N802 # the protocol's name


class Pump:
    """Feeds the app's durable functions from the engine, and survives the engine's restarts.

    Args:
        channel: A channel to the engine.
        functions: The app's durable functions.
        quotas: How much to take at once.
        background: Where the work runs.
    """

    def __init__(
        self, channel: grpc.aio.Channel, functions: DurableFunctions, quotas: Quotas, background: BackgroundTasks
    ) -> None:
        self._engine = cast("_Engine", stubs.TaskHubSidecarServiceStub(channel))
        self._ledger = ActivityLedger(
            functions.run_activity, lambda response: _complete(self._engine.CompleteActivityTask, response)
        )
        self._functions = functions
        self._request = pb.GetWorkItemsRequest(
            maxConcurrentOrchestrationWorkItems=quotas.orchestrators,
            maxConcurrentActivityWorkItems=quotas.activities,
            maxConcurrentEntityWorkItems=quotas.entities,
        )
        self._background = background
        self._stopping = False

    async def run(self) -> None:
        """Take work until cancelled."""
        while True:
            await self._follow_stream()
            await asyncio.sleep(_RECONNECT_PAUSE_S)

    def stop(self) -> None:
        """Start nothing more.

        The stream stays open until `run` is cancelled: the engine hands out again what is leased to one that ended.
        """
        self._stopping = True

    async def _follow_stream(self) -> None:
        stream = Stream()
        try:
            async for item in self._engine.GetWorkItems(self._request, wait_for_ready=True):
                if not self._stopping:
                    self._background.start(self._process(item, stream))
        except grpc.aio.AioRpcError as error:
            _logger.warning("the Durable engine is gone (%s); waiting for it", error.code().name)
        finally:
            stream.alive = False

    async def _process(self, item: pb.WorkItem, stream: Stream) -> None:
        token = item.completionToken
        match item.WhichOneof("request"):
            case "orchestratorRequest":
                orchestration = await self._functions.run_orchestrator(item.orchestratorRequest)
                orchestration.completionToken = token
                await _complete(self._engine.CompleteOrchestratorTask, orchestration)
            case "activityRequest":
                await self._ledger.handle(item.activityRequest, token, stream)
            case "entityRequestV2":
                batch = await self._functions.run_entity(item.entityRequestV2)
                batch.completionToken = token
                await _complete(self._engine.CompleteEntityTask, batch)
            case kind:
                _logger.warning("the engine sent a work item of unknown kind '%s'", kind)


async def _complete[R](call: Callable[[R], Awaitable[object]], response: R) -> bool:
    """Answer the engine; False when the answer did not get there, after which the engine asks again."""
    try:
        await call(response)
    except grpc.aio.AioRpcError as error:
        if error.code() not in _CONNECTION_LOST:
            _logger.error("the Durable engine refused a completion: %s %s", error.code().name, error.details())  # noqa: TRY400 # a traceback through gRPC says nothing more
        return False
    return True
