"""Hands ready work to the workers that asked for some, under leases that end with their stream."""

import asyncio
import uuid
from collections import Counter, deque
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Protocol

from durabletask.internal import orchestrator_service_pb2 as pb


class WorkKind(Enum):
    """The three kinds of work, each with a quota of its own."""

    ORCHESTRATION = auto()
    ACTIVITY = auto()
    ENTITY = auto()


# How long a worker may keep a piece of work while its stream lives. A turn or an entity batch takes milliseconds,
# so one that is out for longer was lost by its worker. An activity may run for hours: only its stream's end frees it.
LOCK_S = {WorkKind.ORCHESTRATION: 300.0, WorkKind.ENTITY: 300.0}

# A worker that lacks a version would be offered the same work again and again.
ABANDONED_FOR_S = 0.5

# Microsoft's worker takes a stream for dead that was silent for two minutes.
HEALTH_PING_S = 30.0


@dataclass(frozen=True)
class Lane:
    """Work that the same workers can do: one function in one version."""

    kind: WorkKind
    name: str
    version: str = ""


class Work(Protocol):
    """Something for a worker to do, of which at most one copy is queued or leased at any time."""

    @property
    def lane(self) -> Lane:
        """Who can do it."""
        ...

    @property
    def key(self) -> Hashable:
        """What makes two pieces of work the same one."""
        ...

    def begin(self, token: str) -> pb.WorkItem | None:
        """Make the message for the worker, or None if there is nothing to do any more."""
        ...

    def give_back(self) -> None:
        """Undo `begin`: the worker will not complete it."""
        ...


@dataclass(eq=False)
class Worker:
    """One stream of work items.

    Args:
        accepts: Whether this worker can do the work of a lane.
        quota: How many pieces of each kind it takes at a time; 0 or nothing said means any number.
    """

    accepts: Callable[[Lane], bool]
    quota: Mapping[WorkKind, int]
    outbox: asyncio.Queue[pb.WorkItem] = field(default_factory=asyncio.Queue[pb.WorkItem])
    load: Counter[WorkKind] = field(default_factory=Counter[WorkKind])

    async def next_item(self) -> pb.WorkItem:
        """The next piece of work, or a sign of life when there was none for a while."""
        try:
            return await asyncio.wait_for(self.outbox.get(), HEALTH_PING_S)
        except TimeoutError:
            return pb.WorkItem(healthPing=pb.HealthPing())

    def has_room_for(self, lane: Lane) -> bool:
        """Whether it may be given another piece of this work."""
        quota = self.quota.get(lane.kind, 0)
        return (quota == 0 or self.load[lane.kind] < quota) and self.accepts(lane)


@dataclass
class _Lease:
    work: Work
    worker: Worker
    lock: asyncio.TimerHandle | None = None


class Dispatcher:
    """The queues of ready work, the workers, and the leases between them.

    Work is handed out only by `pump`, so that its owner decides when: after the state that made it ready is safe.

    Args:
        wake: Called when there may be something to pump though nothing was changed from outside.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._lanes: dict[Lane, deque[Work]] = {}
        self._known: set[Hashable] = set()
        self._leases: dict[str, _Lease] = {}
        self._workers: list[Worker] = []

    def ready(self, work: Work) -> None:
        """Queue a piece of work, unless it is queued or leased already."""
        if work.key not in self._known:
            self._known.add(work.key)
            self._lanes.setdefault(work.lane, deque()).append(work)

    def connect(self, worker: Worker) -> None:
        """Let a worker have work."""
        self._workers.append(worker)
        self._wake()

    def disconnect(self, worker: Worker) -> None:
        """Take back at once all that a worker holds; its stream has ended."""
        self._workers.remove(worker)
        for token in [token for token, lease in self._leases.items() if lease.worker is worker]:
            self.take_back(token)

    def redeem(self, token: str) -> Work | None:
        """End the lease of a completed piece of work; None if the token is stale."""
        lease = self._leases.pop(token, None)
        if lease is None:
            return None
        if lease.lock is not None:
            lease.lock.cancel()
        lease.worker.load[lease.work.lane.kind] -= 1
        self._known.discard(lease.work.key)
        self._wake()
        return lease.work

    def take_back(self, token: str) -> None:
        """Return leased work to its queue under the next token, if the lease still holds."""
        work = self.redeem(token)
        if work is not None:
            work.give_back()
            self.ready(work)

    def abandon(self, token: str) -> None:
        """Return leased work that its worker refuses, after a while in which the worker may change its mind."""
        work = self.redeem(token)
        if work is not None:
            work.give_back()
            asyncio.get_running_loop().call_later(ABANDONED_FOR_S, self._offer_again, work)

    def _offer_again(self, work: Work) -> None:
        self.ready(work)
        self._wake()

    def pump(self) -> None:
        """Hand out work, one piece of every lane in turn, as long as a worker has room for it."""
        served = True
        while served:
            served = False
            for lane in list(self._lanes):
                served |= self._serve(lane)

    def _serve(self, lane: Lane) -> bool:
        """Hand out the oldest piece of work of one lane; False if there is none or no room for it."""
        candidates = [worker for worker in self._workers if worker.has_room_for(lane)]
        if not candidates:
            return False
        queue = self._lanes[lane]
        work = queue.popleft()
        if not queue:
            del self._lanes[lane]
        self._lease(work, min(candidates, key=lambda worker: worker.load[lane.kind]))
        return True

    def _lease(self, work: Work, worker: Worker) -> None:
        # Unguessable across restarts: a worker that outlived this process must not redeem a token of the next one.
        token = uuid.uuid4().hex
        item = work.begin(token)
        if item is None:
            self._known.discard(work.key)
            return
        kind = work.lane.kind
        worker.load[kind] += 1
        lock = asyncio.get_running_loop().call_later(LOCK_S[kind], self.take_back, token) if kind in LOCK_S else None
        self._leases[token] = _Lease(work, worker, lock)
        worker.outbox.put_nowait(item)
