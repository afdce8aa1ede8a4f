"""Entities of the stock backend, mended: batches under lease, locks that hold others off, delayed signals that last."""

import logging
import uuid
from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import override

import grpc
from durabletask.internal import helpers
from durabletask.internal import orchestrator_service_pb2 as pb
from durabletask.testing.in_memory_backend import EntityState, OrchestrationInstance, PendingLockRequest

from local.functions_host.engine.alarm import Alarm, utc_now
from local.functions_host.engine.dispatch import Lane, WorkKind
from local.functions_host.engine.events import event_type, moment, new_event, new_start, optional, optional_text, stamp
from local.functions_host.engine.execution import Execution
from local.functions_host.engine.interventions import Interventions

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Batch:
    """The operations that an entity may run now, as work for a worker."""

    entity: EntityState

    @property
    def lane(self) -> Lane:
        """The entity function."""
        name, _, _key = self.entity.instance_id.removeprefix("@").partition("@")
        return Lane(WorkKind.ENTITY, name)

    @property
    def key(self) -> Hashable:
        """The entity: it runs one batch at a time."""
        return self.entity.instance_id

    def begin(self, token: str) -> pb.WorkItem | None:
        """Ask for the results of the operations and the state after them."""
        entity = self.entity
        batch = [operation for operation in entity.pending_operations if may_run(entity, operation)]
        if not batch:
            return None
        entity.pending_operations = [each for each in entity.pending_operations if not may_run(entity, each)]
        entity.dispatched_operations = batch
        request = pb.EntityRequest(
            instanceId=entity.instance_id,
            entityState=helpers.get_string_value(entity.serialized_state),
            operationRequests=batch,
        )
        return pb.WorkItem(completionToken=token, entityRequestV2=request)

    def give_back(self) -> None:
        """Let the operations wait for the next batch."""
        self.keep_after(0)

    def keep_after(self, count: int) -> list[pb.HistoryEvent]:
        """Let all but the first `count` operations wait for the next batch, and return the first ones."""
        entity = self.entity
        batch = entity.dispatched_operations
        entity.dispatched_operations = []
        entity.pending_operations = [*batch[count:], *entity.pending_operations]
        return batch[:count]


def may_run(entity: EntityState, operation: pb.HistoryEvent) -> bool:
    """Whether no lock holds the operation off: only calls of the lock's owner get through."""
    caller = operation.entityOperationCalled.parentInstanceId.value
    return entity.locked_by is None or caller == entity.locked_by


class Entities(Interventions):
    """The calls and actions that concern entities. A lock is held by the orchestration that asked for it."""

    def __init__(self) -> None:
        super().__init__()
        self._delayed: defaultdict[str, list[pb.HistoryEvent]] = defaultdict(list)
        self._changed_entities: set[str] = set()

    # Calls of clients

    @override
    def CleanEntityStorage(
        self, request: pb.CleanEntityStorageRequest, context: grpc.ServicerContext
    ) -> pb.CleanEntityStorageResponse:
        """Remove what is left of deleted entities, and the locks of orchestrations that have ended."""
        released = self._release_orphaned_locks() if request.releaseOrphanedLocks else 0
        removed = self._remove_empty_entities() if request.removeEmptyEntities else 0
        return pb.CleanEntityStorageResponse(emptyEntitiesRemoved=removed, orphanedLocksReleased=released)

    # Calls of workers

    @override
    def CompleteEntityTask(
        self, request: pb.EntityBatchResult, context: grpc.ServicerContext
    ) -> pb.CompleteTaskResponse:
        """End a batch: keep the state, answer the callers, do what the operations asked for."""
        batch = self.dispatcher.redeem(request.completionToken)
        if isinstance(batch, Batch):
            self._end_batch(batch, request)
        else:
            logger.warning("ignored a stale batch of an entity")
        return pb.CompleteTaskResponse()

    @override
    def AbandonTaskEntityWorkItem(
        self, request: pb.AbandonEntityTaskRequest, context: grpc.ServicerContext
    ) -> pb.AbandonEntityTaskResponse:
        """Let another worker run the batch."""
        self.dispatcher.abandon(request.completionToken)
        return pb.AbandonEntityTaskResponse()

    # A batch's end

    def _end_batch(self, batch: Batch, response: pb.EntityBatchResult) -> None:
        entity = batch.entity
        if response.HasField("failureDetails"):
            failure = pb.OperationResult(failure=pb.OperationResultFailure(failureDetails=response.failureDetails))
            results = [failure] * len(entity.dispatched_operations)
        else:
            results = list(response.results)
            entity.serialized_state = response.entityState.value or None
            entity.last_modified_at = utc_now()
        for operation, result in zip(batch.keep_after(len(results)), results, strict=False):
            if operation.HasField("entityOperationCalled"):
                self._answer(operation.entityOperationCalled, result)
        for action in response.actions:
            self._act(action)
        self._enqueue_entity(entity.instance_id)

    def _answer(self, call: pb.EntityOperationCalledEvent, result: pb.OperationResult) -> None:
        if result.HasField("failure"):
            failed = pb.EntityOperationFailedEvent(
                requestId=call.requestId, failureDetails=result.failure.failureDetails
            )
            event = new_event(entityOperationFailed=failed)
        else:
            completed = pb.EntityOperationCompletedEvent(
                requestId=call.requestId, output=optional(result.success, "result")
            )
            event = new_event(entityOperationCompleted=completed)
        self._deliver(call.parentInstanceId.value, event)

    def _act(self, action: pb.OperationAction) -> None:
        if action.HasField("sendSignal"):
            signal = action.sendSignal
            due = moment(signal.scheduledTime) if signal.HasField("scheduledTime") else None
            self._signal_entity_internal(signal.instanceId, signal.name, optional_text(signal, "input"), due)
        elif action.HasField("startNewOrchestration"):
            self._start_from_entity(action.startNewOrchestration)

    def _start_from_entity(self, start: pb.StartNewOrchestrationAction) -> None:
        instance_id = start.instanceId or uuid.uuid4().hex
        if instance_id in self._executions:
            logger.warning("an entity cannot start orchestration '%s': it is running", instance_id)
        else:
            start_at = optional(start, "scheduledTime")
            self._create(instance_id, new_start(start, scheduledStartTimestamp=start_at))

    # What orchestrations ask of entities

    @override
    def _process_send_entity_message_action(
        self, instance: OrchestrationInstance, action: pb.OrchestratorAction
    ) -> None:
        message = action.sendEntityMessage
        kind = message.WhichOneof("EntityMessageType") or ""
        instance.history.append(new_event(action.id, **{kind: getattr(message, kind)}))

    @override
    def _attend(self, execution: Execution, event: pb.HistoryEvent) -> None:
        match event_type(event):
            case "entityOperationSignaled":
                signal = event.entityOperationSignaled
                self._receive(signal.targetInstanceId.value, new_event(entityOperationSignaled=signal))
            case "entityOperationCalled":
                call = event.entityOperationCalled
                self._receive(call.targetInstanceId.value, new_event(entityOperationCalled=call))
            case "entityLockRequested":
                wanted = event.entityLockRequested
                self._try_grant_lock(
                    PendingLockRequest(wanted.criticalSectionId, execution.instance.instance_id, list(wanted.lockSet))
                )
            case "entityUnlockSent":
                self._unlock(event.entityUnlockSent)
            case _:
                super()._attend(execution, event)

    # Operations

    def _receive(self, entity_id: str, operation: pb.HistoryEvent) -> None:
        """Queue an operation, now or when it is due."""
        signal = operation.entityOperationSignaled
        if signal.HasField("scheduledTime") and moment(signal.scheduledTime) > utc_now():
            self._schedule_delayed_entity_operation(entity_id, operation, moment(signal.scheduledTime))
        else:
            self._queue_entity_operation(entity_id, operation)

    @override
    def _schedule_delayed_entity_operation(self, entity_id: str, event: pb.HistoryEvent, fire_at: datetime) -> None:
        event.entityOperationSignaled.scheduledTime.FromDatetime(fire_at)
        self._entity(entity_id)
        self._delayed[entity_id].append(event)
        self._change_entity(entity_id)
        Alarm(fire_at, partial(self._deliver_delayed, entity_id, event))

    def _deliver_delayed(self, entity_id: str, event: pb.HistoryEvent) -> None:
        self._delayed[entity_id].remove(event)
        self._queue_entity_operation(entity_id, event)

    @override
    def _enqueue_entity(self, entity_id: str) -> None:
        """Let the entity run what it may of the operations in its inbox."""
        entity = self._entities[entity_id]
        self._change_entity(entity_id)
        stamp(entity.pending_operations)
        if any(may_run(entity, operation) for operation in entity.pending_operations):
            self.dispatcher.ready(Batch(entity))

    def _entity(self, entity_id: str) -> EntityState:
        return self._entities.setdefault(entity_id, EntityState(entity_id))

    def _change_entity(self, entity_id: str) -> None:
        self._changed_entities.add(entity_id)
        self.commits.request()

    # Locks

    @override
    def _grant_lock(self, pending: PendingLockRequest) -> None:
        if pending.parent_instance_id not in self._executions:
            return
        for entity_id in pending.lock_set:
            self._entity(entity_id).locked_by = pending.parent_instance_id
            self._change_entity(entity_id)
        granted = pb.EntityLockGrantedEvent(criticalSectionId=pending.critical_section_id)
        self._deliver(pending.parent_instance_id, new_event(entityLockGranted=granted))

    def _unlock(self, unlock: pb.EntityUnlockSentEvent) -> None:
        """Free one entity of a critical section, or withdraw the request for it if it was not granted yet."""
        self._pending_lock_requests = [
            request
            for request in self._pending_lock_requests
            if request.critical_section_id != unlock.criticalSectionId
        ]
        entity = self._entities.get(unlock.targetInstanceId.value)
        if entity is not None and entity.locked_by == unlock.parentInstanceId.value:
            self._free([entity])

    def _free(self, entities: list[EntityState]) -> None:
        for entity in entities:
            entity.locked_by = None
        self._try_grant_pending_locks()
        for entity in entities:
            self._enqueue_entity(entity.instance_id)

    # What is left behind

    def _release_orphaned_locks(self) -> int:
        orphans = [
            each for each in self._entities.values() if each.locked_by and each.locked_by not in self._executions
        ]
        self._free(orphans)
        return len(orphans)

    def _remove_empty_entities(self) -> int:
        empty = [each.instance_id for each in self._entities.values() if self._is_empty(each)]
        for entity_id in empty:
            del self._entities[entity_id]
            self._change_entity(entity_id)
        return len(empty)

    def _is_empty(self, entity: EntityState) -> bool:
        return not (
            entity.serialized_state is not None
            or entity.locked_by
            or entity.pending_operations
            or entity.dispatched_operations
            or self._delayed.get(entity.instance_id)
        )
