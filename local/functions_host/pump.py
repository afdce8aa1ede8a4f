"""The pump: takes work items from the Durable engine, has them run and brings back what came of them."""

import asyncio
import logging
import os
from collections.abc import AsyncIterable, Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol, cast

import grpc
from durabletask.internal import orchestrator_service_pb2 as pb
from durabletask.internal import orchestrator_service_pb2_grpc as stubs

from local.functions_host.activity_ledger import ActivityLedger, Stream
from local.functions_host.configuration import JsonObject
from local.functions_host.work_items import DurableFunctions

_logger = logging.getLogger(__name__)

_RECONNECT_PAUSE_S = 0.05

# A local engine that is restarted is back within a second; gRPC would wait up to two minutes. Payloads are unlimited.
_CHANNEL_OPTIONS = (
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 500),
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
)

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
        address: The engine's "HOST:PORT".
        functions: The app's durable functions.
        quotas: How much to take at once.
    """

    def __init__(self, address: str, functions: DurableFunctions, quotas: Quotas) -> None:
        self._address = address
        self._functions = functions
        self._request = pb.GetWorkItemsRequest(
            maxConcurrentOrchestrationWorkItems=quotas.orchestrators,
            maxConcurrentActivityWorkItems=quotas.activities,
            maxConcurrentEntityWorkItems=quotas.entities,
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._draining = False

    async def run(self) -> None:
        """Take work until cancelled."""
        async with grpc.aio.insecure_channel(self._address, options=_CHANNEL_OPTIONS) as channel:
            engine = cast("_Engine", stubs.TaskHubSidecarServiceStub(channel))
            ledger = ActivityLedger(
                self._functions.run_activity, lambda response: _complete(engine.CompleteActivityTask, response)
            )
            while True:
                await self._follow(engine, ledger)
                await asyncio.sleep(_RECONNECT_PAUSE_S)

    async def drain(self, grace_s: float) -> None:
        """Start nothing more; let what runs finish, then cancel it.

        The stream stays open meanwhile: the engine hands out again what is leased to one that has ended.

        Args:
            grace_s: How long to wait, in seconds.
        """
        self._draining = True
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=grace_s)
        for task in late:
            task.cancel()

    async def _follow(self, engine: _Engine, ledger: ActivityLedger) -> None:
        stream = Stream()
        try:
            async for item in engine.GetWorkItems(self._request, wait_for_ready=True):
                if not self._draining:
                    self._start(self._process(item, engine, ledger, stream))
        except grpc.aio.AioRpcError as error:
            _logger.warning("the Durable engine at %s is gone (%s); waiting for it", self._address, error.code().name)
        finally:
            stream.alive = False

    async def _process(self, item: pb.WorkItem, engine: _Engine, ledger: ActivityLedger, stream: Stream) -> None:
        token = item.completionToken
        match item.WhichOneof("request"):
            case "orchestratorRequest":
                orchestration = await self._functions.run_orchestrator(item.orchestratorRequest)
                orchestration.completionToken = token
                await _complete(engine.CompleteOrchestratorTask, orchestration)
            case "activityRequest":
                await ledger.handle(item.activityRequest, token, stream)
            case "entityRequestV2":
                batch = await self._functions.run_entity(item.entityRequestV2)
                batch.completionToken = token
                await _complete(engine.CompleteEntityTask, batch)
            case kind:
                _logger.debug("ignored a work item of kind %s", kind)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finish)

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _logger.error("a work item could not be processed", exc_info=error)


async def _complete[R](call: Callable[[R], Awaitable[object]], response: R) -> bool:
    """Answer the engine; False when the answer did not get there, after which the engine asks again."""
    try:
        await call(response)
    except grpc.aio.AioRpcError as error:
        if error.code() not in _CONNECTION_LOST:
            _logger.error("the Durable engine refused a completion: %s %s", error.code().name, error.details())  # noqa: TRY400 # a traceback through gRPC says nothing more
        return False
    return True
