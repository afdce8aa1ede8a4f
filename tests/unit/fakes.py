"""Stand-ins for what is beyond this process; they keep the contracts of what they stand for, in memory."""

import asyncio
import hashlib
import sys
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

from azure.keyvault.secrets.aio import SecretClient

from clients.batch_runs import BatchRuns
from clients.batch_table import BatchPage, BatchTable, OpenBatch
from clients.blob_store import BlobStore, BlobVersion, WholeBlob
from clients.capacity_pools import CapacityPools
from clients.character_table import CharacterTable
from clients.character_table import missing as missing_character
from clients.creations import InputFile
from clients.file_table import FilePage, FileTable
from clients.idempotency import AlreadyAccepted, Idempotency
from clients.multipart import InputStream
from clients.orchestrations import Orchestrations
from clients.purge_progress import PurgeProgress
from clients.render_times import RenderTimeTable
from clients.secret_store import SecretStore
from clients.video_table import Aged, Page, VideoTable
from clients.videos_api import ContentStream, VideosApi
from domain.batch import BATCH_IDS, Batch, BatchRef
from domain.caller import Caller
from domain.capacity import Fleet, Lease, Pool
from domain.catalog import Deployment
from domain.character import Character
from domain.claim import Claim
from domain.errors import NotFound, OutcomeUnknown, PayloadTooLarge, UpstreamError, UpstreamNotFound
from domain.file import FILE_IDS, File, Purpose
from domain.render_job import RenderJob, RenderStatus
from domain.render_times import NOTHING_LEARNT, LearntTime, RenderKind, RenderTimes
from domain.secret_reference import SecretReference
from domain.video import StoredContent, Variant, Video, VideoRef
from domain.video_id import created_at
from domain.workflow import News
from tests.unit.examples import JPEG, MP4, NOW, WEBP


class FakeClock:
    """Stands still until it is moved."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class FakeVideoTable:
    """`VideoTable`: amends see the newest record, a claim belongs to whoever came first."""

    def __init__(self) -> None:
        self.records = dict[VideoRef, Video]()
        self.places = set[VideoRef]()
        self.alarms = dict[VideoRef, datetime]()
        self.claims = dict[tuple[str, str], Claim]()
        self.promises = dict[tuple[str, str], tuple[str, str]]()
        self.broken = dict[VideoRef, Exception]()
        """What reading a record raises."""
        self.limit: Callable[[Video], None] = lambda _: None
        """Raises what accepting a video does, if the caller's limits leave no room for it."""

    def as_table(self) -> VideoTable:
        return cast("VideoTable", self)

    def add(self, video: Video, *, alarm_at: datetime = NOW) -> Video:
        self.records[video.ref] = video
        self.places.add(video.ref)
        self.alarms[video.ref] = alarm_at
        return video

    async def insert(
        self,
        video: Video,
        *,
        alarm_at: datetime,
        idempotency: Idempotency | None = None,
        caller: Caller | None = None,  # noqa: ARG002 - `limit` stands for whatever limits it has
    ) -> None:
        if idempotency:
            key = (video.tenant, idempotency.key)
            if key in self.promises:
                raise AlreadyAccepted(*self.promises[key])
            self.limit(video)
            self.promises[key] = (video.video_id, idempotency.body_sha256)
        elif video.ref not in self.records:
            self.limit(video)
        self.add(self.records.get(video.ref, video), alarm_at=alarm_at)

    def check_rate(self, caller: Caller) -> None:
        pass

    async def get(self, ref: VideoRef) -> Video:
        if ref in self.broken:
            raise self.broken[ref]
        if ref not in self.records:
            raise NotFound(f"There is no video '{ref.video_id}'.", param="video_id", code="video_not_found")
        return self.records[ref]

    async def made_by(self, tenant: str, idempotency_key: str) -> VideoRef | None:
        promise = self.promises.get((tenant, idempotency_key))
        return VideoRef(tenant=tenant, video_id=promise[0]) if promise else None

    async def get_visible(self, ref: VideoRef) -> Video:
        video = await self.get(ref)
        if video.deleted_at:
            raise NotFound(f"There is no video '{ref.video_id}'.", param="video_id", code="video_not_found")
        return video

    def last_seen(self, ref: VideoRef) -> Video | None:
        return self.records.get(ref)

    async def amend(
        self, ref: VideoRef, change: Callable[[Video], Video], *, alarm_at: datetime | None = None
    ) -> Video:
        self.records[ref] = change(await self.get(ref))
        if alarm_at:
            self.alarms[ref] = alarm_at
        return self.records[ref]

    async def page(self, tenant: str, *, after: str | None, limit: int, newest_first: bool = True) -> Page:
        mine = [video for video in self.records.values() if video.tenant == tenant and not video.deleted_at]
        mine.sort(key=lambda video: video.video_id, reverse=newest_first)
        ids = [video.video_id for video in mine]
        rest = mine if after is None else mine[ids.index(after) + 1 :]
        return Page(rest[:limit], has_more=len(rest) > limit)

    async def tenants(self) -> AsyncIterator[str]:
        for tenant in sorted({ref.tenant for ref in self.places}):
            yield tenant

    async def oldest(self, tenant: str, *, after: str | None, made_before: datetime, limit: int) -> Sequence[Aged]:
        mine = sorted(ref.video_id for ref in self.places if ref.tenant == tenant)
        ids = [each for each in mine if each > (after or "") and created_at(each) < made_before]
        refs = [VideoRef(tenant=tenant, video_id=each) for each in ids[:limit]]
        return [Aged(ref, self.records.get(ref)) for ref in refs]

    async def claim(self, endpoint: str, upstream_id: str, claim: Claim) -> Claim:
        return self.claims.setdefault((endpoint, upstream_id), claim)

    async def release(self, endpoint: str, upstream_id: str) -> None:
        self.claims.pop((endpoint, upstream_id), None)

    async def remove(self, ref: VideoRef) -> None:
        self.records.pop(ref, None)
        self.alarms.pop(ref, None)
        self.places.discard(ref)

    async def due(self, now: datetime) -> AsyncIterator[VideoRef]:
        for ref in [ref for ref, at in self.alarms.items() if at <= now]:
            yield ref

    async def set_alarm(self, ref: VideoRef, at: datetime) -> None:
        self.alarms[ref] = at

    async def clear_alarm(self, ref: VideoRef) -> None:
        self.alarms.pop(ref, None)


class FakeFileTable:
    """`FileTable`.

    Attributes:
        places: Every file that may have bytes.
    """

    def __init__(self) -> None:
        self.records = dict[tuple[str, str], File]()
        self.places = set[tuple[str, str]]()
        self.broken: Exception | None = None
        """What removing raises."""

    def as_table(self) -> FileTable:
        return cast("FileTable", self)

    async def expect(self, tenant: str, file_id: str) -> None:
        self.places.add((tenant, file_id))

    async def insert(self, file: File) -> None:
        self.records[file.tenant, file.file_id] = file
        self.places.add((file.tenant, file.file_id))

    async def grown(self, tenant: str, file_id: str, size_bytes: int) -> None:
        file = await self.get(tenant, file_id)
        self.records[tenant, file_id] = file.model_copy(update={"size_bytes": size_bytes})

    async def get(self, tenant: str, file_id: str) -> File:
        if (tenant, file_id) not in self.records:
            raise NotFound(f"There is no file '{file_id}'.", param="file_id", code="file_not_found")
        return self.records[tenant, file_id]

    async def find(self, tenant: str, file_ids: Iterable[str]) -> Mapping[str, File]:
        return {each: self.records[tenant, each] for each in file_ids if (tenant, each) in self.records}

    async def page(
        self, tenant: str, *, after: str | None, limit: int, newest_first: bool = True, purpose: Purpose | None = None
    ) -> FilePage:
        mine = [file for file in self.records.values() if file.tenant == tenant and purpose in {None, file.purpose}]
        mine.sort(key=lambda file: file.file_id, reverse=newest_first)
        ids = [file.file_id for file in mine]
        rest = mine if after is None else mine[ids.index(after) + 1 :]
        return FilePage(rest[:limit], has_more=len(rest) > limit)

    async def outdated(
        self, tenant: str, *, after: str | None, now: datetime, made_before: datetime | None, limit: int
    ) -> Sequence[str]:
        def is_due(file_id: str) -> bool:
            file = self.records.get((tenant, file_id))
            made_at = FILE_IDS.created_at(file_id)
            expires_at = file.expires_at if file else made_at + timedelta(days=1)
            return bool((made_before and made_at < made_before) or (expires_at and expires_at <= now))

        mine = sorted(file_id for owner, file_id in self.places if owner == tenant and file_id > (after or ""))
        return [file_id for file_id in mine if is_due(file_id)][:limit]

    async def forget(self, tenant: str, file_id: str) -> None:
        if self.broken:
            raise self.broken
        self.records.pop((tenant, file_id), None)

    async def remove(self, tenant: str, file_id: str) -> None:
        await self.forget(tenant, file_id)
        self.places.discard((tenant, file_id))


class FakeBatchTable:
    """`BatchTable`."""

    def __init__(self) -> None:
        self.records = dict[BatchRef, Batch]()
        self.opened = list[BatchRef]()
        self.opened_at = dict[BatchRef, datetime]()
        self.promises = dict[tuple[str, str], tuple[str, str]]()

    def as_table(self) -> BatchTable:
        return cast("BatchTable", self)

    async def insert(self, batch: Batch, promise: Idempotency | None = None) -> Batch:
        self.opened.append(batch.ref)
        self.opened_at[batch.ref] = batch.created_at
        if promise:
            noted = batch.batch_id, promise.body_sha256
            made = self.promises.setdefault((batch.tenant, promise.key), noted)
            if made[0] != batch.batch_id:
                raise AlreadyAccepted(*made)
        return self.records.setdefault(batch.ref, batch)

    async def made_by(self, tenant: str, idempotency_key: str) -> AlreadyAccepted | None:
        made = self.promises.get((tenant, idempotency_key))
        return AlreadyAccepted(*made) if made else None

    async def get(self, ref: BatchRef) -> Batch:
        if ref not in self.records:
            raise NotFound(f"There is no batch '{ref.batch_id}'.", param="batch_id", code="batch_not_found")
        return self.records[ref]

    async def amend(self, ref: BatchRef, change: Callable[[Batch], Batch]) -> Batch:
        self.records[ref] = change(await self.get(ref))
        return self.records[ref]

    async def page(self, tenant: str, *, after: str | None, limit: int) -> BatchPage:
        mine = [batch for batch in self.records.values() if batch.tenant == tenant]
        mine.sort(key=lambda batch: batch.batch_id, reverse=True)
        ids = [batch.batch_id for batch in mine]
        rest = mine if after is None else mine[ids.index(after) + 1 :]
        return BatchPage(rest[:limit], has_more=len(rest) > limit)

    async def open(self) -> AsyncIterator[OpenBatch]:
        for ref in [*self.opened]:
            yield OpenBatch(ref, self.opened_at.get(ref) or BATCH_IDS.created_at(ref.batch_id))

    async def close_case(self, ref: BatchRef) -> None:
        self.opened.remove(ref)


class FakeBatchRuns:
    """`BatchRuns`: remembers what it was asked for."""

    def __init__(self) -> None:
        self.started = list[BatchRef]()
        self.woken = list[BatchRef]()
        self.purged = list[BatchRef]()
        self.broken: Exception | None = None
        """What any call raises."""

    def as_runs(self) -> BatchRuns:
        return cast("BatchRuns", self)

    async def ensure_running(self, ref: BatchRef) -> None:
        self._note(self.started, ref)

    async def wake(self, ref: BatchRef) -> None:
        self._note(self.woken, ref)

    async def purge(self, ref: BatchRef) -> None:
        self._note(self.purged, ref)

    def _note(self, calls: list[BatchRef], ref: BatchRef) -> None:
        if self.broken:
            raise self.broken
        calls.append(ref)


class FakeCharacterTable:
    """`CharacterTable`."""

    def __init__(self) -> None:
        self.records = dict[tuple[str, str], Character]()

    def as_table(self) -> CharacterTable:
        return cast("CharacterTable", self)

    async def insert(self, character: Character) -> None:
        self.records[character.tenant, character.character_id] = character

    async def get(self, tenant: str, character_id: str) -> Character:
        if (tenant, character_id) not in self.records:
            raise missing_character(character_id)
        return self.records[tenant, character_id]

    async def find(self, tenant: str, character_ids: Iterable[str]) -> Mapping[str, Character]:
        return {each: self.records[tenant, each] for each in character_ids if (tenant, each) in self.records}


class FakePurgeProgress:
    """`PurgeProgress`."""

    def __init__(self) -> None:
        self.noted = dict[tuple[str, str], str]()

    def as_progress(self) -> PurgeProgress:
        return cast("PurgeProgress", self)

    async def of(self, tenant: str, kind: str) -> str | None:
        return self.noted.get((tenant, kind))

    async def note(self, tenant: str, kind: str, video_id: str) -> None:
        self.noted[tenant, kind] = video_id


class FakeRenderTimeTable:
    """`RenderTimeTable`: learns at once.

    Attributes:
        recorded: Every sample, in seconds.
        times: What they add up to.
    """

    def __init__(self) -> None:
        self.recorded = list[tuple[RenderKind, float]]()
        self.times = dict[RenderKind, RenderTimes]()

    def as_table(self) -> RenderTimeTable:
        return cast("RenderTimeTable", self)

    async def of(self, kind: RenderKind) -> RenderTimes:
        return self.times.get(kind, NOTHING_LEARNT)

    async def learnt(self) -> Mapping[str, LearntTime]:
        summaries = {kind.deployment: times.learnt() for kind, times in self.times.items()}
        return {name: summary for name, summary in summaries.items() if summary}

    async def record(self, kind: RenderKind, render_s: float) -> None:
        self.recorded.append((kind, render_s))
        self.times[kind] = (await self.of(kind)).with_sample(render_s)


class FakeBlobStore:
    """`BlobStore`: a stream is stored whole or not at all."""

    def __init__(self) -> None:
        self.blobs = dict[str, bytes]()
        self.writes = list[str]()
        self.broken: Exception | None = None
        """What writing and deleting raises."""

    def as_store(self) -> BlobStore:
        return cast("BlobStore", self)

    async def put(self, blob: str, content: bytes, content_type: str) -> StoredContent:
        if self.broken:
            raise self.broken
        self.writes.append(blob)
        self.blobs[blob] = content
        sha256 = hashlib.sha256(content).hexdigest()
        return StoredContent(blob=blob, content_type=content_type, size_bytes=len(content), sha256=sha256)

    async def put_stream(self, blob: str, chunks: AsyncIterator[bytes], content_type: str) -> StoredContent:
        return await self.put(blob, b"".join([chunk async for chunk in chunks]), content_type)

    async def read_whole(self, blob: str, *, max_bytes: int) -> WholeBlob:
        content = await self.read(blob)
        if len(content) > max_bytes:
            raise PayloadTooLarge(f"The file is larger than {max_bytes} bytes.")
        return WholeBlob(content, f'"{hashlib.sha256(content).hexdigest()}"')

    async def version(self, blob: str) -> BlobVersion:
        whole = await self.read_whole(blob, max_bytes=sys.maxsize)
        return BlobVersion(blob, whole.etag, len(whole.content), NOW)

    async def blocks_of(self, version: BlobVersion) -> AsyncIterator[bytes]:
        async for chunk in _in_chunks(await self.read(version.blob), 1024):
            yield chunk

    async def read(self, blob: str, *, offset: int = 0, length: int | None = None) -> bytes:
        if blob not in self.blobs:
            raise NotFound(f"The blob '{blob}' is gone.")
        end = None if length is None else offset + length
        return self.blobs[blob][offset:end]

    async def folders(self, prefix: str) -> AsyncIterator[str]:
        found = [name for name in self.blobs if name.startswith(prefix)]
        for folder in sorted({prefix + name.removeprefix(prefix).partition("/")[0] for name in found}):
            yield f"{folder}/"

    async def first_names(self, prefix: str, limit: int) -> Sequence[str]:
        return sorted(name for name in self.blobs if name.startswith(prefix))[:limit]

    async def append(self, blob: str, content: bytes, *, at: int) -> bool:
        if len(self.blobs.get(blob, b"")) != at:
            return False
        await self.put(blob, self.blobs.get(blob, b"") + content, "")
        return True

    async def size(self, blob: str) -> int:
        return len(self.blobs.get(blob, b""))

    async def blocks(self, stored: StoredContent | File) -> AsyncIterator[bytes]:
        yield await self.read(stored.blob)

    async def delete(self, blob: str) -> None:
        if self.broken:
            raise self.broken
        self.blobs.pop(blob, None)

    def url(self, blob: str) -> str:
        return f"https://acct.blob.core.windows.net/videos/{blob}"

    async def link(self, blob: str, *, now: datetime, expires_at: datetime) -> str:
        return f"{self.url(blob)}?st={now:%H%M}&se={expires_at:%H%M}"


class FakeVideosApi:
    """`VideosApi`: deployments that take every job, and fail as they are told.

    Attributes:
        jobs: What was created and not deleted, by deployment and id, oldest first.
        creations: How many jobs were ever created: what is paid for.
        create_fails: What the next creations raise, in their order.
        unanswered_creates: Whether a creation that ends in `OutcomeUnknown` made a job all the same.
        fails: What every call of an operation raises.
        contents: What is sent, by variant; a missing one is not found.
        claimed_bytes: The Content-Length of the video, if it is not the true one.
    """

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.jobs = dict[tuple[str, str], RenderJob]()
        self.creations = 0
        self.input_files = list[InputFile | InputStream | None]()
        self.create_fails: Sequence[Exception] = ()
        self.unanswered_creates = True
        self.fails = dict[str, UpstreamError]()
        self.contents = {Variant.VIDEO: MP4, Variant.THUMBNAIL: WEBP, Variant.SPRITESHEET: JPEG}
        self.claimed_bytes: int | None = None
        self.calls = Counter[str]()

    def as_api(self) -> VideosApi:
        return cast("VideosApi", self)

    def add_job(self, video: Video, deployment: str = "east", **changes: Any) -> RenderJob:
        """Create a job as if it was asked for on behalf of this video now."""
        self.creations += 1
        fields = {
            "upstream_id": f"job-{self.creations}",
            "status": RenderStatus.RUNNING,
            "created_at": self._clock().replace(microsecond=0),
            "prompt": video.prompt,
            "seconds": video.length_s,
            "size": video.size,
            "remixed_from": video.source and video.source.upstream_id,
        }
        job = RenderJob.model_validate(fields | changes)
        self.jobs[deployment, job.upstream_id] = job
        return job

    def change(self, upstream_id: str, deployment: str = "east", **changes: Any) -> None:
        """Let a job go on, or end."""
        self.jobs[deployment, upstream_id] = self.jobs[deployment, upstream_id].model_copy(update=changes)

    async def create(
        self, deployment: Deployment, video: Video, input_file: InputFile | InputStream | None = None
    ) -> RenderJob:
        self.calls["create"] += 1
        self.input_files.append(input_file)
        if not self.create_fails:
            return self.add_job(video, deployment.name)
        failure, *self.create_fails = self.create_fails
        if isinstance(failure, OutcomeUnknown) and self.unanswered_creates:
            self.add_job(video, deployment.name)
        raise failure

    async def create_character(
        self,
        deployment: Deployment,
        name: str,
        video: InputFile,  # noqa: ARG002 - the name that callers pass
    ) -> tuple[str, datetime | None]:
        self._called(f"create_character at {deployment.name}")
        return f"char-of-{name}-at-{deployment.name}", None

    async def retrieve(self, deployment: Deployment, upstream_id: str) -> RenderJob:
        self._called("retrieve")
        return self._job(deployment, upstream_id)

    async def created_since(self, deployment: Deployment, since: datetime) -> list[RenderJob]:
        self._called("created_since")
        jobs = [job for (at, _), job in self.jobs.items() if at == deployment.name]
        return [job for job in jobs if job.created_at is None or job.created_at >= since]

    async def delete(self, deployment: Deployment, upstream_id: str) -> None:
        self._called("delete")
        self.jobs.pop((deployment.name, upstream_id), None)

    @asynccontextmanager
    async def content(
        self, deployment: Deployment, upstream_id: str, variant: Variant, *, chunk_bytes: int
    ) -> AsyncGenerator[ContentStream]:
        self._called(f"content of {variant}")
        self._job(deployment, upstream_id)
        if variant not in self.contents:
            raise UpstreamNotFound("HTTP 404: no such content")
        content = self.contents[variant]
        size = self.claimed_bytes if variant is Variant.VIDEO and self.claimed_bytes else len(content)
        yield ContentStream(size, _in_chunks(content, min(chunk_bytes, 1024)))

    def _called(self, operation: str) -> None:
        self.calls[operation] += 1
        if operation in self.fails:
            raise self.fails[operation]

    def _job(self, deployment: Deployment, upstream_id: str) -> RenderJob:
        if (deployment.name, upstream_id) not in self.jobs:
            raise UpstreamNotFound("HTTP 404: no such job")
        return self.jobs[deployment.name, upstream_id]


class FakeOrchestrations:
    """`Orchestrations`: remembers what it was asked for."""

    def __init__(self) -> None:
        self.started = list[VideoRef]()
        self.woken = list[tuple[VideoRef, News]]()
        self.purged = list[VideoRef]()
        self.broken = dict[VideoRef | None, Exception]()
        """What asking for a video raises; under None, for any."""

    def as_orchestrations(self) -> Orchestrations:
        return cast("Orchestrations", self)

    async def ensure_running(self, video: Video) -> None:
        self._raise_if_broken(video.ref)
        self.started.append(video.ref)

    async def wake(self, ref: VideoRef, news: News) -> None:
        self._raise_if_broken(ref)
        self.woken.append((ref, news))

    async def purge(self, ref: VideoRef) -> None:
        self._raise_if_broken(ref)
        self.purged.append(ref)

    def _raise_if_broken(self, ref: VideoRef | None) -> None:
        error = self.broken.get(ref) or self.broken.get(None)
        if error:
            raise error


class FakeCapacityPools:
    """`CapacityPools`: what is taken back is written down, by model."""

    def __init__(self, **pools: Pool) -> None:
        self.pools = pools
        self.fleets = dict[str, Fleet]()
        self.reclaimed = dict[str, list[VideoRef]]()
        self.broken = dict[str, Exception]()
        """What reading a pool raises."""

    def as_pools(self) -> CapacityPools:
        return cast("CapacityPools", self)

    async def state(self, model: str) -> Pool:
        if model in self.broken:
            raise self.broken[model]
        return self.pools.get(model, Pool()).model_copy(deep=True)

    async def reclaim(self, model: str, leases: Sequence[Lease], now: datetime) -> None:
        self.reclaimed[model] = [lease.video for lease in leases]
        self.pools[model].reclaim(leases, self.fleets[model], now)


class FakeVault:
    """`SecretClient` of one Key Vault; every read takes a turn of the event loop."""

    def __init__(self, **secrets: str) -> None:
        self.secrets = secrets
        self.reads = list[tuple[str, str | None]]()
        self.error: Exception | None = None
        self.closed = False

    def as_client(self) -> SecretClient:
        return cast("SecretClient", self)

    async def get_secret(self, name: str, version: str | None = None) -> SimpleNamespace:
        self.reads.append((name, version))
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        return SimpleNamespace(value=self.secrets.get(name))

    async def close(self) -> None:
        self.closed = True


class FakeVaults:
    """Opens a `FakeVault` per URL, and remembers how many there were."""

    def __init__(self, **vaults: FakeVault) -> None:
        self.vaults = {f"https://{name}.vault.azure.net": vault for name, vault in vaults.items()}
        self.opened = list[str]()

    def __call__(self, url: str) -> SecretClient:
        self.opened.append(url)
        return self.vaults[url].as_client()


def a_secret_store(**secrets: str) -> SecretStore:
    """A store that finds these secrets under `keyvault_secret(name)`."""
    return SecretStore(FakeVaults(v=FakeVault(**secrets)))


def keyvault_secret(name: str, vault: str = "v") -> SecretReference:
    """A reference into a `FakeVault`."""
    return SecretReference(kind="keyvault", target=f"https://{vault}.vault.azure.net/secrets/{name}")


async def _in_chunks(content: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]
