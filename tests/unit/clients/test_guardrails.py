"""The chain of guardrails, and the checks that the operator's own code makes."""

import asyncio
import json
import logging
import threading
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from functools import partial
from ipaddress import IPv4Address
from types import ModuleType
from typing import Any

import httpx
import pytest
from azure.core.exceptions import HttpResponseError
from pydantic import TypeAdapter

from clients.guarded_transport import GuardedTransport
from clients.guardrails.chain import Guard, Guardrails
from clients.guardrails.opening import Helpers, open_guardrails
from domain.caller import Caller
from domain.errors import CheckImpossible, ConfigurationError, ContentPolicyViolation, GuardrailUnavailable
from domain.finding import Finding
from domain.guardrails import Check, Stage
from domain.reference_image import ReferenceImage
from domain.video import Variant
from domain.video_request import VideoRequest
from tests.unit.examples import MP4, TENANT, a_video, an_image
from tests.unit.fakes import FakeBlobStore, FakeClock, a_secret_store
from tests.unit.guards import Watchman, guarded_by

CALLER = Caller(tenant=TENANT, key_id="key_1")
PROMPT = "A fox runs through the s3cret garden."
ASKED = VideoRequest("sora-2", PROMPT, 4, "1280x720", "u-1", {"scene": "7"}, may_fall_back=True)
HATE = Finding("hate", 4)
IMPOSSIBLE = CheckImpossible("it is down")


async def check(chain: Guardrails, asked: VideoRequest = ASKED, file: ReferenceImage | None = None) -> None:
    await chain.check_request(CALLER, asked, file)


def a_chain(
    *checks: Mapping[str, Any],
    server: Callable[[httpx.Request], httpx.Response] | httpx.AsyncBaseTransport = lambda _: httpx.Response(500),
    contents: FakeBlobStore | None = None,
) -> Guardrails:
    """What the operator has written down, with a server of the operator's."""
    opened = open_guardrails(
        TypeAdapter[tuple[Check, ...]](tuple[Check, ...]).validate_python(checks),
        Helpers(
            content_safety=lambda: pytest.fail("nobody asked for it"),
            http=httpx.AsyncClient(transport=httpx.MockTransport(server) if callable(server) else server),
            secrets=a_secret_store(),
            contents=(contents or FakeBlobStore()).as_store(),
            clock=FakeClock(),
        ),
    )
    assert opened
    return opened


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module of the operator's."""
    module = ModuleType("rules")
    monkeypatch.setitem(__import__("sys").modules, "rules", module)
    return module


async def test_checks_are_made_in_their_order_until_one_finds_something() -> None:
    first, second, third = Watchman(), Watchman(HATE), Watchman()
    with pytest.raises(ContentPolicyViolation) as refused:
        await check(guarded_by(first, second, third))
    assert refused.value.message == "The prompt is against the content policy: category 'hate', severity 4."
    assert (len(first.seen), len(second.seen), len(third.seen)) == (1, 1, 0)


async def test_what_nobody_objects_to_passes() -> None:
    await check(guarded_by(Watchman(), Watchman()))


async def test_checks_are_made_only_when_they_are_asked_for() -> None:
    of_videos = Watchman(HATE)
    chain = guarded_by(Guard("of videos", of_videos, frozenset({Stage.VIDEO})))
    await check(chain)
    assert (of_videos.seen, chain.looks_at(Stage.REQUEST), chain.looks_at(Stage.VIDEO)) == ([], False, True)


async def test_nothing_passes_unchecked_unless_the_operator_wants_it() -> None:
    with pytest.raises(GuardrailUnavailable) as refused:
        await check(guarded_by(Watchman(IMPOSSIBLE)))
    assert (refused.value.status, refused.value.headers()["retry-after"]) == (503, "10")
    last = Watchman()
    await check(guarded_by(Guard("open", Watchman(IMPOSSIBLE), on_error="fail_open"), last))
    assert last.seen


@pytest.mark.parametrize(
    "unforeseen", [RecursionError("s3cret"), SyntaxError("broken PNG"), HttpResponseError("no key to sign with")]
)
async def test_what_nobody_foresaw_is_an_error_of_the_check_like_any_other(
    unforeseen: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(GuardrailUnavailable):
        await check(guarded_by(Watchman(unforeseen)))
    await check(guarded_by(Guard("open", Watchman(unforeseen), on_error="fail_open")))
    assert type(unforeseen).__name__ in caplog.text
    assert "s3cret" not in caplog.text


async def test_a_check_that_takes_too_long_could_not_be_made() -> None:
    async def sleepy(_: object) -> None:
        await asyncio.Event().wait()

    with pytest.raises(GuardrailUnavailable):
        await check(guarded_by(Guard("sleepy", sleepy, timeout_s=0.001)))


@pytest.mark.parametrize("finds", [HATE, IMPOSSIBLE])
async def test_the_log_tells_of_it_without_the_prompt(
    finds: Finding | CheckImpossible, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with pytest.raises((ContentPolicyViolation, GuardrailUnavailable)):
        await check(guarded_by(Watchman(finds)))
    assert TENANT in caplog.text
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize(
    "rule",
    [
        {"blocklist": ["garden"], "category": "c"},
        {"regex": [r"s\dcret"], "category": "c"},
        {"max_characters": 5, "category": "c"},
        {"languages": {"forbidden": ["en"]}, "category": "c"},
        {"languages": {"allowed": ["fr", "de"]}, "category": "c"},
    ],
)
async def test_rules_look_at_the_prompt(rule: Mapping[str, Any]) -> None:
    with pytest.raises(ContentPolicyViolation, match="category 'c'"):
        await check(a_chain(rule))
    await check(a_chain(rule), ASKED._replace(prompt="四"))


async def test_of_a_character_it_is_the_name_that_is_refused() -> None:
    with pytest.raises(ContentPolicyViolation, match="The name is against the content policy") as refused:
        await check(a_chain({"blocklist": ["garden"]}), ASKED._replace(operation="character"))
    assert refused.value.param == "name"


@pytest.mark.parametrize(
    ("prompt", "language"),
    [
        ("Ein Fuchs rennt durch den Schnee.", "de"),
        ("Un renard court dans la neige", "fr"),
        ("一只狐狸在雪地里奔跑", "zh"),
        ("狐が雪の中を走る", "ja"),
        ("Лиса бежит по снегу", "ru"),
        ("TIMELAPSE OF CLOUDS\nOVER MOUNTAINS", "en"),
    ],
)
async def test_languages_are_known_offline(prompt: str, language: str) -> None:
    await check(a_chain({"languages": {"allowed": [language]}}), ASKED._replace(prompt=prompt))
    with pytest.raises(ContentPolicyViolation):
        await check(a_chain({"languages": {"forbidden": [language]}}), ASKED._replace(prompt=prompt))


@pytest.mark.parametrize("sign", ["\ufe0f", "\u200b", "\0"])
async def test_signs_that_nobody_sees_do_not_hide_a_language(sign: str) -> None:
    prompt = sign.join("Ein Fuchs rennt durch den Schnee.")
    with pytest.raises(ContentPolicyViolation):
        await check(a_chain({"languages": {"forbidden": ["de"]}}), ASKED._replace(prompt=prompt))


async def test_a_function_sees_all_that_is_asked_for(rules: ModuleType) -> None:
    seen = list[Any]()
    rules.look = seen.append  # pyright: ignore[reportAttributeAccessIssue]
    image = an_image()
    await check(a_chain({"python": "rules:look"}), file=ReferenceImage(image, "image/png"))
    assert json.loads(json.dumps(seen)) == [
        {
            "stage": "request",
            "tenant": TENANT,
            "key_id": "key_1",
            "operation": "create",
            "model": "sora-2",
            "prompt": PROMPT,
            "seconds": 4,
            "size": "1280x720",
            "user": "u-1",
            "metadata": {"scene": "7"},
            "source": None,
            "input_reference": f"data:image/png;base64,{b64encode(image).decode()}",
        }
    ]


async def test_a_function_may_be_async_and_may_refuse(rules: ModuleType) -> None:
    async def look(document: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"allowed": "fox" not in document["prompt"], "category": "foxes"}

    rules.look = look  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(ContentPolicyViolation, match="The request is against the content policy: category 'foxes'"):
        await check(a_chain({"python": "rules:look"}))
    await check(a_chain({"python": "rules:look"}), ASKED._replace(prompt="a boat"))


class Rule:
    """A function that is an object."""

    async def __call__(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"allowed": "fox" not in document["prompt"]}


def _wrapped(document: Mapping[str, Any]) -> Awaitable[Mapping[str, Any]]:
    return Rule()(document)


@pytest.mark.parametrize("look", [Rule(), partial(_wrapped), _wrapped])
async def test_whatever_a_function_answers_is_awaited_if_it_can_be(rules: ModuleType, look: object) -> None:
    rules.look = look  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(ContentPolicyViolation):
        await check(a_chain({"python": "rules:look"}))
    await check(a_chain({"python": "rules:look"}), ASKED._replace(prompt="a boat"))


async def test_a_function_that_hangs_leaves_the_threads_of_others_alone(rules: ModuleType) -> None:
    released = threading.Event()
    rules.look = lambda _: released.wait() and None  # pyright: ignore[reportAttributeAccessIssue]
    chain = a_chain({"python": "rules:look", "timeout_s": 0.01})
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    try:
        refusals = await asyncio.gather(*(check(chain) for _ in range(20)), return_exceptions=True)
        assert {type(each) for each in refusals} == {GuardrailUnavailable}
        async with asyncio.timeout(5):
            assert await asyncio.to_thread(lambda: "done") == "done"
    finally:
        released.set()


async def test_a_function_keeps_the_context_of_whoever_calls_it(rules: ModuleType) -> None:
    who = ContextVar[str]("who")
    rules.look = lambda _: {"allowed": False, "category": who.get()}  # pyright: ignore[reportAttributeAccessIssue]
    who.set("caller")
    with pytest.raises(ContentPolicyViolation, match="caller"):
        await check(a_chain({"python": "rules:look"}))


@pytest.mark.parametrize("answer", [{}, "no", 0, {"allowed": 1}])
async def test_a_function_that_gives_no_verdict_gives_no_consent(rules: ModuleType, answer: object) -> None:
    rules.look = lambda _: answer  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(GuardrailUnavailable):
        await check(a_chain({"python": "rules:look"}))


async def test_what_a_function_raises_is_not_repeated(rules: ModuleType, caplog: pytest.LogCaptureFixture) -> None:
    def look(document: Mapping[str, Any]) -> None:
        raise RuntimeError(document["prompt"])

    rules.look = look  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(GuardrailUnavailable):
        await check(a_chain({"python": "rules:look"}))
    assert "RuntimeError" in caplog.text
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize("place", ["no_such_module:look", "json:no_such_function", "json:decoder"])
def test_a_function_that_is_not_there_stops_the_app(place: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"guardrails\[1\]: {place} "):
        a_chain({"max_characters": 9}, {"python": place})


@pytest.mark.parametrize(
    ("answer", "refused"),
    [
        (httpx.Response(204), None),
        (httpx.Response(200, json={"allowed": True}), None),
        (httpx.Response(200, json={"allowed": False, "category": "logos", "severity": 5}), ContentPolicyViolation),
        (httpx.Response(200, json=None), GuardrailUnavailable),
        (httpx.Response(200, text="<html>"), GuardrailUnavailable),
        (httpx.Response(200, json={"allowed": True, "pad": "x" * 70_000}), GuardrailUnavailable),
        (httpx.Response(200, text="[" * 60_000), GuardrailUnavailable),
        (httpx.Response(302, headers={"location": "https://elsewhere.example"}), GuardrailUnavailable),
        (httpx.Response(400, json={"allowed": True}), GuardrailUnavailable),
        (httpx.Response(500), GuardrailUnavailable),
    ],
)
async def test_an_endpoint_gives_a_verdict(answer: httpx.Response, refused: type[Exception] | None) -> None:
    chain = a_chain({"https": "https://rules.example/check"}, server=lambda _: answer)
    if refused is None:
        await check(chain)
    else:
        with pytest.raises(refused):
            await check(chain)


async def test_an_endpoint_is_shown_its_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RULES_TOKEN", "t0ken")
    sent = list[httpx.Request]()

    def server(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(204)

    await check(a_chain({"https": "https://rules.example/check", "bearer": "env:RULES_TOKEN"}, server=server))
    assert sent[0].headers["authorization"] == "Bearer t0ken"
    assert json.loads(sent[0].content)["prompt"] == PROMPT


async def test_an_endpoint_within_our_network_is_not_reached(caplog: pytest.LogCaptureFixture) -> None:
    async def inside(*_: object) -> list[IPv4Address]:
        return [IPv4Address("10.0.0.4")]

    allowing = httpx.MockTransport(lambda _: httpx.Response(204))
    chain = a_chain({"https": "https://rules.example"}, server=GuardedTransport(allowing, resolver=inside))
    with pytest.raises(GuardrailUnavailable):
        await check(chain)
    assert "ForbiddenAddress" in caplog.text


async def test_a_token_that_cannot_be_read_is_an_error_of_the_check() -> None:
    chain = a_chain({"https": "https://rules.example/check", "bearer": "env:NO_SUCH_TOKEN"})
    with pytest.raises(GuardrailUnavailable):
        await check(chain)


async def test_a_refused_token_is_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RULES_TOKEN", "old")

    def server(request: httpx.Request) -> httpx.Response:
        return httpx.Response(204 if request.headers["authorization"] == "Bearer new" else 401)

    chain = a_chain({"https": "https://rules.example/check", "bearer": "env:RULES_TOKEN"}, server=server)
    with pytest.raises(GuardrailUnavailable):
        await check(chain)
    monkeypatch.setenv("RULES_TOKEN", "new")
    await check(chain)


async def test_an_endpoint_is_given_links_to_a_finished_video() -> None:
    contents, sent = FakeBlobStore(), list[httpx.Request]()

    def server(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json={"allowed": False, "category": "logos"})

    chain = a_chain({"https": "https://rules.example/check", "at": ["video"]}, server=server, contents=contents)
    stored = await contents.put("acme/v.mp4", MP4, "video/mp4")
    video = a_video().model_copy(update={"contents": {Variant.VIDEO: stored}})
    await check(chain)
    with pytest.raises(ContentPolicyViolation, match="The video is against the content policy: category 'logos'") as no:
        await chain.check_video(video)
    (document,) = (json.loads(request.content) for request in sent)
    assert (document["stage"], document["video_id"], no.value.param) == ("video", video.video_id, None)
    assert document["files"]["video"]["sha256"] == stored.sha256
    assert document["files"]["video"]["url"].startswith("https://")
