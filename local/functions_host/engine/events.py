"""History events as the Durable Task protocol writes them."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from durabletask.internal import helpers
from durabletask.internal import orchestrator_service_pb2 as pb
from durabletask.testing.in_memory_backend import OrchestrationInstance
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from local.functions_host.engine.alarm import utc_now

TERMINAL = frozenset(
    {
        pb.ORCHESTRATION_STATUS_COMPLETED,
        pb.ORCHESTRATION_STATUS_FAILED,
        pb.ORCHESTRATION_STATUS_TERMINATED,
    }
)


def event_type(event: pb.HistoryEvent) -> str:
    """The name of the one kind of event that is set, such as "taskScheduled"."""
    return event.WhichOneof("eventType") or ""


def new_event(event_id: int = -1, **body: Any) -> pb.HistoryEvent:
    """A history event of the present moment.

    Args:
        event_id: The id of the action that it records; -1 for what comes from outside.
        body: The one kind of event, by the protocol's name for it, such as `timerFired=TimerFiredEvent(...)`.
    """
    return pb.HistoryEvent(eventId=event_id, timestamp=helpers.new_timestamp(utc_now()), **body)


type _Asked = pb.CreateInstanceRequest | pb.SubOrchestrationInstanceCreatedEvent | pb.StartNewOrchestrationAction


def new_start(asked: _Asked, **more: Any) -> pb.ExecutionStartedEvent:
    """What begins the orchestration that was asked for.

    Args:
        asked: Names the orchestrator function and its input.
        more: Further fields of the event.
    """
    return pb.ExecutionStartedEvent(
        name=asked.name,
        version=optional(asked, "version"),
        input=optional(asked, "input"),
        parentTraceContext=optional(asked, "parentTraceContext"),
        **more,
    )


def optional(message: Message, field: str) -> Any:
    """The value of a field, or None where the sender left it out."""
    return getattr(message, field) if message.HasField(field) else None


def optional_text(message: Message, field: str) -> str | None:
    """The text in a wrapped string field, or None where the sender left it out."""
    return getattr(message, field).value if message.HasField(field) else None


def moment(timestamp: Timestamp) -> datetime:
    """A protocol timestamp as an aware datetime."""
    return timestamp.ToDatetime(tzinfo=UTC)


def stamp(events: Sequence[pb.HistoryEvent]) -> None:
    """Give the newest events, as far back as they lack one, the present time."""
    for event in reversed(events):
        if event.timestamp.seconds:
            return
        event.timestamp.FromDatetime(utc_now())


def execution_started(instance: OrchestrationInstance) -> pb.ExecutionStartedEvent:
    """The event that began the instance's present execution."""
    events = itertools.chain(instance.history, instance.dispatched_events, instance.pending_events)
    return next(event.executionStarted for event in events if event.HasField("executionStarted"))


def child_result(child: OrchestrationInstance, task_id: int) -> pb.HistoryEvent:
    """What a parent is told of its child's end, as the answer to one of its tasks."""
    if child.status == pb.ORCHESTRATION_STATUS_COMPLETED:
        completed = pb.SubOrchestrationInstanceCompletedEvent(
            taskScheduledId=task_id, result=helpers.get_string_value(child.output)
        )
        return new_event(subOrchestrationInstanceCompleted=completed)
    failed = pb.SubOrchestrationInstanceFailedEvent(
        taskScheduledId=task_id,
        failureDetails=child.failure_details
        or pb.TaskFailureDetails(errorType="OrchestrationTerminated", errorMessage="The orchestration was terminated."),
    )
    return new_event(subOrchestrationInstanceFailed=failed)
