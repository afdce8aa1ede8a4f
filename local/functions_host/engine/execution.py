"""The live side of an orchestration: its turns, its activities and what it waits for."""

import time
from collections.abc import Hashable
from dataclasses import dataclass, field

from durabletask.internal import helpers
from durabletask.internal import orchestrator_service_pb2 as pb
from durabletask.testing.in_memory_backend import OrchestrationInstance

from local.functions_host.engine.alarm import Alarm, utc_now
from local.functions_host.engine.dispatch import Lane, WorkKind
from local.functions_host.engine.events import event_type, execution_started, moment, new_event, optional
from local.functions_host.engine.waits import Wait, Waits

# However long the last turn took, whoever waits for the first of several activities should not wait much longer.
_LONGEST_REST_S = 1.0


@dataclass(eq=False)
class Execution:
    """One run of an instance, from its start or its last continue-as-new to its end.

    The instance keeps what is durable; this keeps what can be told from it again after a restart.

    Args:
        instance: Whose execution it is.
        waits: What it waits for, from the history so far.
    """

    instance: OrchestrationInstance
    waits: Waits = field(default_factory=Waits)
    alarms: list[Alarm] = field(default_factory=list[Alarm])
    wake_up: Alarm | None = None
    ended: bool = False
    trace: pb.OrchestrationTraceContext | None = None
    _bookend: pb.HistoryEvent | None = field(default=None, init=False)
    _turn_began_s: float = field(default=0.0, init=False)
    _rested_at_s: float = field(default=0.0, init=False)

    def begin_turn(self) -> list[pb.HistoryEvent]:
        """Take the events of the next turn from the inbox; empty if there is nothing to do."""
        arrived = self.instance.pending_events
        if self.ended or not arrived:
            return []
        # Microsoft's worker takes a rewind only by itself.
        batch = 1 if event_type(arrived[0]) == "executionRewound" else len(arrived)
        self.instance.dispatched_events, self.instance.pending_events = arrived[:batch], arrived[batch:]
        # The bookend gives the orchestration its clock. The replay after a rewind brings its own.
        bookended = event_type(arrived[0]) == "orchestratorStarted"
        self._bookend = None if bookended else helpers.new_orchestrator_started_event(utc_now())
        self._turn_began_s = time.monotonic()
        return self._turn_events()

    def end_turn(self) -> list[pb.HistoryEvent]:
        """Close the turn, and return the events that it has seen."""
        seen = self._turn_events()
        self.instance.dispatched_events = []
        now_s = time.monotonic()
        self._rested_at_s = now_s + min(now_s - self._turn_began_s, _LONGEST_REST_S)
        return seen

    def give_back_turn(self) -> None:
        """Put the events of a turn that nobody will complete back into the inbox."""
        instance = self.instance
        instance.pending_events = [*instance.dispatched_events, *instance.pending_events]
        instance.dispatched_events = []

    @property
    def pause_s(self) -> float:
        """Seconds until the next turn may begin; not above zero if it may now.

        Every turn replays the whole history, so in a wide fan-out a turn for each completed activity would cost the
        square of its width. While more activities are out, an orchestration therefore rests as long as it just worked.
        """
        if self.instance.history:
            return self._rested_at_s - time.monotonic() if self.waits.has(Wait.ACTIVITY) else 0.0
        started = execution_started(self.instance)
        if not started.HasField("scheduledStartTimestamp"):
            return 0.0
        return (moment(started.scheduledStartTimestamp) - utc_now()).total_seconds()

    def end(self) -> None:
        """Stop all that was to happen later."""
        self.ended = True
        for alarm in self.alarms:
            alarm.cancel()
        if self.wake_up is not None:
            self.wake_up.cancel()

    def _turn_events(self) -> list[pb.HistoryEvent]:
        bookend = [] if self._bookend is None else [self._bookend]
        return [*bookend, *self.instance.dispatched_events]


@dataclass(frozen=True)
class Turn:
    """An orchestration's next turn, as work for a worker."""

    execution: Execution

    @property
    def lane(self) -> Lane:
        """The orchestrator function."""
        instance = self.execution.instance
        return Lane(WorkKind.ORCHESTRATION, instance.name, instance.version or "")

    @property
    def key(self) -> Hashable:
        """The execution: it takes one turn at a time."""
        return self.execution

    def begin(self, token: str) -> pb.WorkItem | None:
        """Ask for the actions that follow from the new events."""
        instance = self.execution.instance
        new_events = self.execution.begin_turn()
        if not new_events:
            return None
        request = pb.OrchestratorRequest(
            instanceId=instance.instance_id,
            executionId=execution_started(instance).orchestrationInstance.executionId,
            pastEvents=instance.history,
            newEvents=new_events,
            orchestrationTraceContext=self.execution.trace,
        )
        return pb.WorkItem(completionToken=token, orchestratorRequest=request)

    def give_back(self) -> None:
        """Let the events wait for the next turn."""
        self.execution.give_back_turn()


@dataclass(frozen=True)
class Activity:
    """A scheduled activity, as work for a worker.

    Args:
        execution: Who waits for it, as long as it has not ended.
        event: The history event that scheduled it.
    """

    execution: Execution
    event: pb.HistoryEvent

    @property
    def lane(self) -> Lane:
        """The activity function."""
        scheduled = self.event.taskScheduled
        return Lane(WorkKind.ACTIVITY, scheduled.name, scheduled.version.value)

    @property
    def key(self) -> Hashable:
        """The task of this execution."""
        return self.execution, self.event.eventId

    def begin(self, token: str) -> pb.WorkItem | None:
        """Ask for the activity's result, even if its orchestration has ended: to schedule it was a decision."""
        scheduled = self.event.taskScheduled
        request = pb.ActivityRequest(
            name=scheduled.name,
            version=optional(scheduled, "version"),
            input=optional(scheduled, "input"),
            orchestrationInstance=pb.OrchestrationInstance(instanceId=self.execution.instance.instance_id),
            taskId=self.event.eventId,
            parentTraceContext=optional(scheduled, "parentTraceContext"),
            tags=scheduled.tags,
        )
        return pb.WorkItem(completionToken=token, activityRequest=request)

    def give_back(self) -> None:
        """Nothing was taken."""

    def result(self, response: pb.ActivityResponse) -> pb.HistoryEvent:
        """What its orchestration is told."""
        task_id = self.event.eventId
        if response.HasField("failureDetails"):
            failed = pb.TaskFailedEvent(taskScheduledId=task_id, failureDetails=response.failureDetails)
            return new_event(taskFailed=failed)
        completed = pb.TaskCompletedEvent(taskScheduledId=task_id, result=optional(response, "result"))
        return new_event(taskCompleted=completed)
