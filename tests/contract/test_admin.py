"""Whoever runs the service sees how its deployments do."""

from typing import Any

import httpx

from tests.contract.caller_kit import deployments
from tests.contract.conftest import SLOW_DEPLOYMENT
from tests.e2e.running_stack import RunningStack, wait_until


def test_running_jobs_are_seen_until_they_end(stack: RunningStack, pending: httpx.Response):
    before = wait_until(lambda: deployments(stack)[SLOW_DEPLOYMENT]["running"], "the pending video has its slot")
    httpx.post(
        f"{stack.base_url}/videos/{pending.json()['id']}/cancel", headers={"api-key": stack.api_key}
    ).raise_for_status()

    wait_until(lambda: deployments(stack)[SLOW_DEPLOYMENT]["running"] == before - 1, "its slot is free again")


def test_render_times_are_learnt(stack: RunningStack, completed: dict[str, Any]):
    deployment = completed["reelay"]["deployment"]

    learnt = wait_until(lambda: deployments(stack)[deployment]["render_time"], "what was learnt is read", limit_s=60)

    assert learnt["samples"] > 0
    assert 0 < learnt["median_s"] <= learnt["p90_s"]
