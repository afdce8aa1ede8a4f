"""The life of an orchestration instance: created, told of events, let to its turns, forgotten."""

import sys
import uuid
from datetime import timedelta
from functools import partial
from typing import override

import grpc
from durabletask.internal import helpers
from durabletask.internal import orchestrator_service_pb2 as pb
from durabletask.testing.in_memory_backend import InMemoryOrchestrationBackend, OrchestrationInstance

from local.functions_host.engine.alarm import Alarm, utc_now
from local.functions_host.engine.commits import GroupCommit
from local.functions_host.engine.dispatch import Dispatcher
from local.functions_host.engine.events import (
    TERMINAL,
    event_type,
    new_event,
    new_start,
    optional,
    optional_text,
    stamp,
)
from local.functions_host.engine.execution import Execution, Turn


class Instances(InMemoryOrchestrationBackend):
    """The stock backend with live executions beside its instances.

    All of it runs on one event loop, and no method blocks. A change becomes durable in the next commit; only then does
    a worker or a client hear of it.
    """

    def __init__(self) -> None:
        super().__init__(max_history_size=sys.maxsize)
        self.commits = GroupCommit(self._write, self._release)
        self.dispatcher = Dispatcher(wake=self.commits.request)
        self._executions: dict[str, Execution] = {}
        self._changed_instances: set[str] = set()

    @override
    def StartInstance(
        self, request: pb.CreateInstanceRequest, context: grpc.ServicerContext
    ) -> pb.CreateInstanceResponse:
        """Start an orchestration at once or at its scheduled time, in the place of one that has ended."""
        instance_id = request.instanceId or uuid.uuid4().hex
        if instance_id.startswith("@"):
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "orchestration instance ids must not start with @")
        existing = self._instances.get(instance_id)
        # Durable Functions replaces ended instances unless told otherwise.
        replaceable = set(request.orchestrationIdReusePolicy.replaceableStatus) or TERMINAL
        if existing is not None and existing.status not in replaceable:
            context.abort(grpc.StatusCode.ALREADY_EXISTS, f"orchestration instance '{instance_id}' already exists")
        start_at = optional(request, "scheduledStartTimestamp")
        self._create(instance_id, new_start(request, scheduledStartTimestamp=start_at, tags=request.tags))
        return pb.CreateInstanceResponse(instanceId=instance_id)

    @override
    def RaiseEvent(self, request: pb.RaiseEventRequest, context: grpc.ServicerContext) -> pb.RaiseEventResponse:
        """Put an external event into an instance's inbox; one that has ended drops it."""
        response = super().RaiseEvent(request, context)
        self._enqueue_orchestration(request.instanceId)
        return response

    def _create(self, instance_id: str, started: pb.ExecutionStartedEvent) -> None:
        """Create an instance from the event that starts it, in the place of any other with its id."""
        self._forget(instance_id)
        now = utc_now()
        started.orchestrationInstance.instanceId = instance_id
        started.orchestrationInstance.executionId.value = uuid.uuid4().hex
        instance = OrchestrationInstance(
            instance_id=instance_id,
            name=started.name,
            status=pb.ORCHESTRATION_STATUS_PENDING,
            version=optional_text(started, "version"),
            input=optional_text(started, "input"),
            created_at=now,
            last_updated_at=now,
            tags=dict(started.tags),
        )
        instance.pending_events.append(new_event(executionStarted=started))
        self._instances[instance_id] = instance
        self._executions[instance_id] = Execution(instance)
        self._enqueue_orchestration(instance_id)

    @override
    def _create_instance_internal(
        self, instance_id: str, name: str, encoded_input: str | None = None, version: str | None = None
    ) -> None:
        version_value, input_value = helpers.get_string_value(version), helpers.get_string_value(encoded_input)
        self._create(instance_id, pb.ExecutionStartedEvent(name=name, version=version_value, input=input_value))

    @override
    def _enqueue_orchestration(self, instance_id: str) -> None:
        """Let the instance take a turn as soon as it may, if anything is in its inbox."""
        instance = self._instances[instance_id]
        self._change_instance(instance_id)
        execution = self._executions.get(instance_id)
        if execution is None:
            instance.pending_events.clear()
            return
        stamp(instance.pending_events)
        if not _may_run(instance):
            return
        if execution.wake_up is not None:
            execution.wake_up.cancel()
        if (pause_s := execution.pause_s) > 0:
            wake_up_at = utc_now() + timedelta(seconds=pause_s)
            execution.wake_up = Alarm(wake_up_at, partial(self._enqueue_orchestration, instance_id))
        else:
            self.dispatcher.ready(Turn(execution))

    def _deliver(self, instance_id: str, event: pb.HistoryEvent) -> None:
        """Put an answer into the inbox of the instance that waits for it; nobody waits for it twice."""
        execution = self._executions.get(instance_id)
        if execution is not None and execution.waits.expect(event):
            execution.waits.note(event)
            execution.instance.pending_events.append(event)
            execution.instance.last_updated_at = utc_now()
            self._enqueue_orchestration(instance_id)

    def _forget(self, instance_id: str) -> None:
        """Remove all that is known of an instance."""
        self._end(instance_id)
        self._instances.pop(instance_id, None)
        self._change_instance(instance_id)

    def _end(self, instance_id: str) -> None:
        execution = self._executions.pop(instance_id, None)
        if execution is not None:
            execution.end()

    def _change_instance(self, instance_id: str) -> None:
        self._changed_instances.add(instance_id)
        self.commits.request()

    def _write(self) -> None:
        """Make all changes durable."""
        raise NotImplementedError

    def _release(self) -> None:
        """Let workers have what became ready."""
        self.dispatcher.pump()


def _may_run(instance: OrchestrationInstance) -> bool:
    """Whether there is something in the inbox that the instance may see now."""
    if instance.status == pb.ORCHESTRATION_STATUS_SUSPENDED:
        wakers = {"executionResumed", "executionTerminated"}
        return any(event_type(event) in wakers for event in instance.pending_events)
    return bool(instance.pending_events)
