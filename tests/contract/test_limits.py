"""What the unmodified client does at a limit: it waits when that helps, and gives up at once when it does not."""

# The clients mark every videos method as deprecated; our callers call them all the same.
# pyright: reportDeprecated=false

from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from tests.e2e.running_stack import RunningStack, wait_until

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")


class Asking:
    """A client with a key that has limits, and the statuses of all answers it got."""

    def __init__(self, stack: RunningStack, **limits: Any) -> None:
        key = httpx.post(
            f"{stack.base_url}/admin/keys",
            json={"tenant": "dora", "name": "a test", "limits": limits},
            headers={"api-key": stack.admin_key},
        )
        self.client = openai.OpenAI(base_url=stack.base_url, api_key=key.raise_for_status().json()["secret"])
        self.statuses = list[int]()
        answered = self.client._client.send

        def send(*args: Any, **kwargs: Any) -> Any:
            answer = answered(*args, **kwargs)
            self.statuses.append(answer.status_code)
            return answer

        self.client._client.send = send


@pytest.fixture
def asking(stack: RunningStack) -> Iterator[Any]:
    clients = list[openai.OpenAI]()

    def open_client(**limits: Any) -> Asking:
        asking = Asking(stack, **limits)
        clients.append(asking.client)
        return asking

    yield open_client
    for client in clients:
        client.close()


def test_it_waits_for_a_video_in_flight_as_long_as_it_is_told(asking: Any):
    dora = asking(max_in_flight=1)
    first = dora.client.videos.create(prompt="a fox")
    second = dora.client.videos.create(prompt="a fox")
    assert dora.statuses == [200, 429, 200]
    assert dora.client.videos.retrieve(first.id).status == "completed"
    assert second.id != first.id


def test_it_does_not_ask_again_when_no_money_is_left(asking: Any):
    dora = asking(budget_usd={"day": "0.39"})
    with pytest.raises(openai.RateLimitError) as refusal:
        dora.client.videos.create(prompt="a fox", seconds="4")
    assert (refusal.value.code, refusal.value.type) == ("insufficient_quota", "insufficient_quota")
    assert dora.statuses == [429]


def test_it_reads_what_is_left_and_what_it_cost(asking: Any):
    dora = asking(requests_per_minute=5)
    answer = dora.client.videos.with_raw_response.create(prompt="a fox", seconds="4")
    assert answer.headers["x-ratelimit-remaining-requests"] == "4"
    assert answer.headers["x-reelay-cost-usd"] == "0.40"
    video = answer.parse()

    def used() -> Any:
        return dora.client.videos.retrieve(video.id).model_extra["usage"]

    assert wait_until(used, "it has ended") == {"duration_seconds": 4, "cost_usd": "0.40"}
