"""`python -m benchmarks.load_client`: sends what a `LoadPlan` on stdin asks for and prints a `LoadReport`.

Bytes go from a uvloop transport straight into httptools, so the client takes a small share of the machine.
"""

import asyncio
import itertools
import statistics
import sys
import time
from asyncio import BaseTransport, Future, Transport, get_running_loop
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

import httptools
import uvloop

from benchmarks.load import LoadPlan, LoadReport


@dataclass
class Round:
    """One run over all connections: what is left to send, and what came back."""

    requests: Iterator[bytes]
    remaining: int
    deadline: float
    latencies_s: list[float] = field(default_factory=list[float])
    statuses: Counter[int] = field(default_factory=Counter[int])

    def next_request(self) -> bytes | None:
        """Returns what to send now; None when the round is over."""
        if self.remaining == 0 or time.perf_counter() >= self.deadline:
            return None
        self.remaining -= 1
        return next(self.requests)


class Connection(asyncio.Protocol):
    """Sends one request after the other, each when the last one is answered; `done` says when it closed."""

    def __init__(self, current: Round) -> None:
        self.done: Future[None] = get_running_loop().create_future()
        self._round = current
        self._parser = httptools.HttpResponseParser(self)
        self._sent_at = 0.0
        self._is_closing = False

    def connection_made(self, transport: BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast("Transport", transport)
        self._send_next()

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Called by the parser when an answer is whole."""
        self._round.latencies_s.append(time.perf_counter() - self._sent_at)
        self._round.statuses[self._parser.get_status_code()] += 1
        self._send_next()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        if self._is_closing:
            self.done.set_result(None)
        else:
            self.done.set_exception(exc or ConnectionError("the server closed the connection"))

    def _send_next(self) -> None:
        request = self._round.next_request()
        if request is None:
            self._is_closing = True
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)


async def run(plan: LoadPlan) -> LoadReport:
    """Warms up, then measures."""
    requests = itertools.cycle([request.encode() for request in plan.requests])
    warm_up = Round(requests, plan.warm_up_requests, time.perf_counter() + plan.max_seconds)
    await _drive(warm_up, plan)
    started, cpu_before_s = time.perf_counter(), time.process_time()
    measured = Round(requests, plan.max_requests, started + plan.max_seconds)
    await _drive(measured, plan)
    seconds = time.perf_counter() - started
    percentiles = statistics.quantiles(measured.latencies_s, n=100, method="inclusive")
    return LoadReport(
        statuses=measured.statuses,
        seconds=seconds,
        p50_s=percentiles[49],
        p95_s=percentiles[94],
        cpu_share=(time.process_time() - cpu_before_s) / seconds,
    )


async def _drive(current: Round, plan: LoadPlan) -> None:
    loop = get_running_loop()
    connections = [
        (await loop.create_connection(lambda: Connection(current), "127.0.0.1", plan.port))[1]
        for _ in range(plan.connections)
    ]
    await asyncio.gather(*(connection.done for connection in connections))


if __name__ == "__main__":
    print(uvloop.run(run(LoadPlan.model_validate_json(sys.stdin.read()))).model_dump_json())
