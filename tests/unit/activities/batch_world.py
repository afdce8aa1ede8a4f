"""A batch on fakes, whose process can die before and after everything it does."""

import inspect
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx

from activities.advance_batch import advance_batch
from activities.batch_services import BatchServices, run_batch_activity
from activities.validate_batch import validate_batch
from clients.files import Files
from clients.remote_files import RemoteFiles
from domain.batch import BATCH_IDS, Batch
from domain.batch_workflow import BatchRequest, BatchResult, BatchStep
from domain.catalog import Catalog
from domain.failures import CANCELLATION
from domain.file import FILE_IDS, File, Purpose, file_blob
from domain.video import Variant, Video
from domain.webhook import WebhookEvent
from front_door.show import show_video
from intake.services import Intake
from tests.unit.callers import callers_of
from tests.unit.examples import NOW, TENANT, a_catalog, a_deployment, a_stored_content
from tests.unit.fakes import (
    FakeBatchTable,
    FakeBlobStore,
    FakeCharacterTable,
    FakeClock,
    FakeFileTable,
    FakeOrchestrations,
    FakeVideoTable,
)

INPUT = FILE_IDS.new(NOW, b"i" * 10)
_NO_REMOTE_FILES = RemoteFiles(
    httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(404))), max_bytes=1
)
_STEPS = {BatchStep.VALIDATE: validate_batch, BatchStep.ADVANCE: advance_batch}


class Died(Exception):
    """The process is gone."""


class Fuse:
    """Lets the process die at the n-th opportunity."""

    def __init__(self) -> None:
        self.left: int | None = None

    def burn(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                self.left = None
                raise Died


class Mortal:
    """Whatever it stands for, it may die before and after each call."""

    def __init__(self, real: Any, fuse: Fuse) -> None:
        self._real = real
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if not inspect.iscoroutinefunction(found):
            return found

        async def call(*args: Any, **kwargs: Any) -> Any:
            self._fuse.burn()
            answer = await found(*args, **kwargs)
            self._fuse.burn()
            return answer

        return call


def a_line(number: int, **changes: Any) -> Mapping[str, Any]:
    """A good line of an input."""
    body = {"prompt": f"Shot {number}", "model": "sora-2", "seconds": "4"}
    return {"custom_id": f"shot-{number}", "method": "POST", "url": "/v1/videos", "body": body, **changes}


def as_jsonl(lines: Sequence[Any]) -> bytes:
    """An input file."""
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


@dataclass
class BatchWorld:
    """Everything around a batch, in memory."""

    text: bytes
    catalog: Catalog = field(default_factory=lambda: a_catalog(a_deployment(max_concurrent=2)))
    clock: FakeClock = field(default_factory=FakeClock)
    videos: FakeVideoTable = field(default_factory=FakeVideoTable)
    records: FakeFileTable = field(default_factory=FakeFileTable)
    blobs: FakeBlobStore = field(default_factory=FakeBlobStore)
    inputs: FakeBlobStore = field(default_factory=FakeBlobStore)
    orchestrations: FakeOrchestrations = field(default_factory=FakeOrchestrations)
    batches: FakeBatchTable = field(default_factory=FakeBatchTable)
    fuse: Fuse = field(default_factory=Fuse)
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        file = File(
            file_id=INPUT, tenant=TENANT, filename="in.jsonl", purpose=Purpose.BATCH,
            size_bytes=len(self.text), created_at=NOW,
        )  # fmt: skip
        self.records.records[TENANT, INPUT] = file
        self.blobs.blobs[file_blob(TENANT, INPUT)] = self.text
        batch = Batch(
            batch_id=BATCH_IDS.new(NOW, bytes(10)), tenant=TENANT, input_file_id=INPUT, size_bytes=len(self.text),
            created_at=NOW, as_of=NOW, completion_window="24h", expires_at=NOW + timedelta(hours=24),
            output_file_id=FILE_IDS.new(NOW, b"o" * 10), error_file_id=FILE_IDS.new(NOW, b"e" * 10),
        )  # fmt: skip
        self.ref = batch.ref
        self.batches.records[self.ref] = batch
        files = Files(Mortal(self.records, self.fuse), Mortal(self.blobs, self.fuse))
        intake = Intake(
            catalog=self.catalog,
            videos=Mortal(self.videos, self.fuse),
            inputs=self.inputs.as_store(),
            files=files,
            characters=FakeCharacterTable().as_table(),
            orchestrations=Mortal(self.orchestrations, self.fuse),
            remote_files=_NO_REMOTE_FILES,
            clock=self.clock,
            randomness=bytes,
            sweep_grace=timedelta(minutes=1),
        )
        self.services = BatchServices(
            batches=Mortal(self.batches, self.fuse),
            files=files,
            intake=intake,
            callers=callers_of(TENANT),
            show=lambda video: show_video(video, self.blobs.as_store()),
            tell=self._tell,
        )

    async def _tell(self, tenant: str, event: WebhookEvent) -> None:
        assert tenant == TENANT
        self.told.append(event.type)

    @property
    def batch(self) -> Batch:
        return self.batches.records[self.ref]

    async def run(self, request: BatchRequest) -> BatchResult:
        answer = await run_batch_activity(_STEPS[request.step], request.model_dump(mode="json"), self.services)
        return BatchResult.model_validate(answer)

    def running(self) -> list[Video]:
        return [video for video in self.videos.records.values() if not video.has_ended]

    def end(self, video: Video, *, well: bool = True) -> None:
        """Let a video end."""
        changes = {"state": "completed", "contents": {Variant.VIDEO: a_stored_content()}}
        failed = {"state": "failed", "failure": CANCELLATION}
        fields = video.model_dump() | (changes if well else failed) | {"ended_at": self.clock()}
        self.videos.records[video.ref] = Video.model_validate(fields)

    def end_all(self) -> None:
        for video in self.running():
            self.end(video)

    def output(self) -> list[dict[str, Any]]:
        return self._lines(self.batch.output_file_id)

    def errors(self) -> list[dict[str, Any]]:
        return self._lines(self.batch.error_file_id)

    def _lines(self, file_id: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.blobs.blobs.get(file_blob(TENANT, file_id), b"").splitlines()]

    async def run_to_the_end(self, *, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Run it as the orchestration does; whatever waits for videos sees them end."""
        request = BatchRequest(batch=self.ref)
        for _ in range(10_000):
            result = await self.run(request)
            if result.following is None:
                return
            ended = [video.video_id for video in self.running()] if result.waits else []
            if result.waits:
                self.end_all()
            meanwhile()
            request = request.after(result, ended)
        raise AssertionError("it never ended")


def counted(lines: Sequence[Mapping[str, Any]]) -> Counter[str]:
    """How often each custom_id is there."""
    return Counter(line["custom_id"] for line in lines)


def prompts(videos: Iterable[Video]) -> Counter[str]:
    """How often each prompt was asked for."""
    return Counter(video.prompt for video in videos)
