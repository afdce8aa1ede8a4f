"""The app's durable functions as the engine calls them: a request becomes an invocation, its outcome the answer."""

from base64 import b64decode, b64encode
from collections.abc import Iterable

from azure.functions.meta import Datum
from durabletask.entities import EntityInstanceId
from durabletask.internal import helpers
from durabletask.internal import orchestrator_service_pb2 as pb

from local.functions_host.functions import ACTIVITY_TRIGGER, ENTITY_TRIGGER, ORCHESTRATION_TRIGGER, Function
from local.functions_host.worker import InvocationFailedError, invoke


class FunctionNotFoundError(LookupError):
    """The engine asks for a durable function that the app does not have."""


class DurableFunctions:
    """The app's orchestrators, activities and entities."""

    def __init__(self, functions: Iterable[Function]) -> None:
        self._functions = {(each.trigger.type, each.durable_name): each for each in functions}

    async def run_orchestrator(self, request: pb.OrchestratorRequest) -> pb.OrchestratorResponse:
        """Replay an orchestration and return what it does next; one that cannot be replayed fails."""
        try:
            function = self._find(ORCHESTRATION_TRIGGER, _orchestrator_name(request))
            returned = await invoke(function, _to_datum(request))
        except (InvocationFailedError, FunctionNotFoundError) as error:
            return _failed_orchestration(request.instanceId, error)
        return pb.OrchestratorResponse.FromString(_to_bytes(returned))

    async def run_activity(self, request: pb.ActivityRequest) -> pb.ActivityResponse:
        """Run an activity and return its result or its failure."""
        response = pb.ActivityResponse(instanceId=request.orchestrationInstance.instanceId, taskId=request.taskId)
        try:
            function = self._find(ACTIVITY_TRIGGER, request.name)
            serialized_input = request.input.value if request.HasField("input") else "null"
            trace_parent = request.parentTraceContext.traceParent
            returned = await invoke(function, Datum(serialized_input, "json"), trace_parent)
        except (InvocationFailedError, FunctionNotFoundError) as error:
            response.failureDetails.CopyFrom(_failure_details(error))
        else:
            response.result.value = "null" if returned is None else str(returned.value)
        return response

    async def run_entity(self, request: pb.EntityRequest) -> pb.EntityBatchResult:
        """Run a batch of operations on an entity; a batch that fails as a whole fails each of its operations."""
        # The engine sends version 2 of the protocol, the app reads version 1.
        batch, operation_infos = helpers.convert_to_entity_batch_request(request)
        try:
            function = self._find(ENTITY_TRIGGER, EntityInstanceId.parse(request.instanceId).entity)
            returned = await invoke(function, _to_datum(batch))
        except (InvocationFailedError, FunctionNotFoundError) as error:
            result = _failed_batch(batch, error)
        else:
            result = pb.EntityBatchResult.FromString(_to_bytes(returned))
        result.operationInfos.extend(operation_infos)
        return result

    def _find(self, trigger: str, name: str) -> Function:
        try:
            return self._functions[trigger, name.lower()]
        except KeyError:
            raise FunctionNotFoundError(f"the app has no function named '{name}' with an {trigger}") from None


def _orchestrator_name(request: pb.OrchestratorRequest) -> str:
    """The name in the last start event: continue-as-new writes a new one."""
    names = [
        event.executionStarted.name
        for events in (request.pastEvents, request.newEvents)
        for event in events
        if event.HasField("executionStarted")
    ]
    return names[-1] if names else ""


def _to_datum(request: pb.OrchestratorRequest | pb.EntityBatchRequest) -> Datum:
    return Datum(b64encode(request.SerializeToString()).decode("ascii"), "string")


def _to_bytes(returned: Datum | None) -> bytes:
    return b"" if returned is None else b64decode(returned.value)


def _failure_details(error: InvocationFailedError | FunctionNotFoundError) -> pb.TaskFailureDetails:
    if isinstance(error, InvocationFailedError):
        return pb.TaskFailureDetails(
            errorType=error.error_type,
            errorMessage=error.error_message,
            stackTrace=helpers.get_string_value(error.traceback),
        )
    return pb.TaskFailureDetails(errorType=type(error).__name__, errorMessage=str(error), isNonRetriable=True)


def _failed_orchestration(
    instance_id: str, error: InvocationFailedError | FunctionNotFoundError
) -> pb.OrchestratorResponse:
    action = helpers.new_complete_orchestration_action(
        -1, pb.ORCHESTRATION_STATUS_FAILED, failure_details=_failure_details(error)
    )
    return pb.OrchestratorResponse(instanceId=instance_id, actions=[action])


def _failed_batch(
    batch: pb.EntityBatchRequest, error: InvocationFailedError | FunctionNotFoundError
) -> pb.EntityBatchResult:
    failure = pb.OperationResult(failure=pb.OperationResultFailure(failureDetails=_failure_details(error)))
    return pb.EntityBatchResult(results=[failure] * len(batch.operations), entityState=batch.entityState)
