"""Starts, wakes and purges orchestrations: the durable client, kept open.

The binding hands every invocation a configuration, and the package would open a gRPC channel for each, which costs
more than all else in a request. The configuration of a process does not change, so one client serves it.
"""

import asyncio

from azure.durable_functions import DurableFunctionsClient
from durabletask.internal import orchestrator_service_pb2 as pb
from grpc import StatusCode
from grpc.aio import AioRpcError

from domain.video import VideoRef
from domain.workflow import GENERATE_VIDEO, WAKE, StepRequest

_LIMIT_S = 5.0
"""The package sets no limit, and a caller is waiting."""
_REPLACE_ENDED = pb.OrchestrationIdReusePolicy(
    replaceableStatus=[
        pb.ORCHESTRATION_STATUS_COMPLETED,
        pb.ORCHESTRATION_STATUS_FAILED,
        pb.ORCHESTRATION_STATUS_TERMINATED,
        pb.ORCHESTRATION_STATUS_CANCELED,
    ]
)


class Orchestrations:
    """The orchestrations of videos; the instance id is the video id.

    Every call raises AioRpcError when the engine fails, and TimeoutError when it does not answer.
    """

    def __init__(self) -> None:
        self._binding = ""
        self._client: DurableFunctionsClient | None = None

    def connect(self, binding: str) -> None:
        """Use this durable client binding from now on.

        Args:
            binding: The configuration that a `durableClient` input binding gives, JSON.
        """
        if binding != self._binding:
            self._binding, self._client = binding, DurableFunctionsClient(binding)

    async def ensure_running(self, ref: VideoRef) -> None:
        """Start a video's orchestration, unless it is alive; one that ended early starts over."""
        try:
            async with asyncio.timeout(_LIMIT_S):
                await self._connected.schedule_new_orchestration(
                    GENERATE_VIDEO,
                    input=StepRequest(video=ref).model_dump(mode="json", exclude_none=True),
                    instance_id=ref.video_id,
                    reuse_id_policy=_REPLACE_ENDED,
                )
        except AioRpcError as error:
            if error.code() is not StatusCode.ALREADY_EXISTS:
                raise

    async def wake(self, ref: VideoRef) -> None:
        """End a video's present wait: its record has news."""
        async with asyncio.timeout(_LIMIT_S):
            await self._connected.raise_orchestration_event(ref.video_id, WAKE)

    async def purge(self, ref: VideoRef) -> None:
        """Remove the history of a video whose orchestration has ended; harmless when there is none."""
        async with asyncio.timeout(_LIMIT_S):
            await self._connected.purge_orchestration(ref.video_id)

    @property
    def _connected(self) -> DurableFunctionsClient:
        if self._client is None:
            raise RuntimeError("no durable client binding was connected")
        return self._client
