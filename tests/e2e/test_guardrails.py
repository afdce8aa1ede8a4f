"""The chain that the documentation shows, in a stack of its own."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import BadRequestError, InternalServerError, OpenAI

from tests.e2e.running_stack import ROOT, RunningStack, running_stack, wait_until

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning")
GUIDE = (ROOT / "docs/guardrails.md").read_text()
RULES, _ = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
(MODULE,) = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
(ANSWERS,) = re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)
PROMPTS = re.findall(r'-F prompt="(.*?)"', GUIDE)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    home = tmp_path_factory.mktemp("guardrails")
    (home / "guardrails.yaml").write_text(RULES)
    (home / "my_rules.py").write_text(MODULE)
    settings = {"REELAY_GUARDRAILS_FILE": str(home / "guardrails.yaml"), "PYTHONPATH": str(home)}
    with running_stack(home / "state", **settings) as stack:
        yield stack


@pytest.fixture(scope="module")
def client(guarded: RunningStack) -> Iterator[OpenAI]:
    with OpenAI(base_url=guarded.base_url, api_key=guarded.api_key, max_retries=0) as client:
        yield client


def control(stack: RunningStack, what: str, body: Any) -> None:
    httpx.post(f"{stack.upstream}/_control/{what}", json=body).raise_for_status()


def counters(stack: RunningStack) -> dict[str, int]:
    return httpx.get(f"{stack.upstream}/_control/state").json()["counters"]


def ended(client: OpenAI, video_id: str) -> Any:
    def look() -> Any:
        video = client.videos.retrieve(video_id)
        return video if video.status in {"completed", "failed"} else None

    return wait_until(look, f"{video_id} has ended", limit_s=60)


@pytest.mark.parametrize(("prompt", "answer"), [*zip(PROMPTS, ANSWERS.splitlines(), strict=True)])
def test_the_examples_are_answered_as_they_say(client: OpenAI, prompt: str, answer: str) -> None:
    with pytest.raises(BadRequestError) as refused:
        client.videos.create(prompt=prompt)
    assert refused.value.response.json() == json.loads(answer)
    assert refused.value.code == "content_policy_violation"


@pytest.mark.parametrize(
    ("prompt", "category"),
    [
        ("My number is 078-05-1120.", "personal_data"),
        ("A fox. " * 300, "length"),
        ("Un renard court dans la neige de la forêt.", "language"),
        ("A crowd with sexual_2 dancers.", "sexual"),
    ],
)
def test_each_check_refuses_before_anything_is_asked_for(
    guarded: RunningStack, client: OpenAI, prompt: str, category: str
) -> None:
    before = counters(guarded)["create"]
    with pytest.raises(BadRequestError, match=f"category '{category}'"):
        client.videos.create(prompt=prompt)
    assert counters(guarded)["create"] == before


def test_what_is_allowed_is_made(guarded: RunningStack, client: OpenAI) -> None:
    video = ended(client, client.videos.create(prompt="A fox runs through the snow of a forest.").id)
    assert video.status == "completed"
    assert counters(guarded)["analyze_image"] >= 2


def test_a_video_is_refused_before_anybody_sees_it(guarded: RunningStack, client: OpenAI) -> None:
    deleted = counters(guarded)["delete"]
    control(guarded, "settings", {"image_severities": {"violence": 6}})
    try:
        video = ended(client, client.videos.create(prompt="A knight rides through the forest at night.").id)
    finally:
        control(guarded, "settings", {"image_severities": None})
    assert (video.status, video.error.code) == ("failed", "content_policy_violation")
    assert video.error.message == "The video is against the content policy: category 'violence', severity 6."
    wait_until(lambda: client.videos.retrieve(video.id).model_extra["reelay"]["blob_url"] is None, "its blobs are gone")
    wait_until(lambda: counters(guarded)["delete"] > deleted, "its job is gone")


def test_nothing_is_accepted_while_nobody_can_look(guarded: RunningStack, client: OpenAI) -> None:
    control(guarded, "faults", [{"operation": "analyze_text", "effect": "status", "status": 503, "times": 3}])
    with pytest.raises(InternalServerError) as refused:
        client.videos.create(prompt="A fox runs through the snow of a forest.")
    assert refused.value.code == "guardrail_unavailable"
    assert refused.value.response.headers["retry-after"] == "10"


def test_the_prompt_of_a_refusal_is_in_no_log(guarded: RunningStack, client: OpenAI) -> None:
    with pytest.raises(BadRequestError):
        client.videos.create(prompt="A can of Acme Cola beside the zanzibarian teapot.")
    logs = "".join(path.read_text(errors="replace") for path in Path(guarded.state, "logs").iterdir())
    assert "trademarks" in logs
    assert "zanzibarian" not in logs
