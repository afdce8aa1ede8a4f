"""What is behind the triggers of Event Grid, in memory."""

import json
from asyncio import Semaphore
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from clients.callers import Callers
from clients.event_grid import EventGrid
from clients.files import Files
from clients.remote_files import RemoteFiles
from event_sources.dead_letters import DeadLetters
from event_sources.grid_event import GridEvent
from event_sources.held_events import HeldEvents
from event_sources.inbox import BLOB_CREATED, Inbox
from event_sources.inbox_batches import InboxBatches
from event_sources.rejections import Rejections
from event_sources.video_requests import VIDEO_REQUESTED, VideoRequests
from intake.batches import BatchIntake
from intake.services import Intake
from tests.unit.callers import callers_of
from tests.unit.examples import NOW, TENANT, a_catalog
from tests.unit.fakes import (
    FakeBatchRuns,
    FakeBatchTable,
    FakeBlobStore,
    FakeCharacterTable,
    FakeClock,
    FakeFileTable,
    FakeOrchestrations,
    FakeVideoTable,
)
from tests.unit.front_door.world import SWEEP_GRACE
from tests.unit.listeners import FakeTopic

MAX_BYTES = 50_000
MAX_BATCH_BYTES = 60_000
REQUEST = {"prompt": "A fox runs through snow.", "size": "1280x720"}


@dataclass
class World:
    """An intake that every event leads to."""

    clock: FakeClock = field(default_factory=FakeClock)
    videos: FakeVideoTable = field(default_factory=FakeVideoTable)
    inputs: FakeBlobStore = field(default_factory=FakeBlobStore)
    orchestrations: FakeOrchestrations = field(default_factory=FakeOrchestrations)
    files: FakeFileTable = field(default_factory=FakeFileTable)
    file_blobs: FakeBlobStore = field(default_factory=FakeBlobStore)
    batches: FakeBatchTable = field(default_factory=FakeBatchTable)
    runs: FakeBatchRuns = field(default_factory=FakeBatchRuns)
    topic: FakeTopic = field(default_factory=FakeTopic)
    tenants: tuple[str, ...] = (TENANT, "globex")
    intake: Intake = field(init=False)

    def __post_init__(self) -> None:
        self.intake = Intake(
            catalog=a_catalog(),
            videos=self.videos.as_table(),
            inputs=self.inputs.as_store(),
            files=Files(self.files.as_table(), self.file_blobs.as_store()),
            characters=FakeCharacterTable().as_table(),
            orchestrations=self.orchestrations.as_orchestrations(),
            remote_files=RemoteFiles(httpx.AsyncClient(transport=httpx.MockTransport(_nobody)), max_bytes=1_000),
            clock=self.clock,
            randomness=self._randomness,
            sweep_grace=SWEEP_GRACE,
        )
        self._drawn = 0

    def _randomness(self, count: int) -> bytes:
        self._drawn += 1
        return self._drawn.to_bytes(count)

    @property
    def callers(self) -> Callers:
        return callers_of(*self.tenants)

    def video_requests(self) -> VideoRequests:
        return VideoRequests(self.intake, self.callers, self._dead_letters(), self._rejections())

    def inbox(self) -> Inbox:
        return Inbox(
            intake=self.intake,
            container="requests",
            callers=self.callers,
            batches=InboxBatches(self.inputs.as_store(), self._batch_intake(), MAX_BATCH_BYTES),
            dead_letters=self._dead_letters(),
            rejections=self._rejections(),
            max_bytes=MAX_BYTES,
            at_once=Semaphore(2),
        )

    def held_events(self) -> HeldEvents:
        receivers = {VIDEO_REQUESTED: self.video_requests(), BLOB_CREATED: self.inbox()}
        return HeldEvents(self.inputs.as_store(), receivers, self._dead_letters(), self.clock, limit_s=60)

    def _batch_intake(self) -> BatchIntake:
        return BatchIntake(
            catalog=self.intake.catalog,
            records=self.batches.as_table(),
            files=self.intake.files,
            characters=self.intake.characters,
            runs=self.runs.as_runs(),
            images=self.intake.remote_files.limits,
            clock=self.clock,
            randomness=self._randomness,
        )

    def _dead_letters(self) -> DeadLetters:
        return DeadLetters(self.inputs.as_store())

    def _rejections(self) -> Rejections:
        return Rejections(self.inputs.as_store(), EventGrid(self.topic.as_client()))

    def asked(self) -> list[tuple[str, str]]:
        """The tenants and prompts of all videos."""
        return [(video.tenant, video.prompt) for video in self.videos.records.values()]

    def held(self) -> list[str]:
        """The blobs of the events that wait."""
        return sorted(blob for blob in self.inputs.blobs if blob.startswith("held/"))

    def dead_letters(self) -> list[dict[str, Any]]:
        return [json.loads(blob) for name, blob in self.inputs.blobs.items() if name.startswith("dead-letter/")]

    def error(self, blob: str) -> dict[str, Any]:
        """The error in an answer, which holds nothing else."""
        answer = json.loads(self.inputs.blobs[blob])
        assert answer.keys() == {"error"}
        return answer["error"]


def an_event(**changes: Any) -> GridEvent:
    """A request for a video."""
    fields: dict[str, Any] = {
        "id": "e-1",
        "source": "/studio",
        "type": "Reelay.VideoRequested",
        "subject": None,
        "time": NOW,
        "data": REQUEST | {"tenant": TENANT},
    }
    return GridEvent(**fields | changes)


def let_answer(world: World, answer: httpx.Response) -> None:
    """Whoever is asked for an image."""
    transport = httpx.MockTransport(lambda _: httpx.Response(answer.status_code, content=answer.content))
    http = httpx.AsyncClient(transport=transport)
    world.intake = replace(world.intake, remote_files=RemoteFiles(http, max_bytes=MAX_BYTES))


def _nobody(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("there is no internet here", request=request)
