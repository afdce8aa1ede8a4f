"""Questions about the task hub, and what is told of each orchestration and entity."""

from typing import override

import grpc
from durabletask.internal import helpers
from durabletask.internal import orchestrator_service_pb2 as pb
from durabletask.testing.in_memory_backend import EntityState, OrchestrationInstance

from local.functions_host.engine.entities import Entities
from local.functions_host.engine.events import execution_started, moment, optional


class Queries(Entities):
    """The calls that change nothing."""

    @override
    def QueryInstances(
        self, request: pb.QueryInstancesRequest, context: grpc.ServicerContext
    ) -> pb.QueryInstancesResponse:
        """Tell of the instances that match, oldest first, page by page."""
        response = super().QueryInstances(request, context)
        for state in response.orchestrationState:
            instance = self._instances[state.instanceId]
            state.CopyFrom(orchestration_state(instance, with_payloads=request.query.fetchInputsAndOutputs))
        return response

    @override
    def GetEntity(self, request: pb.GetEntityRequest, context: grpc.ServicerContext) -> pb.GetEntityResponse:
        """Tell an entity's state; one without state does not exist."""
        entity = self._entities.get(request.instanceId)
        if entity is None or entity.serialized_state is None:
            return pb.GetEntityResponse(exists=False)
        return pb.GetEntityResponse(exists=True, entity=entity_metadata(entity, with_state=request.includeState))

    @override
    def QueryEntities(
        self, request: pb.QueryEntitiesRequest, context: grpc.ServicerContext
    ) -> pb.QueryEntitiesResponse:
        """Tell of the entities that match, by id, page by page; the token is the last id of the page before."""
        query = request.query
        after = query.continuationToken.value
        matching = sorted(
            (each for each in self._entities.values() if each.instance_id > after and _matches(each, query)),
            key=lambda each: each.instance_id,
        )
        page = matching[: query.pageSize.value or None]
        return pb.QueryEntitiesResponse(
            entities=[entity_metadata(each, with_state=query.includeState) for each in page],
            continuationToken=helpers.get_string_value(page[-1].instance_id if len(page) < len(matching) else None),
        )

    @override
    def _build_instance_response(
        self,
        instance: OrchestrationInstance,
        include_payloads: bool,
    ) -> pb.GetInstanceResponse:
        state = orchestration_state(instance, with_payloads=include_payloads)
        return pb.GetInstanceResponse(exists=True, orchestrationState=state)


def orchestration_state(instance: OrchestrationInstance, *, with_payloads: bool) -> pb.OrchestrationState:
    """All that is told of an instance, beside its history."""
    started = execution_started(instance)
    parent_id = started.parentInstance.orchestrationInstance.instanceId
    return pb.OrchestrationState(
        instanceId=instance.instance_id,
        name=instance.name,
        version=helpers.get_string_value(instance.version),
        orchestrationStatus=instance.status,
        scheduledStartTimestamp=optional(started, "scheduledStartTimestamp"),
        createdTimestamp=helpers.new_timestamp(instance.created_at),
        lastUpdatedTimestamp=helpers.new_timestamp(instance.last_updated_at),
        completedTimestamp=helpers.new_timestamp(instance.completed_at) if instance.completed_at else None,
        input=helpers.get_string_value(instance.input) if with_payloads else None,
        output=helpers.get_string_value(instance.output) if with_payloads else None,
        customStatus=helpers.get_string_value(instance.custom_status),
        failureDetails=instance.failure_details,
        executionId=started.orchestrationInstance.executionId,
        parentInstanceId=helpers.get_string_value(parent_id or None),
        tags=instance.tags,
    )


def entity_metadata(entity: EntityState, *, with_state: bool) -> pb.EntityMetadata:
    """All that is told of an entity, beside its operations."""
    return pb.EntityMetadata(
        instanceId=entity.instance_id,
        lastModifiedTime=helpers.new_timestamp(entity.last_modified_at),
        backlogQueueSize=len(entity.pending_operations) + len(entity.dispatched_operations),
        lockedBy=helpers.get_string_value(entity.locked_by),
        serializedState=helpers.get_string_value(entity.serialized_state) if with_state else None,
    )


def _matches(entity: EntityState, query: pb.EntityQuery) -> bool:
    modified = entity.last_modified_at
    return (
        (query.includeTransient or entity.serialized_state is not None)
        and entity.instance_id.startswith(query.instanceIdStartsWith.value)
        and (not query.HasField("lastModifiedFrom") or modified >= moment(query.lastModifiedFrom))
        and (not query.HasField("lastModifiedTo") or modified < moment(query.lastModifiedTo))
    )
