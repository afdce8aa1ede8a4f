"""Limits hold across instances: two hosts, each with what it remembers of its own."""

import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.e2e.running_stack import RunningStack, running_stack

PAID_FOR, ASKED, AT_ONCE = 37, 200, 32


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_stack(tmp_path_factory.mktemp("pair") / "state", WORKERS="2") as stack:
        yield stack


def hosts_of(stack: RunningStack) -> list[str]:
    logs = [(stack.state / "logs" / f"host-{number}.log").read_text() for number in range(2)]
    return [re.findall(r"^ready (\S+)", log, re.MULTILINE)[-1] for log in logs]


def test_two_hundred_at_once_get_exactly_the_videos_that_their_budget_pays(pair: RunningStack) -> None:
    operator = {"api-key": pair.admin_key}
    fields = {"tenant": "acme", "name": "a test", "limits": {"budget_usd": {"month": "14.80"}}}
    key = httpx.post(f"{pair.base_url}/admin/keys", json=fields, headers=operator).raise_for_status().json()
    hosts = hosts_of(pair)

    with httpx.Client(headers={"api-key": key["secret"]}, timeout=60) as client:

        def create(number: int) -> str:
            body = {"prompt": f"shot {number}", "seconds": "4"}
            answer = client.post(f"{hosts[number % 2]}/v1/videos", json=body).json()
            return answer["error"]["code"] if "object" not in answer else "accepted"

        with ThreadPoolExecutor(AT_ONCE) as threads:
            outcomes = Counter(threads.map(create, range(ASKED)))
        assert outcomes == {"accepted": PAID_FOR, "insufficient_quota": ASKED - PAID_FOR}
        assert len(client.get(f"{hosts[0]}/v1/videos?limit=100").json()["data"]) == PAID_FOR

    books = httpx.get(f"{hosts[1]}/v1/admin/ledger/verify", headers=operator).raise_for_status().json()
    assert (books["agrees"], books["differences"]) == (True, [])
