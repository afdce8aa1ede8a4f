"""Orchestrations: each turn's actions become history, and history is attended to."""

import logging
import uuid
from functools import partial
from typing import override

import grpc
from durabletask.internal import helpers
from durabletask.internal import orchestrator_service_pb2 as pb
from durabletask.testing.in_memory_backend import OrchestrationInstance

from local.functions_host.engine.alarm import Alarm, utc_now
from local.functions_host.engine.events import (
    TERMINAL,
    child_result,
    event_type,
    execution_started,
    moment,
    new_event,
    new_start,
    optional,
    optional_text,
    stamp,
)
from local.functions_host.engine.execution import Activity, Execution, Turn
from local.functions_host.engine.instances import Instances
from local.functions_host.engine.waits import Wait

logger = logging.getLogger(__name__)

# What happens to an instance from outside outlives a continue-as-new; answers to its earlier self do not.
_SURVIVE_CONTINUE_AS_NEW = {"eventRaised", "executionSuspended", "executionResumed", "executionTerminated"}


class Orchestrations(Instances):
    """The calls and actions that concern orchestrations.

    An action of an orchestrator becomes a history event; to attend to the event is to do what it announces. A restart
    attends again to whatever is still open, so that nothing but instances, histories and inboxes need be stored.
    """

    # Calls of workers

    @override
    def CompleteOrchestratorTask(
        self, request: pb.OrchestratorResponse, context: grpc.ServicerContext
    ) -> pb.CompleteTaskResponse:
        """End a turn: its events become history, its actions happen."""
        turn = self.dispatcher.redeem(request.completionToken)
        if isinstance(turn, Turn) and not turn.execution.ended:
            self._end_turn(turn.execution, request)
        else:
            logger.warning("ignored a stale turn of '%s'", request.instanceId)
        return pb.CompleteTaskResponse()

    @override
    def CompleteActivityTask(
        self, request: pb.ActivityResponse, context: grpc.ServicerContext
    ) -> pb.CompleteTaskResponse:
        """Give an activity's result to the orchestration, if it still waits for it."""
        activity = self.dispatcher.redeem(request.completionToken)
        if isinstance(activity, Activity):
            if not activity.execution.ended:
                self._deliver(activity.execution.instance.instance_id, activity.result(request))
        else:
            logger.warning("ignored a stale result of activity %d of '%s'", request.taskId, request.instanceId)
        return pb.CompleteTaskResponse()

    @override
    def AbandonTaskOrchestratorWorkItem(
        self, request: pb.AbandonOrchestrationTaskRequest, context: grpc.ServicerContext
    ) -> pb.AbandonOrchestrationTaskResponse:
        """Let another worker take the turn."""
        self.dispatcher.abandon(request.completionToken)
        return pb.AbandonOrchestrationTaskResponse()

    @override
    def AbandonTaskActivityWorkItem(
        self, request: pb.AbandonActivityTaskRequest, context: grpc.ServicerContext
    ) -> pb.AbandonActivityTaskResponse:
        """Let another worker run the activity."""
        self.dispatcher.abandon(request.completionToken)
        return pb.AbandonActivityTaskResponse()

    # A turn's end

    def _end_turn(self, execution: Execution, response: pb.OrchestratorResponse) -> None:
        instance = execution.instance
        seen = execution.end_turn()
        instance.history.extend(seen)
        instance.last_updated_at = utc_now()
        instance.custom_status = optional_text(response, "customStatus")
        instance.status = _status_after(seen, instance.status)
        execution.trace = optional(response, "orchestrationTraceContext")
        for action in response.actions:
            self._apply(execution, action)
        if not execution.ended:
            self._close_turn(execution)
        self._enqueue_orchestration(instance.instance_id)

    def _apply(self, execution: Execution, action: pb.OrchestratorAction) -> None:
        """Turn one action into history, and attend to it."""
        history = execution.instance.history
        length = len(history)
        self._process_action(execution.instance, action)
        if not execution.ended:
            stamp(history[length:])
            for event in history[length:]:
                execution.waits.note(event)
                self._attend(execution, event)

    def _close_turn(self, execution: Execution) -> None:
        instance = execution.instance
        instance.history.append(new_event(orchestratorCompleted=pb.OrchestratorCompletedEvent()))
        if instance.status in TERMINAL:
            self._finish(execution)

    def _finish(self, execution: Execution) -> None:
        """Let an orchestration end: tell its parent, and its children if it was terminated with them."""
        instance = execution.instance
        completed = pb.ExecutionCompletedEvent(
            orchestrationStatus=instance.status,
            result=helpers.get_string_value(instance.output),
            failureDetails=instance.failure_details,
        )
        instance.history.append(new_event(executionCompleted=completed))
        self._end(instance.instance_id)
        self._tell_parent(instance)
        if instance.status == pb.ORCHESTRATION_STATUS_TERMINATED and _recursive(instance):
            for event in execution.waits.of(Wait.CHILD):
                child_id = event.subOrchestrationInstanceCreated.instanceId
                self._terminate_instance_internal(child_id, instance.output, recursive=True)

    def _tell_parent(self, child: OrchestrationInstance) -> None:
        started = execution_started(child)
        parent = self._executions.get(started.parentInstance.orchestrationInstance.instanceId)
        if parent is not None and parent.waits.expect_child(started.parentInstance.taskScheduledId, child.instance_id):
            self._deliver(parent.instance.instance_id, child_result(child, started.parentInstance.taskScheduledId))

    # Actions

    @override
    def _process_schedule_task_action(self, instance: OrchestrationInstance, action: pb.OrchestratorAction) -> None:
        task = action.scheduleTask
        scheduled = pb.TaskScheduledEvent(
            name=task.name,
            version=optional(task, "version"),
            input=optional(task, "input"),
            parentTraceContext=optional(task, "parentTraceContext"),
            tags=task.tags,
        )
        instance.history.append(new_event(action.id, taskScheduled=scheduled))

    @override
    def _process_create_timer_action(self, instance: OrchestrationInstance, action: pb.OrchestratorAction) -> None:
        created = pb.TimerCreatedEvent(fireAt=action.createTimer.fireAt)
        instance.history.append(new_event(action.id, timerCreated=created))

    @override
    def _process_create_sub_orchestration_action(
        self, instance: OrchestrationInstance, action: pb.OrchestratorAction
    ) -> None:
        child = action.createSubOrchestration
        created = pb.SubOrchestrationInstanceCreatedEvent(
            instanceId=child.instanceId or uuid.uuid4().hex,
            name=child.name,
            version=optional(child, "version"),
            input=optional(child, "input"),
            parentTraceContext=optional(child, "parentTraceContext"),
            tags=child.tags,
        )
        instance.history.append(new_event(action.id, subOrchestrationInstanceCreated=created))

    @override
    def _process_complete_orchestration_action(
        self, instance: OrchestrationInstance, complete_action: pb.CompleteOrchestrationAction
    ) -> None:
        if complete_action.orchestrationStatus == pb.ORCHESTRATION_STATUS_CONTINUED_AS_NEW:
            self._continue_as_new(instance, complete_action)
        else:
            super()._process_complete_orchestration_action(instance, complete_action)

    def _continue_as_new(self, instance: OrchestrationInstance, action: pb.CompleteOrchestrationAction) -> None:
        started = pb.ExecutionStartedEvent()
        started.CopyFrom(execution_started(instance))
        started.ClearField("scheduledStartTimestamp")
        started.orchestrationInstance.executionId.value = uuid.uuid4().hex
        started.ClearField("input")
        if action.HasField("result"):
            started.input.CopyFrom(action.result)
        instance.input = optional_text(action, "result")
        if action.HasField("newVersion"):
            started.version.value = instance.version = action.newVersion.value
        arrived = [event for event in instance.pending_events if event_type(event) in _SURVIVE_CONTINUE_AS_NEW]
        instance.pending_events = [new_event(executionStarted=started), *action.carryoverEvents, *arrived]
        instance.history = []
        self._end(instance.instance_id)
        self._executions[instance.instance_id] = Execution(instance)

    # Attending to history events

    def _attend(self, execution: Execution, event: pb.HistoryEvent) -> None:
        """Do what a new history event announces."""
        match event_type(event):
            case "taskScheduled":
                self.dispatcher.ready(Activity(execution, event))
            case "timerCreated":
                due = moment(event.timerCreated.fireAt)
                execution.alarms.append(Alarm(due, partial(self._fire, execution, event)))
            case "subOrchestrationInstanceCreated":
                self._start_child(execution.instance, event)
            case _:
                pass

    def _resume(self, execution: Execution) -> None:
        """Attend again to what an execution waits for, after all that was only in memory is gone."""
        for event in execution.waits.of(Wait.ACTIVITY, Wait.TIMER, Wait.LOCK):
            self._attend(execution, event)
        if execution.instance.pending_events:
            self._enqueue_orchestration(execution.instance.instance_id)

    def _fire(self, execution: Execution, created: pb.HistoryEvent) -> None:
        fired = pb.TimerFiredEvent(fireAt=created.timerCreated.fireAt, timerId=created.eventId)
        self._deliver(execution.instance.instance_id, new_event(timerFired=fired))

    def _start_child(self, parent: OrchestrationInstance, event: pb.HistoryEvent) -> None:
        child = event.subOrchestrationInstanceCreated
        if child.instanceId in self._executions:
            error = ValueError(f"orchestration instance '{child.instanceId}' already exists")
            self._deliver(parent.instance_id, helpers.new_sub_orchestration_failed_event(event.eventId, error))
            return
        link = parent_link(parent, event.eventId)
        self._create(child.instanceId, new_start(child, parentInstance=link, tags=child.tags))


def _status_after(events: list[pb.HistoryEvent], status: pb.OrchestrationStatus) -> pb.OrchestrationStatus:
    """The status of an instance whose turn saw these events."""
    if status == pb.ORCHESTRATION_STATUS_PENDING:
        status = pb.ORCHESTRATION_STATUS_RUNNING
    for event in events:
        if event.HasField("executionSuspended"):
            status = pb.ORCHESTRATION_STATUS_SUSPENDED
        elif event.HasField("executionResumed"):
            status = pb.ORCHESTRATION_STATUS_RUNNING
    return status


def _recursive(instance: OrchestrationInstance) -> bool:
    """Whether an instance was terminated together with its children."""
    return any(event.executionTerminated.recurse for event in instance.history if event.HasField("executionTerminated"))


def parent_link(parent: OrchestrationInstance, task_id: int) -> pb.ParentInstanceInfo:
    """What a child knows of its parent, and of the parent's task that it answers."""
    return pb.ParentInstanceInfo(
        taskScheduledId=task_id,
        name=helpers.get_string_value(parent.name),
        version=helpers.get_string_value(parent.version),
        orchestrationInstance=execution_started(parent).orchestrationInstance,
    )
