"""Five hundred videos over four deployments of the real stack, one of which takes no jobs for a while."""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncGenerator, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx
from pydantic import BaseModel

from benchmarks.capacity_run import CapacityRun, Job, Limits, Outage
from benchmarks.figure import Aim, Figure, Unit
from benchmarks.memory import MEMORY_AIM, Peak, peak_of
from benchmarks.stack import REQUEST_TIMEOUT_S, Stack, running_stack, steer
from benchmarks.videos import REQUEST, Video

LIMITS: Final = {"west": Limits(2, 14), "north": Limits(2, 14), "south": Limits(3, 20), "east": Limits(5, 32)}
"""A slot takes up to six jobs a minute: the pace binds where slots change hands at once."""
RENDER_TIME_S: Final = 14.0
SPREAD: Final = 0.1
LOOK_S: Final = 3.0
LONE_PROMPT: Final = "A lone lighthouse"
TENANTS: Final = ("ann", "bob", "cid")


@dataclass(frozen=True)
class Plan:
    """What is asked for, and when, in seconds from the start.

    Attributes:
        backlog: Videos of one tenant, at once.
        others: Videos of another.
    """

    backlog: int = 400
    others: int = 99
    others_at_s: float = 60.0
    lone_at_s: float = 200.0
    outage_at_s: float = 120.0
    outage_s: float = 60.0
    failing: str = "south"
    render_time_s: float = RENDER_TIME_S

    @property
    def videos(self) -> int:
        """How many there are, the lone one with them."""
        return self.backlog + self.others + 1


class _RenderJob(BaseModel):
    deployment: str
    prompt: str
    created_at: float
    completed_at: float | None


class _Fakes(BaseModel):
    counters: Mapping[str, int]
    max_running: Mapping[str, int]
    jobs: Sequence[_RenderJob]

    @property
    def completed(self) -> int:
        """How many jobs have ended."""
        return sum(job.completed_at is not None for job in self.jobs)


class _Page(BaseModel):
    data: Sequence[Video]
    has_more: bool
    last_id: str | None


async def measure(plan: Plan) -> list[Figure]:
    """Runs the plan, in real time, and tells what came of it."""
    run, peak = await run_on_stack(plan)
    remark = f"for {plan.videos} videos, all of them completed"
    renders = Figure(name="renders", value=len(run.jobs), unit=Unit.COUNT, aim=Aim(plan.videos), remark=remark)
    return [*run.figures(), renders, peak.figure("host memory", MEMORY_AIM)]


async def run_on_stack(plan: Plan) -> tuple[CapacityRun, Peak]:
    """Runs the plan on a stack of its own.

    Raises:
        RuntimeError: A video failed.
    """
    keys = {tenant: secrets.token_urlsafe() for tenant in TENANTS}
    accepted = [{"tenant": tenant, "secret": f"env:KEY_OF_{tenant.upper()}"} for tenant in keys]
    stacked = running_stack(
        render_time_s=plan.render_time_s,
        models=_models,
        REELAY_API_KEYS=json.dumps(accepted),
        KEY_OF_ANN=keys["ann"],
        KEY_OF_BOB=keys["bob"],
        KEY_OF_CID=keys["cid"],
    )
    async with stacked as stack, _callers(stack, keys) as callers:
        await steer(stack, deployments=_deployments(plan))
        with peak_of(stack.host_pid) as peak:
            run = await _run(plan, stack, callers)
        return run, peak


async def _run(plan: Plan, stack: Stack, callers: Mapping[str, httpx.AsyncClient]) -> CapacityRun:
    begun_at = time.time()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_ask(callers["ann"], plan.backlog))
        tasks.create_task(_later(plan.others_at_s, _ask(callers["cid"], plan.others)))
        lone = tasks.create_task(_later(plan.lone_at_s, _ask(callers["bob"], 1, LONE_PROMPT)))
        outage = tasks.create_task(_later(plan.outage_at_s, _break(plan, stack)))
    fakes = await _when_rendered(stack, plan.videos)
    for caller in callers.values():
        await _all_completed(caller)
    alone = next(job for job in fakes.jobs if job.prompt.startswith(LONE_PROMPT))
    return CapacityRun(
        limits=LIMITS,
        jobs=[Job(job.deployment, job.created_at, job.completed_at or job.created_at) for job in fakes.jobs],
        begun_at=begun_at,
        most_running=fakes.max_running,
        creates=len(fakes.jobs) + fakes.counters["rejected_429"],
        refused=fakes.counters["rejected_429"],
        lone_wait_s=alone.created_at - lone.result(),
        outage=outage.result(),
    )


async def _later[T](delay_s: float, work: Coroutine[Any, Any, T]) -> T:
    await asyncio.sleep(delay_s)
    return await work


async def _ask(caller: httpx.AsyncClient, count: int, prompt: str = REQUEST["prompt"]) -> float:
    """Asks for so many videos, and returns when."""
    asked_at = time.time()
    answers = [caller.post("videos", json=REQUEST | {"prompt": f"{prompt}, take {take}"}) for take in range(count)]
    for answer in await asyncio.gather(*answers):
        answer.raise_for_status()
    return asked_at


async def _break(plan: Plan, stack: Stack) -> Outage:
    """Lets a deployment refuse every job for a while."""
    fault = {"operation": "create", "deployment": plan.failing, "effect": "status", "status": 503, "times": 10_000}
    begun_at = time.time()
    (await stack.control.post("/_control/faults", json=[fault])).raise_for_status()
    await asyncio.sleep(plan.outage_s)
    (await stack.control.delete("/_control/faults")).raise_for_status()
    return Outage(plan.failing, begun_at, time.time())


async def _when_rendered(stack: Stack, count: int) -> _Fakes:
    while True:
        answer = (await stack.control.get("/_control/state")).raise_for_status()
        fakes = _Fakes.model_validate_json(answer.content)
        if fakes.completed >= count:
            return fakes
        await asyncio.sleep(LOOK_S)


async def _all_completed(caller: httpx.AsyncClient) -> None:
    """Waits for the end of all of a tenant's videos.

    Raises:
        RuntimeError: One of them failed.
    """
    after: dict[str, str] = {}
    while True:
        answer = await caller.get("videos", params={"limit": "100", "order": "asc"} | after)
        page = _Page.model_validate_json(answer.raise_for_status().content)
        if failed := [video.id for video in page.data if video.status == "failed"]:
            raise RuntimeError(f"failed: {', '.join(failed)}")
        if any(video.status != "completed" for video in page.data):
            await asyncio.sleep(LOOK_S)
        elif page.has_more and page.last_id:
            after = {"after": page.last_id}
        else:
            return


@asynccontextmanager
async def _callers(stack: Stack, keys: Mapping[str, str]) -> AsyncGenerator[Mapping[str, httpx.AsyncClient]]:
    """A client for each tenant."""
    async with AsyncExitStack() as exits:
        callers = dict[str, httpx.AsyncClient]()
        for tenant, key in keys.items():
            client = httpx.AsyncClient(
                base_url=stack.description.base_url,
                headers={"authorization": f"Bearer {key}"},
                timeout=REQUEST_TIMEOUT_S,
                limits=httpx.Limits(max_connections=16),
            )
            callers[tenant] = await exits.enter_async_context(client)
        yield callers


def _models(upstream: str, render_time_s: float) -> Mapping[str, Any]:
    """One model with all the deployments."""
    return {
        REQUEST["model"]: {
            "deployments": [
                {
                    "name": name,
                    "endpoint": f"{upstream}/{name}/openai/v1/",
                    "upstream_model": "sora-2",
                    "auth": {"kind": "managed_identity"},
                    "max_concurrent": limits.cap,
                    "requests_per_minute": limits.per_minute,
                    "expected_render_s": render_time_s,
                    "usd_per_second": {"*": "0.10"},
                }
                for name, limits in LIMITS.items()
            ]
        }
    }


def _deployments(plan: Plan) -> Mapping[str, Any]:
    return {
        name: {
            "max_running": limits.cap,
            "requests_per_minute": limits.per_minute,
            "render_time_s": plan.render_time_s,
            "render_time_spread": SPREAD,
        }
        for name, limits in LIMITS.items()
    }
