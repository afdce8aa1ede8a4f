"""The engine's face: the Durable Task gRPC protocol on the event loop, so that nothing blocks a thread."""

from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, cast, override

import grpc
import grpc.aio
from durabletask.internal import orchestrator_service_pb2 as pb
from durabletask.internal import orchestrator_service_pb2_grpc as stubs
from durabletask.testing.in_memory_backend import OrchestrationInstance

from local.functions_host.engine.events import TERMINAL
from local.functions_host.engine.hub import TaskHub

type _Context = grpc.aio.ServicerContext[Any, Any]

# The calls with one answer that the task hub gives at once.
_ANSWERED_AT_ONCE = (
    "Hello",
    "StartInstance",
    "GetInstance",
    "QueryInstances",
    "ListInstanceIds",
    "RaiseEvent",
    "SuspendInstance",
    "ResumeInstance",
    "TerminateInstance",
    "RewindInstance",
    "RestartInstance",
    "PurgeInstances",
    "SignalEntity",
    "GetEntity",
    "QueryEntities",
    "CleanEntityStorage",
    "CreateTaskHub",
    "DeleteTaskHub",
    "CompleteOrchestratorTask",
    "CompleteActivityTask",
    "CompleteEntityTask",
    "AbandonTaskOrchestratorWorkItem",
    "AbandonTaskActivityWorkItem",
    "AbandonTaskEntityWorkItem",
)


class _Refused(Exception):
    """The task hub refuses a call."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(details)
        self.code = code
        self.details = details


class _Refusing:
    """Stands in for a call's context where all that is wanted of it is a way to refuse."""

    def abort(self, code: grpc.StatusCode, details: str) -> NoReturn:
        raise _Refused(code, details)


_REFUSING = cast("grpc.ServicerContext", _Refusing())


class TaskHubService(stubs.TaskHubSidecarServiceServicer):
    """Answers each call by the task hub's method of the same name, after its changes are durable.

    Args:
        hub: Who knows the answers.
    """

    def __init__(self, hub: TaskHub) -> None:
        self._hub = hub
        for name in _ANSWERED_AT_ONCE:
            setattr(self, name, self._durably(getattr(hub, name)))

    @override
    async def WaitForInstanceStart(self, request: pb.GetInstanceRequest, context: _Context) -> pb.GetInstanceResponse:
        """Answer when the instance has begun, or end with the caller's deadline."""
        return await self._state_when(request, lambda each: each.status != pb.ORCHESTRATION_STATUS_PENDING)

    @override
    async def WaitForInstanceCompletion(
        self, request: pb.GetInstanceRequest, context: _Context
    ) -> pb.GetInstanceResponse:
        """Answer when the instance has ended, or end with the caller's deadline."""
        return await self._state_when(request, lambda each: each.status in TERMINAL)

    @override
    async def StreamInstanceHistory(self, request: pb.StreamInstanceHistoryRequest, context: _Context) -> None:
        """Send an instance's history in chunks."""
        try:
            for chunk in self._hub.StreamInstanceHistory(request, _REFUSING):
                await context.write(chunk)
        except _Refused as refused:
            await context.abort(refused.code, refused.details)

    @override
    async def GetWorkItems(self, request: pb.GetWorkItemsRequest, context: _Context) -> None:
        """Send work until the stream ends; what is not completed then goes to another worker at once."""
        worker = self._hub.connect(request)
        try:
            while True:
                await context.write(await worker.next_item())
        finally:
            self._hub.dispatcher.disconnect(worker)

    def _durably(self, answer: Callable[[Any, grpc.ServicerContext], Any]) -> Callable[[Any, _Context], Awaitable[Any]]:
        async def call(request: Any, context: _Context) -> Any:
            try:
                response = answer(request, _REFUSING)
            except _Refused as refused:
                await context.abort(refused.code, refused.details)
            await self._hub.commits.settled()
            return response

        return call

    async def _state_when(
        self, request: pb.GetInstanceRequest, condition: Callable[[OrchestrationInstance], bool]
    ) -> pb.GetInstanceResponse:
        await self._hub.until(request.instanceId, condition)
        await self._hub.commits.settled()
        return self._hub.GetInstance(request, _REFUSING)
