"""The task hub as a whole: what it knows, kept on disk."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import override

import grpc
from durabletask.internal import orchestrator_service_pb2 as pb
from durabletask.testing.in_memory_backend import EntityState, OrchestrationInstance
from google.protobuf.wrappers_pb2 import BoolValue

from local.functions_host.engine.dispatch import Worker, WorkKind
from local.functions_host.engine.events import TERMINAL, moment, optional, optional_text
from local.functions_host.engine.execution import Execution
from local.functions_host.engine.queries import Queries, entity_metadata, orchestration_state
from local.functions_host.engine.store import EntityRecord, InstanceRecord, Store
from local.functions_host.engine.waits import Waits


class TaskHub(Queries):
    """All orchestrations and entities, their workers and their store.

    Args:
        store: Keeps everything on disk; None keeps it in memory only.
    """

    def __init__(self, store: Store | None) -> None:
        super().__init__()
        self._store = store
        self._watchers: defaultdict[str, list[asyncio.Future[None]]] = defaultdict(list)
        if store is not None:
            self._restore(*store.load())

    def connect(self, request: pb.GetWorkItemsRequest) -> Worker:
        """Open a stream of work items with the quotas and filters that the worker asks for."""
        orchestrations, activities, entities = self._parse_work_item_filters(request)
        filters = {WorkKind.ORCHESTRATION: orchestrations, WorkKind.ACTIVITY: activities, WorkKind.ENTITY: entities}
        quota = {
            WorkKind.ORCHESTRATION: request.maxConcurrentOrchestrationWorkItems,
            WorkKind.ACTIVITY: request.maxConcurrentActivityWorkItems,
            WorkKind.ENTITY: request.maxConcurrentEntityWorkItems,
        }
        worker = Worker(lambda lane: self._matches_filter(lane.name, lane.version, filters[lane.kind]), quota)
        self.dispatcher.connect(worker)
        return worker

    async def until(self, instance_id: str, condition: Callable[[OrchestrationInstance], bool]) -> None:
        """Return once an instance exists and meets a condition."""
        while (instance := self._instances.get(instance_id)) is None or not condition(instance):
            change: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._watchers[instance_id].append(change)
            await change

    @override
    def _change_instance(self, instance_id: str) -> None:
        super()._change_instance(instance_id)
        for change in self._watchers.pop(instance_id, []):
            if not change.done():
                change.set_result(None)

    @override
    def PurgeInstances(
        self, request: pb.PurgeInstancesRequest, context: grpc.ServicerContext
    ) -> pb.PurgeInstancesResponse:
        """Remove ended instances: one, some or all that match a filter; with their children if so asked."""
        purged = {each.instance_id for each in self._to_purge(request) if each.status in TERMINAL}
        if request.recursive:
            purged |= self._descendants(purged)
        for instance_id in purged:
            self._forget(instance_id)
        return pb.PurgeInstancesResponse(deletedInstanceCount=len(purged), isComplete=BoolValue(value=True))

    def _to_purge(self, request: pb.PurgeInstancesRequest) -> Iterable[OrchestrationInstance]:
        if request.HasField("purgeInstanceFilter"):
            return [each for each in self._instances.values() if _matches(each, request.purgeInstanceFilter)]
        ids = request.instanceBatch.instanceIds or [request.instanceId]
        return [self._instances[instance_id] for instance_id in ids if instance_id in self._instances]

    def _descendants(self, instance_ids: set[str]) -> set[str]:
        """The ended children of these instances, and theirs."""
        children = {
            event.subOrchestrationInstanceCreated.instanceId
            for instance_id in instance_ids
            for event in self._instances[instance_id].history
            if event.HasField("subOrchestrationInstanceCreated")
        }
        ended = {child for child in children if child in self._instances and child not in self._executions}
        return ended | self._descendants(ended) if ended else ended

    # Persistence

    @override
    def _write(self) -> None:
        if self._store is not None and (self._changed_instances or self._changed_entities):
            self._store.save(
                {instance_id: self._instance_record(instance_id) for instance_id in self._changed_instances},
                {entity_id: self._entity_record(entity_id) for entity_id in self._changed_entities},
            )
        self._changed_instances.clear()
        self._changed_entities.clear()

    def _instance_record(self, instance_id: str) -> InstanceRecord | None:
        instance = self._instances.get(instance_id)
        if instance is None:
            return None
        inbox = [*instance.dispatched_events, *instance.pending_events]
        return InstanceRecord(orchestration_state(instance, with_payloads=True), instance.history, inbox)

    def _entity_record(self, entity_id: str) -> EntityRecord | None:
        entity = self._entities.get(entity_id)
        if entity is None:
            return None
        inbox = [*entity.dispatched_operations, *entity.pending_operations, *self._delayed.get(entity_id, [])]
        return EntityRecord(entity_metadata(entity, with_state=True), inbox)

    def _restore(self, instances: list[InstanceRecord], entities: list[EntityRecord]) -> None:
        for record in entities:
            self._restore_entity(record)
        for record in instances:
            self._restore_instance(record)
        # Roughly the order in which they queued for activities and locks before.
        for execution in sorted(self._executions.values(), key=lambda each: each.instance.last_updated_at):
            self._resume(execution)

    def _restore_instance(self, record: InstanceRecord) -> None:
        instance = _instance_from(record)
        self._instances[instance.instance_id] = instance
        if instance.status not in TERMINAL:
            waits = Waits([*instance.history, *instance.pending_events])
            self._executions[instance.instance_id] = Execution(instance, waits)

    def _restore_entity(self, record: EntityRecord) -> None:
        entity_id = record.metadata.instanceId
        self._entities[entity_id] = EntityState(
            entity_id,
            serialized_state=optional_text(record.metadata, "serializedState"),
            last_modified_at=moment(record.metadata.lastModifiedTime),
            locked_by=optional_text(record.metadata, "lockedBy"),
        )
        for operation in record.inbox:
            self._receive(entity_id, operation)


def _instance_from(record: InstanceRecord) -> OrchestrationInstance:
    state = record.state
    return OrchestrationInstance(
        state.instanceId,
        state.name,
        state.orchestrationStatus,
        version=optional_text(state, "version"),
        input=optional_text(state, "input"),
        output=optional_text(state, "output"),
        custom_status=optional_text(state, "customStatus"),
        created_at=moment(state.createdTimestamp),
        last_updated_at=moment(state.lastUpdatedTimestamp),
        completed_at=moment(state.completedTimestamp) if state.HasField("completedTimestamp") else None,
        failure_details=optional(state, "failureDetails"),
        history=record.history,
        pending_events=record.inbox,
        tags=dict(state.tags),
    )


def _matches(instance: OrchestrationInstance, wanted: pb.PurgeInstanceFilter) -> bool:
    created = instance.created_at
    return (
        (not wanted.runtimeStatus or instance.status in wanted.runtimeStatus)
        and (not wanted.HasField("createdTimeFrom") or created >= moment(wanted.createdTimeFrom))
        and (not wanted.HasField("createdTimeTo") or created < moment(wanted.createdTimeTo))
    )
