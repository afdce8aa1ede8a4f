"""Records golden histories: runs every scenario through the real Durable engine and keeps what it wrote.

Run `python -m tests.replay.record` after an orchestrator was given a new version; a history that is kept here is one
that may be in flight somewhere, so it is never recorded anew to make a test pass.
"""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from durabletask.client import TaskHubGrpcClient
from durabletask.internal import orchestrator_service_pb2 as pb
from durabletask.task import ActivityContext
from durabletask.worker import TaskHubGrpcWorker
from google.protobuf.json_format import MessageToDict

from domain.video import VideoRef
from domain.workflow import GENERATE_VIDEO, Step, StepRequest
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
    for step in Step:
        worker.add_activity(_activity(step, answers))
    try:
        with worker:
            worker.start()
            return _run(TaskHubGrpcClient(host_address=address), name)
    finally:
        engine.stop()


def _run(client: TaskHubGrpcClient, name: str) -> list[pb.HistoryEvent]:
    first = StepRequest(video=VideoRef(tenant="acme", video_id=f"video_{name}"))
    instance = client.schedule_new_orchestration(GENERATE_VIDEO, input=first.model_dump(mode="json", exclude_none=True))
    client.wait_for_orchestration_completion(instance, timeout=_TIMEOUT_S)
    stream = client._stub.StreamInstanceHistory(pb.StreamInstanceHistoryRequest(instanceId=instance))
    return [event for chunk in stream for event in chunk.events]


def _activity(step: Step, answers: Answers) -> Callable[[ActivityContext, dict[str, Any]], dict[str, Any]]:
    asked = Counter[Step]()

    def activity(_: ActivityContext, __: dict[str, Any]) -> dict[str, Any]:
        asked[step] += 1
        return answers[step][asked[step] - 1].model_dump(mode="json", exclude_none=True)

    activity.__name__ = step
    return activity


if __name__ == "__main__":
    main()
