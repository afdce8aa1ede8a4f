"""Starts, wakes and purges orchestrations."""

from collections.abc import Mapping
from typing import Any

from durabletask.internal import orchestrator_service_pb2 as pb
from grpc import StatusCode
from grpc.aio import AioRpcError

from clients.durable import Durable
from domain.video import Video, VideoRef
from domain.workflow import GENERATE_VIDEO, WAKE, News, StepRequest

_REPLACE_ENDED = pb.OrchestrationIdReusePolicy(
    replaceableStatus=[
        pb.ORCHESTRATION_STATUS_COMPLETED,
        pb.ORCHESTRATION_STATUS_FAILED,
        pb.ORCHESTRATION_STATUS_TERMINATED,
        pb.ORCHESTRATION_STATUS_CANCELED,
    ]
)


async def start_unless_alive(durable: Durable, name: str, instance_id: str, request: Mapping[str, Any]) -> None:
    """Start an orchestration; one that is alive is left alone, one that has ended starts over.

    Args:
        durable: The durable client.
        name: Which orchestrator.
        instance_id: Its id.
        request: Its input, JSON.

    Raises:
        AioRpcError: The engine failed.
        TimeoutError: It did not answer.
    """
    try:
        async with durable.client() as client:
            await client.schedule_new_orchestration(
                name, input=request, instance_id=instance_id, reuse_id_policy=_REPLACE_ENDED
            )
    except AioRpcError as error:
        if error.code() is not StatusCode.ALREADY_EXISTS:
            raise


class Orchestrations:
    """The orchestrations of videos; the instance id is the video id.

    Every call raises AioRpcError when the engine fails, and TimeoutError when it does not answer.

    Args:
        durable: The durable client.
    """

    def __init__(self, durable: Durable) -> None:
        self._durable = durable

    async def ensure_running(self, video: Video) -> None:
        """Start a video's orchestration, unless it is alive; one that ended early starts over."""
        request = StepRequest.first(video).model_dump(mode="json", exclude_defaults=True)
        await start_unless_alive(self._durable, GENERATE_VIDEO, video.video_id, request)

    async def wake(self, ref: VideoRef, news: News) -> None:
        """End a video's present wait."""
        async with self._durable.client() as client:
            await client.raise_orchestration_event(ref.video_id, WAKE, data=news.model_dump(exclude_defaults=True))

    async def purge(self, ref: VideoRef) -> None:
        """Remove the history of a video whose orchestration has ended; harmless when there is none."""
        async with self._durable.client() as client:
            await client.purge_orchestration(ref.video_id)
