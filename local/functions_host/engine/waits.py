"""What an orchestration waits for, told from its history alone."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from enum import Enum, auto

from durabletask.internal import orchestrator_service_pb2 as pb

from local.functions_host.engine.events import event_type


class Wait(Enum):
    """The kinds of things that an orchestration can wait for."""

    ACTIVITY = auto()
    TIMER = auto()
    CHILD = auto()
    ENTITY_CALL = auto()
    LOCK = auto()


type _Key = int | str
type _Reader = Callable[[pb.HistoryEvent], _Key]

_OPENED_BY: dict[str, tuple[Wait, _Reader]] = {
    "taskScheduled": (Wait.ACTIVITY, lambda event: event.eventId),
    "timerCreated": (Wait.TIMER, lambda event: event.eventId),
    "subOrchestrationInstanceCreated": (Wait.CHILD, lambda event: event.eventId),
    "entityOperationCalled": (Wait.ENTITY_CALL, lambda event: event.entityOperationCalled.requestId),
    "entityLockRequested": (Wait.LOCK, lambda event: event.entityLockRequested.criticalSectionId),
}
_CLOSED_BY: dict[str, tuple[Wait, _Reader]] = {
    "taskCompleted": (Wait.ACTIVITY, lambda event: event.taskCompleted.taskScheduledId),
    "taskFailed": (Wait.ACTIVITY, lambda event: event.taskFailed.taskScheduledId),
    "timerFired": (Wait.TIMER, lambda event: event.timerFired.timerId),
    "subOrchestrationInstanceCompleted": (
        Wait.CHILD,
        lambda event: event.subOrchestrationInstanceCompleted.taskScheduledId,
    ),
    "subOrchestrationInstanceFailed": (
        Wait.CHILD,
        lambda event: event.subOrchestrationInstanceFailed.taskScheduledId,
    ),
    "entityOperationCompleted": (Wait.ENTITY_CALL, lambda event: event.entityOperationCompleted.requestId),
    "entityOperationFailed": (Wait.ENTITY_CALL, lambda event: event.entityOperationFailed.requestId),
    "entityLockGranted": (Wait.LOCK, lambda event: event.entityLockGranted.criticalSectionId),
    "entityUnlockSent": (Wait.LOCK, lambda event: event.entityUnlockSent.criticalSectionId),
}


class Waits:
    """The open waits of one execution, each with the event that opened it.

    Args:
        events: The execution's history so far, oldest first.
    """

    def __init__(self, events: Iterable[pb.HistoryEvent] = ()) -> None:
        self._open: defaultdict[Wait, dict[_Key, pb.HistoryEvent]] = defaultdict(dict)
        for event in events:
            self.note(event)

    def note(self, event: pb.HistoryEvent) -> None:
        """Open or close the wait that the event tells of, if it tells of one."""
        kind = event_type(event)
        if opened := _OPENED_BY.get(kind):
            wait, key_of = opened
            self._open[wait][key_of(event)] = event
        elif closed := _CLOSED_BY.get(kind):
            wait, key_of = closed
            self._open[wait].pop(key_of(event), None)

    def expect(self, event: pb.HistoryEvent) -> bool:
        """Whether an arriving event is wanted: it closes an open wait, or none at all."""
        closed = _CLOSED_BY.get(event_type(event))
        return closed is None or closed[1](event) in self._open[closed[0]]

    def expect_child(self, task_id: int, instance_id: str) -> bool:
        """Whether a task waits for this very child."""
        opened = self._open[Wait.CHILD].get(task_id)
        return opened is not None and opened.subOrchestrationInstanceCreated.instanceId == instance_id

    def of(self, *kinds: Wait) -> Iterator[pb.HistoryEvent]:
        """The events that opened the waits of these kinds."""
        for kind in kinds:
            yield from list(self._open[kind].values())

    def has(self, kind: Wait) -> bool:
        """Whether a wait of this kind is open."""
        return bool(self._open[kind])
