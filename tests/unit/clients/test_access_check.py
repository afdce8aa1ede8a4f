"""Why a deployment does not let us in is told from its answer to a harmless call."""

from typing import Any

import httpx
import pytest

from clients.credentials import Credentials
from clients.videos_api import VideosApi
from domain.access import AccessFault, AccessProblem
from domain.errors import NoCredential
from tests.unit.examples import a_deployment
from tests.unit.fakes import a_secret_store, keyvault_secret

KEY = {"kind": "api_key", "secret": keyvault_secret("east")}
IDENTITY = {"kind": "managed_identity"}
TOKEN = {"kind": "entra_token", "secret": keyvault_secret("east")}
OPEN = {"kind": "none"}
NO_KEY = "Access denied due to invalid subscription key or wrong API endpoint."
NO_TOKEN = "Unauthorized. Access token is missing, invalid, audience is incorrect, or have expired."
NO_ROLE = "The principal `p` lacks the required data action `Microsoft.CognitiveServices/accounts/OpenAI/read`."
FIREWALL = "Access denied due to Virtual Network/Firewall rules."


class Token:
    """An identity that always has a token."""

    token = "a token"

    async def get_token(self, *_: str) -> "Token":
        return self

    async def close(self) -> None:
        pass


async def identity(*_: object) -> Any:
    return Token()


async def check(answer: httpx.Response | Exception, auth: dict[str, Any]) -> AccessProblem | None:
    async def serve(request: httpx.Request) -> httpx.Response:
        assert (request.method, request.url.path) == ("GET", "/openai/v1/videos")
        if isinstance(answer, Exception):
            raise answer
        return answer

    http = httpx.AsyncClient(transport=httpx.MockTransport(serve))
    api = VideosApi(http, Credentials(a_secret_store(east="east-key"), identity))
    return await api.check(a_deployment(auth=auth))


def refusal(status: int, message: str, code: str = "") -> httpx.Response:
    return httpx.Response(status, json={"error": {"code": code or str(status), "message": message}})


REFUSALS = {
    "bad key": (refusal(401, NO_KEY), KEY, AccessFault.BAD_KEY),
    "no key where one is wanted": (refusal(401, NO_KEY), OPEN, AccessFault.BAD_KEY),
    "lent token that has expired": (refusal(401, "Token expired."), TOKEN, AccessFault.BAD_KEY),
    "keys switched off": (
        refusal(403, "Key based authentication is disabled for this resource.", "AuthenticationTypeDisabled"),
        KEY,
        AccessFault.BAD_KEY,
    ),
    "another audience": (refusal(401, NO_TOKEN), IDENTITY, AccessFault.WRONG_SCOPE),
    "another tenant": (
        refusal(400, "Tenant provided in token does not match resource token."),
        IDENTITY,
        AccessFault.WRONG_SCOPE,
    ),
    "no role, told as 401": (refusal(401, NO_ROLE, "PermissionDenied"), IDENTITY, AccessFault.MISSING_ROLE),
    "no role, told as 403": (refusal(403, "Forbidden"), IDENTITY, AccessFault.MISSING_ROLE),
    "firewall, with a key": (refusal(403, FIREWALL), KEY, AccessFault.NETWORK_RULE),
    "firewall, with an identity": (refusal(403, FIREWALL), IDENTITY, AccessFault.NETWORK_RULE),
    "private only": (refusal(403, "Public access is disabled."), IDENTITY, AccessFault.NETWORK_RULE),
    "another path": (refusal(404, "Resource not found"), KEY, AccessFault.WRONG_ENDPOINT),
    "a redirect": (httpx.Response(302, headers={"location": "/login"}), KEY, AccessFault.WRONG_ENDPOINT),
    "a web site": (httpx.Response(200, text="<html>Welcome</html>"), KEY, AccessFault.WRONG_ENDPOINT),
    "no such host": (httpx.ConnectError("no such host"), KEY, AccessFault.WRONG_ENDPOINT),
    "packets that vanish": (httpx.ConnectTimeout("slow"), KEY, AccessFault.NETWORK_RULE),
    "silence": (httpx.ReadTimeout("slow"), KEY, AccessFault.UNAVAILABLE),
    "broken": (httpx.Response(503), KEY, AccessFault.UNAVAILABLE),
}


@pytest.mark.parametrize(("answer", "auth", "fault"), REFUSALS.values(), ids=REFUSALS)
async def test_a_refusal_is_named_and_says_what_to_do(
    answer: httpx.Response | Exception, auth: dict[str, Any], fault: AccessFault
):
    problem = await check(answer, auth)
    assert problem
    assert problem.fault is fault
    assert problem.reason.startswith(fault.remedy)
    assert "east.openai.azure.com" in problem.reason


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, json={"object": "list", "data": []}),
        httpx.Response(429, json={}),
        httpx.Response(405, json={}),
    ],
    ids=lambda answer: answer.status_code,
)
@pytest.mark.parametrize("auth", [KEY, IDENTITY, OPEN], ids=lambda auth: auth["kind"])
async def test_whoever_is_not_refused_is_let_in(answer: httpx.Response, auth: dict[str, Any]):
    assert await check(answer, auth) is None


@pytest.mark.parametrize("auth", [KEY, TOKEN], ids=lambda auth: auth["kind"])
async def test_a_server_that_repeats_the_key_is_not_repeated(auth: dict[str, Any]):
    problem = await check(refusal(401, "Incorrect API key provided: east-key."), auth)
    assert problem
    assert "Incorrect API key provided: ***." in problem.reason
    assert "east-key" not in problem.reason


async def test_without_a_key_nobody_is_asked():
    with pytest.raises(NoCredential, match="/secrets/west is empty or not set"):
        await check(httpx.Response(200), {"kind": "api_key", "secret": keyvault_secret("west")})
