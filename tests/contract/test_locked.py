"""Without any key the service starts locked, says how to make the first one, and opens with it, on every instance."""

import re
import shlex
import subprocess
from collections.abc import Callable, Iterator

import httpx
import openai
import pytest

from tests.e2e.running_stack import RunningStack, running_stack, wait_until


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_stack(tmp_path_factory.mktemp("locked") / "state", REELAY_API_KEYS="[]", WORKERS="2") as stack:
        yield stack


def test_the_first_key_opens_it(locked: RunningStack):
    with openai.OpenAI(base_url=locked.base_url, api_key="sk-any", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError) as refusal:
            client.models.list()
        (command,) = re.findall(r"curl .*?'(?=,)", message_of(refusal.value))
        wait_until(
            lambda: any("Nobody can call yet" in host_log(locked, number) for number in range(2)),
            "the log says so, too",
        )
        here = command.replace("https://HOST/v1", locked.base_url).replace("$ADMIN_KEY", locked.admin_key)
        done = subprocess.run([*shlex.split(here), "-sf"], capture_output=True, check=True, timeout=30)
        secret = httpx.Response(200, content=done.stdout).json()["secret"]
        client.api_key = secret
        assert client.models.list().data
        client.api_key = "sk-any"
        wait_until(lambda: "not accepted" in told(client), "everybody knows that there is a key", limit_s=10)


def test_a_revoked_key_is_refused_by_every_instance(locked: RunningStack):
    with httpx.Client(base_url=f"{locked.base_url}/admin", headers={"api-key": locked.admin_key}) as admin:
        key = admin.post("/keys", json={"tenant": "umbrella", "name": "a test"}).raise_for_status().json()
        instances = [models_at(locked, number, key["secret"]) for number in range(2)]
        assert [status() for status in instances] == [200, 200]
        admin.delete(f"/keys/{key['id']}").raise_for_status()
    for status in instances:
        wait_until(lambda status=status: status() == 401, "it is refused here, too", limit_s=10)


def models_at(stack: RunningStack, number: int, secret: str) -> Callable[[], int]:
    """Asks one of the instances with a key, and tells the status."""
    (host,) = re.findall(r"^ready (\S+)", host_log(stack, number), re.MULTILINE)
    return lambda: httpx.get(f"{host}/v1/models", headers={"api-key": secret}).status_code


def told(client: openai.OpenAI) -> str:
    with pytest.raises(openai.AuthenticationError) as refusal:
        client.models.list()
    return message_of(refusal.value)


def message_of(error: openai.APIStatusError) -> str:
    """What the service says; in the error's own text some versions of the client quote it as Python would."""
    return error.response.json()["error"]["message"]


def host_log(stack: RunningStack, number: int = 0) -> str:
    return (stack.state / "logs" / f"host-{number}.log").read_text()
