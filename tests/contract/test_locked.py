"""Without any key the service starts locked, says how to make the first one, and opens with it."""

import re
import shlex
import subprocess
from collections.abc import Iterator

import httpx
import openai
import pytest

from tests.e2e.running_stack import RunningStack, running_stack, wait_until


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_stack(tmp_path_factory.mktemp("locked") / "state", REELAY_API_KEYS="[]") as stack:
        yield stack


def test_the_first_key_opens_it(locked: RunningStack):
    with openai.OpenAI(base_url=locked.base_url, api_key="sk-any", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError) as refusal:
            client.models.list()
        (command,) = re.findall(r"curl .*?'(?=,)", refusal.value.message)
        wait_until(lambda: "Nobody can call yet" in host_log(locked), "the log says so, too")
        here = command.replace("https://HOST/v1", locked.base_url).replace("$ADMIN_KEY", locked.admin_key)
        done = subprocess.run([*shlex.split(here), "-sf"], capture_output=True, check=True, timeout=30)
        secret = httpx.Response(200, content=done.stdout).json()["secret"]
        client.api_key = secret
        assert client.models.list().data
        client.api_key = "sk-any"
        wait_until(lambda: "not accepted" in told(client), "everybody knows that there is a key", limit_s=10)


def told(client: openai.OpenAI) -> str:
    with pytest.raises(openai.AuthenticationError) as refusal:
        client.models.list()
    return refusal.value.message


def host_log(stack: RunningStack) -> str:
    return (stack.state / "logs" / "host-0.log").read_text()
