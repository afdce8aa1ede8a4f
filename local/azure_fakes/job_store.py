"""All render jobs of one set of fakes, and who of them is running."""

import heapq
from collections import defaultdict
from collections.abc import Iterator

from local.azure_fakes.documents import Documents
from local.azure_fakes.jobs import Job

_KIND = "job"


class RunningJobs:
    """The jobs that run on one deployment, in the order in which they will finish."""

    def __init__(self) -> None:
        self._running: dict[str, Job] = {}
        self._finishing: list[tuple[float, str]] = []
        self.most = 0
        """The most that ever ran at once."""

    def add(self, job: Job, now: float) -> None:
        """Count a job until it is finished or discarded."""
        self._running[job.id] = job
        self.most = max(self.most, self.count(now))

    def finish_at(self, job: Job, time: float) -> None:
        """Say when a job will finish; it may be said again."""
        heapq.heappush(self._finishing, (time, job.id))

    def discard(self, job: Job) -> None:
        """Count a job no longer."""
        self._running.pop(job.id, None)

    def count(self, now: float) -> int:
        """Return how many run."""
        while self._finishing and self._finishing[0][0] <= now:
            self._running.pop(heapq.heappop(self._finishing)[1], None)
        return len(self._running)

    def next_finish_at(self) -> float | None:
        """Return when the next of them finishes, if that is known."""
        return self._finishing[0][0] if self._finishing else None


class JobStore:
    """Jobs by id, oldest first; every change of state is written to the documents."""

    def __init__(self, documents: Documents, now: float) -> None:
        self._documents = documents
        self._jobs: dict[str, Job] = {}
        self._running: defaultdict[str, RunningJobs] = defaultdict(RunningJobs)
        for document in documents.all(_KIND):
            self._take_in(Job(**document), now)

    def __iter__(self) -> Iterator[Job]:
        return iter(self._jobs.values())

    def newest_first(self) -> Iterator[Job]:
        """Yield every job, deleted ones too."""
        return reversed(self._jobs.values())

    def find(self, job_id: str) -> Job | None:
        """Return a job that is not deleted."""
        job = self._jobs.get(job_id)
        return None if job is None or job.deleted else job

    def running(self, deployment: str) -> RunningJobs:
        """Return who runs on a deployment."""
        return self._running[deployment]

    def most_running(self) -> dict[str, int]:
        """Return per deployment how many jobs ever ran at once."""
        return {deployment: running.most for deployment, running in self._running.items()}

    def add(self, job: Job, now: float) -> None:
        """Take in a new job."""
        self._take_in(job, now)
        self._documents.put(_KIND, job.id, job.to_document())

    def finish(self, job: Job, time: float) -> None:
        """Decide when a job becomes terminal."""
        job.finished_at = time
        self._running[job.deployment].finish_at(job, time)
        self._documents.put(_KIND, job.id, job.to_document())

    def expire(self, job: Job, now: float) -> None:
        """End the time in which a job's content can be had."""
        job.expires_at = now
        self._documents.put(_KIND, job.id, job.to_document())

    def delete(self, job: Job) -> None:
        """Hide a job from the API and stop it if it runs."""
        job.deleted = True
        self._running[job.deployment].discard(job)
        self._documents.put(_KIND, job.id, job.to_document())

    def clear(self) -> None:
        """Forget every job."""
        self._jobs.clear()
        self._running.clear()
        self._documents.clear(_KIND)

    def _take_in(self, job: Job, now: float) -> None:
        self._jobs[job.id] = job
        if job.deleted or job.is_terminal(now):
            return
        self._running[job.deployment].add(job, now)
        if job.finished_at is not None:
            self._running[job.deployment].finish_at(job, job.finished_at)
