"""Load from a process of its own, so that measuring takes as little as possible of what is measured."""

import sys
from asyncio.subprocess import PIPE, create_subprocess_exec
from collections.abc import Sequence
from http import HTTPStatus

import httpx
from pydantic import BaseModel

WARM_UP_REQUESTS = 32


class LoadPlan(BaseModel):
    """Which requests to send, over how many connections, and when to stop: at the first of both limits.

    Attributes:
        port: Of 127.0.0.1.
        requests: As they go over the wire; sent in turn.
        connections: Each sends its next request when the last one is answered.
        max_requests: How many count at most, after the warm-up.
        max_seconds: For how long they count at most.
    """

    port: int
    requests: Sequence[str]
    connections: int
    max_requests: int = 5000
    max_seconds: float = 8.0
    warm_up_requests: int = WARM_UP_REQUESTS


class LoadReport(BaseModel):
    """What came of it.

    Attributes:
        statuses: HTTP status -> how many answers had it.
        seconds: From the first counted request to the last answer.
        p50_s: Median time from a request to the whole of its answer.
        p95_s: The 95th percentile.
        cpu_share: How much of one core the client itself took; near 1 it would be measuring itself.
    """

    statuses: dict[int, int]
    seconds: float
    p50_s: float
    p95_s: float
    cpu_share: float

    @property
    def count(self) -> int:
        """How many answers there were."""
        return sum(self.statuses.values())

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return self.count / self.seconds


async def put_load(plan: LoadPlan) -> LoadReport:
    """Runs the load client.

    Raises:
        RuntimeError: It broke, or an answer was not 200.
    """
    command = (sys.executable, "-m", "benchmarks.load_client")
    client = await create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    try:
        output, _ = await client.communicate(plan.model_dump_json().encode())
    finally:
        if client.returncode is None:
            client.kill()
            await client.wait()
    if client.returncode:
        raise RuntimeError(f"the load client ended with exit code {client.returncode}")
    report = LoadReport.model_validate_json(output)
    if report.statuses.keys() != {HTTPStatus.OK}:
        raise RuntimeError(f"not every request was answered with 200: {report.statuses}")
    return report


def wire_form(request: httpx.Request) -> str:
    """An HTTP/1.1 request as it goes over the wire."""
    target = request.url.raw_path.decode()
    headers = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    return f"{request.method} {target} HTTP/1.1\r\n{headers}\r\n{request.read().decode()}"
