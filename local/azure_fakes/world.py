"""The state of one set of fakes. Nothing is global: several can live in one process."""

import asyncio
import logging
import secrets
from collections import Counter, defaultdict
from pathlib import Path
from random import Random
from typing import Any, Self

from local.azure_fakes.clock import Clock
from local.azure_fakes.credentials import TokenIssuer
from local.azure_fakes.documents import Documents
from local.azure_fakes.errors import GENERATION_FAILED
from local.azure_fakes.faults import FaultQueue, Operation
from local.azure_fakes.job_store import JobStore
from local.azure_fakes.jobs import Job
from local.azure_fakes.media import Media, MediaLibrary
from local.azure_fakes.rate_limit import RateLimit
from local.azure_fakes.settings import DeploymentSettings, JsonObject, Settings
from local.azure_fakes.signing import SigningKey


class World:
    """Everything the fakes know. Needs a running event loop.

    Args:
        media_folder: Where rendered media are cached; several worlds may share it.
        folder: Where jobs and settings survive a restart; `None` keeps them in memory.
    """

    def __init__(self, media_folder: Path, folder: Path | None = None) -> None:
        self.clock = Clock()
        self.random = Random()  # noqa: S311  (faults and speeds, not secrets)
        self.faults = FaultQueue(self.random)
        self.media = MediaLibrary(media_folder)
        self._documents = Documents(folder and folder / "fakes.sqlite")
        self._take_settings(Settings.model_validate(self._documents.get("settings", "settings") or {}))
        self.tokens = TokenIssuer(self._signing_key())
        self.entra_key = SigningKey()
        self.characters: dict[str, dict[str, Any]] = {}
        self.jobs = JobStore(self._documents, self.clock.now())
        self.forget_what_happened()
        for job in self.jobs:
            if job.finished_at is None and not job.deleted:
                self._finish_when_rendered(job)

    def forget_what_happened(self) -> None:
        """Set every counter and record to nothing; jobs and settings stay."""
        self.requests: Counter[str] = Counter()
        self.counters: Counter[str] = Counter(dict.fromkeys((*Operation, "rejected_429", "content_bytes"), 0))
        self.events: list[Any] = []
        self.webhooks: list[dict[str, Any]] = []
        self.spans: list[dict[str, Any]] = []
        self.metrics: dict[str, dict[str, Any]] = {}
        self.rate_limits: defaultdict[str, RateLimit] = defaultdict(RateLimit)
        self.random.seed(self.settings.seed)

    def reset(self) -> None:
        """Clear jobs, counters and records; settings and faults stay."""
        self.jobs.clear()
        self.characters.clear()
        self.forget_what_happened()

    def change_settings(self, patch: JsonObject) -> None:
        """Change settings by a JSON Merge Patch.

        Raises:
            pydantic.ValidationError: A setting is unknown or out of range; nothing changed.
        """
        self._take_settings(self.settings.patched(patch))
        self._documents.put("settings", "settings", self.settings.model_dump(exclude_unset=True))
        if "seed" in patch:
            self.random.seed(self.settings.seed)

    def deployment(self, name: str) -> DeploymentSettings:
        """Return the settings that hold for a deployment."""
        if name not in self._deployments:
            self._deployments[name] = self.settings.of(name)
        return self._deployments[name]

    def start(self, job: Job) -> None:
        """Take in a new job and render it."""
        self.jobs.add(job, self.clock.now())
        if job.error:
            self.jobs.finish(job, job.due_at)
        else:
            self._finish_when_rendered(job)

    def fail(self, job: Job, error: dict[str, str]) -> None:
        """Fail a job now."""
        job.error = error
        self.jobs.finish(job, self.clock.now())

    def media_of(self, job: Job) -> asyncio.Future[Media]:
        """Return what a job shows."""
        return self.media.get(job.scene)

    def close(self) -> None:
        """Stop rendering and close the files."""
        self.media.close()
        self._documents.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def _take_settings(self, settings: Settings) -> None:
        self.settings = settings
        self._deployments: dict[str, DeploymentSettings] = {}
        self.clock.offset_s = settings.clock_offset_s

    def _finish_when_rendered(self, job: Job) -> None:
        media = self.media_of(job)
        if media.done():
            self._finish(job, media)
        else:
            media.add_done_callback(lambda rendered: self._finish(job, rendered))

    def _finish(self, job: Job, media: asyncio.Future[Media]) -> None:
        if media.cancelled() or job.finished_at is not None or self.jobs.find(job.id) is not job:
            return  # the world was closed, or something else ended the job meanwhile
        if failure := media.exception():
            logging.getLogger(__name__).error("cannot render %s", job.scene.name, exc_info=failure)
            job.error = GENERATION_FAILED
        self.jobs.finish(job, max(job.due_at, self.clock.now()))

    def _signing_key(self) -> bytes:
        """Return the key of our tokens, which survive a restart as tokens in real life do."""
        key = self._documents.get("settings", "signing_key") or secrets.token_hex(32)
        self._documents.put("settings", "signing_key", key)
        return bytes.fromhex(key)
