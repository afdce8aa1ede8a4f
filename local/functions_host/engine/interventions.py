"""What is done to orchestrations from outside their code: to terminate and to rewind them."""

from typing import override

from durabletask.internal import helpers
from durabletask.internal import orchestrator_service_pb2 as pb
from durabletask.testing.in_memory_backend import OrchestrationInstance

from local.functions_host.engine.alarm import utc_now
from local.functions_host.engine.events import TERMINAL, execution_started, new_event
from local.functions_host.engine.execution import Execution
from local.functions_host.engine.orchestrations import Orchestrations, parent_link
from local.functions_host.engine.waits import Wait, Waits


class Interventions(Orchestrations):
    """The stock backend's terminate and rewind, for executions with children and activities under way."""

    @override
    def _terminate_instance_internal(self, instance_id: str, output: str | None, recursive: bool = False) -> None:
        execution = self._executions.get(instance_id)
        if execution is None:
            return
        instance = execution.instance
        terminated = pb.ExecutionTerminatedEvent(input=helpers.get_string_value(output), recurse=recursive)
        instance.pending_events.append(new_event(executionTerminated=terminated))
        if instance.history or instance.dispatched_events:
            self._enqueue_orchestration(instance_id)
        else:
            self._terminate_unstarted(execution, output)

    def _terminate_unstarted(self, execution: Execution, output: str | None) -> None:
        """End an instance that took no turn yet, so that its first step never happens."""
        instance = execution.instance
        instance.history, instance.pending_events = instance.pending_events, []
        instance.status = pb.ORCHESTRATION_STATUS_TERMINATED
        instance.output = output
        instance.completed_at = instance.last_updated_at = utc_now()
        self._finish(execution)
        self._change_instance(instance.instance_id)

    @override
    def _prepare_rewind(self, instance: OrchestrationInstance, reason: str | None = None) -> None:
        self._executions[instance.instance_id] = Execution(instance)
        instance.completed_at = None
        super()._prepare_rewind(instance, reason)

    @override
    def _process_rewind_orchestration_action(
        self, instance: OrchestrationInstance, rewind_action: pb.RewindOrchestrationAction
    ) -> None:
        arrived = instance.pending_events
        self._end(instance.instance_id)
        self._executions[instance.instance_id] = execution = Execution(instance)
        instance.pending_events = []
        super()._process_rewind_orchestration_action(instance, rewind_action)
        instance.pending_events.extend(arrived)
        execution.waits = Waits(instance.history)
        self._resume(execution)
        for event in execution.waits.of(Wait.CHILD):
            child = self._instances[event.subOrchestrationInstanceCreated.instanceId]
            if child.status in TERMINAL:
                self._tell_parent(child)

    @override
    def _watch_sub_orchestration(self, parent_instance_id: str, sub_instance_id: str, task_id: int) -> None:
        """Link a child that a rewind had to create anew to its parent."""
        started = execution_started(self._instances[sub_instance_id])
        if not started.HasField("parentInstance"):
            started.parentInstance.CopyFrom(parent_link(self._instances[parent_instance_id], task_id))
