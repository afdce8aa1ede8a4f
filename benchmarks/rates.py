"""Requests a second through the whole stack: what the benchmarks of single operations share."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import httpx

from benchmarks.figure import Aim, Figure, Unit
from benchmarks.load import LoadPlan, put_load, wire_form
from benchmarks.stack import Stack

CONNECTIONS = (1, 16)
NO_AIMS: Mapping[int, Aim] = {}


async def rates(
    stack: Stack, name: str, requests: Sequence[httpx.Request], aims: Mapping[int, Aim] = NO_AIMS
) -> list[Figure]:
    """Sends requests over 1 and then over 16 connections.

    Args:
        stack: Gets them.
        name: What they ask for.
        requests: Sent in turn.
        aims: Number of connections -> the requests a second to reach.
    """
    return [await rate(stack, name, requests, count, aims.get(count)) for count in CONNECTIONS]


async def rate(stack: Stack, name: str, requests: Sequence[httpx.Request], connections: int, aim: Aim | None) -> Figure:
    """Sends requests over so many connections."""
    port = urlsplit(stack.description.host).port or 0
    wire = [wire_form(request) for request in requests]
    report = await put_load(LoadPlan(port=port, requests=wire, connections=connections))
    return Figure(
        name=f"{name}, {connections} connection{'s' if connections > 1 else ''}",
        value=report.per_second,
        unit=Unit.PER_SECOND,
        p50_s=report.p50_s,
        p95_s=report.p95_s,
        aim=aim,
        remark=f"{report.count} in {report.seconds:.1f} s; client took {report.cpu_share:.0%} of a core",
    )
