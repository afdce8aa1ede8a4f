"""The same creations and status reads, with a key of the configuration and with one that has every limit.

The first looks up no key and checks no limit; both set aside what a video may cost.
"""

import httpx
from pydantic import BaseModel

from benchmarks.create import RENDER_TIME_S
from benchmarks.figure import Figure
from benchmarks.rates import rates
from benchmarks.stack import Stack, running_stack
from benchmarks.status import VIDEOS
from benchmarks.videos import REQUEST, create_many

PLENTY = {
    "requests_per_minute": 1_000_000,
    "max_in_flight": 1_000_000,
    "budget_usd": {"day": "99999", "total": "99999"},
}


class Key(BaseModel):
    """What the benchmark reads of a key."""

    secret: str


async def measure() -> list[Figure]:
    """Measures each on a stack of its own."""
    figures = list[Figure]()
    for name, limited in (("without limits", False), ("with all limits", True)):
        async with running_stack(render_time_s=RENDER_TIME_S) as stack:
            if limited:
                await _limit(stack)
            requests = [stack.api.build_request("POST", "videos", json=REQUEST)]
            figures += await rates(stack, f"create {name}", requests)
        async with running_stack(render_time_s=10 * RENDER_TIME_S) as stack:
            if limited:
                await _limit(stack)
            requests = [stack.api.build_request("GET", f"videos/{each}") for each in await create_many(stack, VIDEOS)]
            figures += await rates(stack, f"status {name}", requests)
    return figures


async def _limit(stack: Stack) -> None:
    """Call with a key that has every limit from now on, for a tenant that has them, too."""
    operator = {"authorization": f"Bearer {stack.description.admin_key}"}
    fields = {"tenant": "limited", "name": "a benchmark", "limits": PLENTY}
    answer = await stack.api.post("admin/keys", json=fields, headers=operator)
    tenant = await stack.api.patch("admin/tenants/limited", json={"limits": PLENTY}, headers=operator)
    key = Key.model_validate_json(answer.raise_for_status().content)
    tenant.raise_for_status()
    stack.api.headers = httpx.Headers({"authorization": f"Bearer {key.secret}"})
