"""Workers, clients and engines for the tests of the Durable engine."""

import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import grpc
from durabletask.client import TaskHubGrpcClient
from durabletask.grpc_options import GrpcChannelOptions, GrpcRetryPolicyOptions, GrpcWorkerResiliencyOptions
from durabletask.internal import orchestrator_service_pb2 as pb
from durabletask.internal import orchestrator_service_pb2_grpc as stubs
from durabletask.worker import TaskHubGrpcWorker
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import StringValue

from local.functions_host.engine import Engine, dispatch

_QUICK_CHANNEL = [("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 50)]
_QUICK_RECONNECT = GrpcWorkerResiliencyOptions(
    channel_recreate_failure_threshold=1,
    reconnect_backoff_base_seconds=0.05,
    reconnect_backoff_cap_seconds=0.05,
    silent_disconnect_timeout_seconds=dispatch.HEALTH_PING_S + 10,
)


def eventually(condition: Callable[[], object], within_s: float = 10.0) -> None:
    """Return as soon as a condition holds."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come about"
        time.sleep(0.005)


class HandWorker:
    """A worker worked by hand: the test takes each work item, and completes it or does not."""

    def __init__(self, address: str, **quota: int) -> None:
        self._channel = grpc.insecure_channel(address)
        self.stub = stubs.TaskHubSidecarServiceStub(self._channel)
        self._stream = self.stub.GetWorkItems(pb.GetWorkItemsRequest(**quota))
        self._items: queue.Queue[pb.WorkItem] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def take(self) -> pb.WorkItem:
        return self._items.get(timeout=10)

    def sees_nothing(self) -> bool:
        for _ in range(5):  # whatever the engine sent before it answers has time to arrive
            self.stub.Hello(Empty())
        return self._items.empty()

    def start(self, name: str, instance_id: str = "it") -> None:
        self.stub.StartInstance(pb.CreateInstanceRequest(instanceId=instance_id, name=name))

    def state(self, instance_id: str = "it") -> pb.OrchestrationState:
        request = pb.GetInstanceRequest(instanceId=instance_id, getInputsAndOutputs=True)
        return self.stub.GetInstance(request).orchestrationState

    def end_turn(self, item: pb.WorkItem, *actions: pb.OrchestratorAction) -> None:
        self.stub.CompleteOrchestratorTask(
            pb.OrchestratorResponse(
                instanceId=item.orchestratorRequest.instanceId, completionToken=item.completionToken, actions=actions
            )
        )

    def end_activity(self, item: pb.WorkItem, result: str = '"done"') -> None:
        request = item.activityRequest
        self.stub.CompleteActivityTask(
            pb.ActivityResponse(
                instanceId=request.orchestrationInstance.instanceId,
                taskId=request.taskId,
                completionToken=item.completionToken,
                result=StringValue(value=result),
            )
        )

    def end_batch(self, item: pb.WorkItem, state: str, results: int | None = None) -> None:
        count = len(item.entityRequestV2.operationRequests) if results is None else results
        self.stub.CompleteEntityTask(
            pb.EntityBatchResult(
                results=[pb.OperationResult(success=pb.OperationResultSuccess())] * count,
                entityState=StringValue(value=state),
                completionToken=item.completionToken,
            )
        )

    def signal(self, name: str, entity_id: str = "@counter@a") -> None:
        self.stub.SignalEntity(pb.SignalEntityRequest(instanceId=entity_id, name=name))

    def entity_state(self, entity_id: str = "@counter@a") -> str:
        request = pb.GetEntityRequest(instanceId=entity_id, includeState=True)
        return self.stub.GetEntity(request).entity.serializedState.value

    def close(self) -> None:
        self._stream.cancel()
        self._channel.close()
        self._reader.join()

    def _read(self) -> None:
        try:
            for item in self._stream:
                self._items.put(item)
        except grpc.RpcError:
            return


@contextmanager
def running_engine() -> Iterator[str]:
    """The address of an engine with nothing in it."""
    engine = Engine()
    try:
        yield engine.start()
    finally:
        engine.stop()


@contextmanager
def hand_workers(address: str) -> Iterator[Callable[..., HandWorker]]:
    """Makes workers worked by hand."""
    with ExitStack() as workers:

        def make(**quota: int) -> HandWorker:
            worker = HandWorker(address, **quota)
            workers.callback(worker.close)
            return worker

        yield make


def call(task_id: int, name: str = "activity") -> pb.OrchestratorAction:
    return pb.OrchestratorAction(id=task_id, scheduleTask=pb.ScheduleTaskAction(name=name))


def ask_entity(kind: str, event: Message) -> pb.OrchestratorAction:
    return pb.OrchestratorAction(id=1, sendEntityMessage=pb.SendEntityMessageAction(**{kind: event}))


def start_child(task_id: int, instance_id: str) -> pb.OrchestratorAction:
    child = pb.CreateSubOrchestrationAction(instanceId=instance_id, name="child")
    return pb.OrchestratorAction(id=task_id, createSubOrchestration=child)


def complete(result: str = "null", status: int = pb.ORCHESTRATION_STATUS_COMPLETED) -> pb.OrchestratorAction:
    done = pb.CompleteOrchestrationAction(orchestrationStatus=status, result=StringValue(value=result))
    return pb.OrchestratorAction(id=1000, completeOrchestration=done)


def events(items: Iterable[pb.HistoryEvent]) -> list[str]:
    return [event.WhichOneof("eventType") for event in items]


@contextmanager
def running_worker(
    address: str, *, orchestrators: Iterable[Callable] = (), activities: Iterable[Callable] = (), entities=()
) -> Iterator[TaskHubGrpcWorker]:
    """Microsoft's worker, at work."""
    worker = TaskHubGrpcWorker(
        host_address=address,
        channel_options=GrpcChannelOptions(raw_options=_QUICK_CHANNEL),
        resiliency_options=_QUICK_RECONNECT,
    )
    for orchestrator in orchestrators:
        worker.add_orchestrator(orchestrator)
    for activity in activities:
        worker.add_activity(activity)
    for entity in entities:
        worker.add_entity(entity)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()


def new_client(address: str) -> TaskHubGrpcClient:
    # A channel learns of its engine's death only by a call that fails.
    retry = GrpcRetryPolicyOptions(max_attempts=5)
    options = GrpcChannelOptions(retry_policy=retry, raw_options=_QUICK_CHANNEL)
    return TaskHubGrpcClient(host_address=address, channel_options=options)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


_RUN_ENGINE = """
import pathlib, sys
from local.functions_host.engine import run_engine
run_engine(int(sys.argv[1]), pathlib.Path(sys.argv[2]))
"""


class EngineProcess:
    """An engine in a process of its own, that can be killed and started again on the same state and port."""

    def __init__(self, state: Path, port: int) -> None:
        self.address = f"127.0.0.1:{port}"
        self._command = [sys.executable, "-c", _RUN_ENGINE, str(port), str(state)]
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        if self._process.stdout.readline() != f"ready grpc://{self.address}\n":
            self.kill()
            raise AssertionError("the engine did not start")

    def kill(self) -> None:
        """SIGKILL: no chance to save anything."""
        self._process.kill()
        self._reap()

    def stop(self) -> int:
        """SIGTERM: stops cleanly."""
        self._process.terminate()
        return self._reap()

    def restart(self) -> None:
        self.kill()
        self.start()

    def _reap(self) -> int:
        with self._process:
            return self._process.wait(timeout=10)
