"""Records golden histories: runs every scenario through the real Durable engine and keeps what it wrote.

Run `python -m tests.replay.record` after an orchestrator was given a new version; a history that is kept here is one
that may be in flight somewhere, so it is never recorded anew to make a test pass.
"""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from threading import Timer
from typing import Any, NamedTuple

from durabletask.client import TaskHubGrpcClient
from durabletask.internal import orchestrator_service_pb2 as pb
from durabletask.task import ActivityContext
from durabletask.worker import TaskHubGrpcWorker
from google.protobuf.json_format import MessageToDict

from domain.batch import BatchRef
from domain.batch_workflow import BatchRequest, BatchStep
from domain.slot import Demand
from domain.video import VideoRef
from domain.workflow import CAPACITY_POOL, WAKE, Step, StepRequest
from local.functions_host.engine import Engine
from orchestrators import run_batch as batches
from orchestrators.generate_video import generate_video
from tests.replay.batches import SCENARIOS as BATCHES
from tests.replay.batches import TICK, Scenario
from tests.replay.scenarios import SCENARIOS, Answers

HISTORIES = Path(__file__).parent / "histories"
INSTANCE = "recorded"
_TIMEOUT_S = 30

type Body = Callable[[Any, dict[str, Any]], dict[str, Any]]


class Play(NamedTuple):
    """What is run.

    Attributes:
        orchestrator: Under the name by which it is started.
        first: Its input.
        activities: Whatever it calls.
        entities: Whatever it asks.
    """

    orchestrator: Callable[..., Any]
    first: dict[str, Any]
    activities: Sequence[Body]
    entities: Sequence[Body] = ()


def main() -> None:
    """Record every scenario that has no history yet."""
    for name, answers in SCENARIOS.items():
        _keep(HISTORIES / f"{name}.json", lambda _, name=name, answers=answers: video(name, answers))
    for name, scenario in BATCHES.items():
        batches.GUARD = scenario.guard
        _keep(HISTORIES / f"batches/{name}.json", lambda client, s=scenario: batch(s, client))


def _keep(path: Path, play: Callable[[TaskHubGrpcClient], Play]) -> None:
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        events = [MessageToDict(event) for event in record(play)]
        path.write_text(json.dumps(events, indent=1) + "\n", encoding="utf-8")
        print(f"recorded {path.name}: {len(events)} events")


def record(stage: Callable[[TaskHubGrpcClient], Play]) -> list[pb.HistoryEvent]:
    """Run one scenario; the history of its last execution."""
    engine = Engine(state=None, port=0)
    address = engine.start()
    worker, client = TaskHubGrpcWorker(host_address=address), TaskHubGrpcClient(host_address=address)
    play = stage(client)
    worker.add_orchestrator(play.orchestrator)
    for body in play.activities:
        worker.add_activity(body)
    for body in play.entities:
        worker.add_entity(body)
    try:
        with worker:
            worker.start()
            return _run(client, play)
    finally:
        engine.stop()


def _run(client: TaskHubGrpcClient, play: Play) -> list[pb.HistoryEvent]:
    instance = client.schedule_new_orchestration(play.orchestrator.__name__, input=play.first, instance_id=INSTANCE)
    client.wait_for_orchestration_completion(instance, timeout=_TIMEOUT_S)
    stream = client._stub.StreamInstanceHistory(pb.StreamInstanceHistoryRequest(instanceId=instance))
    return [event for chunk in stream for event in chunk.events]


def video(name: str, answers: Answers) -> Play:
    """A video, whose steps and pool answer as told."""
    ref, demand = VideoRef(tenant="acme", video_id=f"video_{name}"), Demand(model="sora-2", size="1280x720", seconds=4)
    first = StepRequest(video=ref, demand=demand, pool=demand.model).model_dump(mode="json", exclude_defaults=True)
    tell = _teller(answers)
    steps = [_named(step, lambda _, __, step=step: tell(step)) for step in Step if not step.is_of_pool]
    pool = _named(CAPACITY_POOL, lambda context, _: tell(context.operation))
    return Play(generate_video, first, steps, [pool])


def batch(scenario: Scenario, client: TaskHubGrpcClient) -> Play:
    """A batch, whose steps answer and whose videos end as told."""
    first = BatchRequest(batch=BatchRef(tenant="acme", batch_id=INSTANCE)).model_dump(
        mode="json", exclude_defaults=True
    )
    turns = iter(scenario.turns)

    def wake(videos: Sequence[str | None]) -> None:
        for video_id in videos:
            client.raise_orchestration_event(INSTANCE, WAKE, data=video_id)

    def step(_: ActivityContext, __: dict[str, Any]) -> dict[str, Any]:
        turn = next(turns)
        wake(turn.meanwhile)
        if turn.later:
            Timer(TICK.total_seconds(), wake, [turn.later]).start()
        return turn.answer.model_dump(mode="json", exclude_defaults=True)

    return Play(batches.run_batch, first, [_named(name, partial(step)) for name in BatchStep])


def _teller(answers: Answers) -> Callable[[str], dict[str, Any]]:
    """What a step answers next."""
    left = {step: iter(results) for step, results in answers.items()}
    return lambda step: next(left[Step(step)]).model_dump(mode="json", exclude_defaults=True)


def _named(name: str, body: Body) -> Body:
    body.__name__ = name
    return body


if __name__ == "__main__":
    main()
