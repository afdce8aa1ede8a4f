"""Records golden histories: runs every scenario through the real Durable engine and keeps what it wrote.

Run `python -m tests.replay.record` after an orchestrator was given a new version; a history that is kept here is one
that may be in flight somewhere, so it is never recorded anew to make a test pass.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from durabletask.client import TaskHubGrpcClient
from durabletask.entities import EntityContext
from durabletask.internal import orchestrator_service_pb2 as pb
from durabletask.task import ActivityContext
from durabletask.worker import TaskHubGrpcWorker
from google.protobuf.json_format import MessageToDict

from domain.slot import Demand
from domain.video import VideoRef
from domain.workflow import CAPACITY_POOL, GENERATE_VIDEO, Step, StepRequest
from local.functions_host.engine import Engine
from orchestrators.generate_video import generate_video
from tests.replay.scenarios import SCENARIOS, Answers

HISTORIES = Path(__file__).parent / "histories"
_TIMEOUT_S = 30


def main() -> None:
    """Record every scenario that has no history yet."""
    HISTORIES.mkdir(exist_ok=True)
    for name, answers in SCENARIOS.items():
        path = HISTORIES / f"{name}.json"
        if not path.exists():
            events = [MessageToDict(event) for event in record(name, answers)]
            path.write_text(json.dumps(events, indent=1) + "\n", encoding="utf-8")
            print(f"recorded {path.name}: {len(events)} events")


def record(name: str, answers: Answers) -> list[pb.HistoryEvent]:
    """Run one scenario; the history of its last execution."""
    engine = Engine(state=None, port=0)
    address = engine.start()
    worker = TaskHubGrpcWorker(host_address=address)
    worker.add_orchestrator(generate_video)
    tell = _teller(answers)
    worker.add_entity(_pool(tell))
    for step in Step:
        if not step.is_of_pool:
            worker.add_activity(_activity(step, tell))
    try:
        with worker:
            worker.start()
            return _run(TaskHubGrpcClient(host_address=address), name)
    finally:
        engine.stop()


def _run(client: TaskHubGrpcClient, name: str) -> list[pb.HistoryEvent]:
    ref, demand = VideoRef(tenant="acme", video_id=f"video_{name}"), Demand(model="sora-2", size="1280x720", seconds=4)
    first = StepRequest(video=ref, demand=demand, pool=demand.model).model_dump(mode="json", exclude_defaults=True)
    instance = client.schedule_new_orchestration(GENERATE_VIDEO, input=first)
    client.wait_for_orchestration_completion(instance, timeout=_TIMEOUT_S)
    stream = client._stub.StreamInstanceHistory(pb.StreamInstanceHistoryRequest(instanceId=instance))
    return [event for chunk in stream for event in chunk.events]


def _teller(answers: Answers) -> Callable[[str], dict[str, Any]]:
    """What a step answers next."""
    left = {step: iter(results) for step, results in answers.items()}
    return lambda step: next(left[Step(step)]).model_dump(mode="json", exclude_defaults=True)


def _pool(tell: Callable[[str], dict[str, Any]]) -> Callable[[EntityContext, dict[str, Any]], dict[str, Any]]:
    def entity(context: EntityContext, _: dict[str, Any]) -> dict[str, Any]:
        return tell(context.operation)

    entity.__name__ = CAPACITY_POOL
    return entity


def _activity(
    step: Step, tell: Callable[[str], dict[str, Any]]
) -> Callable[[ActivityContext, dict[str, Any]], dict[str, Any]]:
    def activity(_: ActivityContext, __: dict[str, Any]) -> dict[str, Any]:
        return tell(step)

    activity.__name__ = step
    return activity


if __name__ == "__main__":
    main()
