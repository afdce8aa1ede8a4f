"""An application without a key comes with its own token, by the unmodified clients of OpenAI and of Entra."""

# The clients mark every videos method as deprecated; our callers call them all the same.
# pyright: reportDeprecated=false

import httpx
import openai
import pytest
from azure.identity import ClientSecretCredential, get_bearer_token_provider

from tests.e2e.running_stack import RunningStack, wait_until

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning", "ignore:Unverified HTTPS request")
APP = "55555555-5555-5555-5555-555555555555"


def test_an_application_on_record_calls_with_its_token(stack: RunningStack):
    settings = {"applications": {APP: "secret of the app"}}
    httpx.post(f"{stack.upstream}/_control/settings", json=settings).raise_for_status()
    authority, _, directory = stack.entra.rpartition("/")
    here = {"authority": authority, "disable_instance_discovery": True, "connection_verify": False}
    with ClientSecretCredential(directory, APP, "secret of the app", **here) as credential:
        token = get_bearer_token_provider(credential, "api://reelay/.default")
        with openai.OpenAI(base_url=stack.base_url, api_key=token, max_retries=0) as client:
            with pytest.raises(openai.AuthenticationError, match="is no tenant here"):
                client.models.list()
            tenant = {"name": APP, "limits": {"budget_usd": {"total": "0.40"}}}
            answer = httpx.post(f"{stack.base_url}/admin/tenants", json=tenant, headers={"api-key": stack.admin_key})
            answer.raise_for_status()
            wait_until(lambda: accepts(client), "the application is known", limit_s=10)
            assert client.videos.create(prompt="a fox", seconds="4").status == "queued"
            with pytest.raises(openai.RateLimitError) as refusal:
                client.videos.create(prompt="a fox", seconds="4")
            assert refusal.value.code == "insufficient_quota"


def accepts(client: openai.OpenAI) -> bool:
    try:
        client.models.list()
    except openai.AuthenticationError:
        return False
    return True
