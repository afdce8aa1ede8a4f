"""A budget holds, whichever process dies while many ask at once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import httpx

from tests.chaos.world import World
from tests.e2e.running_stack import wait_until

PAID_FOR = 7
BUDGET_USD = "2.80"


def test_a_host_that_dies_amid_many_creations_overshoots_no_budget(world: World) -> None:
    fields = {"tenant": "spendthrift", "name": "a test", "limits": {"budget_usd": {"total": BUDGET_USD}}}
    key = world.api.post("/admin/keys", json=fields, headers={"api-key": world.stack.admin_key})
    secret = key.raise_for_status().json()["secret"]
    running, asked = world.stack.pids["host"], count(1)

    def create(number: int) -> str:
        """Ask until there is an answer, as a patient client does."""
        body = {"prompt": f"shot {number}", "seconds": "4"}
        headers = {"api-key": secret, "idempotency-key": f"shot-{number}"}

        def answered() -> dict[str, Any] | None:
            if next(asked) == PAID_FOR:
                world.kill("host")
            try:
                answer = httpx.post(f"{world.stack.base_url}/videos", json=body, headers=headers, timeout=30)
            except httpx.HTTPError:
                return None
            return answer.json() if answer.status_code in {200, 429} else None

        answer = wait_until(answered, f"shot {number} is answered", limit_s=60)
        return answer["error"]["code"] if "object" not in answer else "accepted"

    with ThreadPoolExecutor(10) as threads:
        outcomes = Counter(threads.map(create, range(20)))
    assert outcomes == {"accepted": PAID_FOR, "insufficient_quota": 20 - PAID_FOR}
    assert world.stack.pids["host"] != running
    listed = httpx.get(f"{world.stack.base_url}/videos?limit=100", headers={"api-key": secret}).json()["data"]
    assert len(listed) == PAID_FOR

    def used() -> dict[str, Any] | None:
        headers = {"api-key": world.stack.admin_key}
        books = world.api.get("/admin/ledger/verify?tenant=spendthrift", headers=headers).raise_for_status().json()
        return books if books["in_flight"] == 0 else None

    books = wait_until(used, "all videos have ended", limit_s=60)
    assert (books["agrees"], books["entries"], books["spent_usd"], books["reserved_usd"]) == (
        True,
        2 * PAID_FOR,
        BUDGET_USD,
        "0.00",
    )
