"""A line of the log is one JSON object that says of whom it speaks."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from clients.telemetry.logs import JsonFormatter, bound, masked, note
from clients.telemetry.spans import span
from clients.upstream_wire import to_job
from domain.character import Cast
from domain.render_job import RenderJob
from domain.video import Video
from domain.webhook import WebhookEndpoint
from tests.unit.telemetry.conftest import Told


def line(message: str, *args: object, exc_info: Any = None, **extra: Any) -> dict[str, str]:
    record = logging.makeLogRecord(
        {"name": "activities", "levelname": "INFO", "msg": message, "args": args, "exc_info": exc_info, **extra}
    )
    text = JsonFormatter().format(record)
    assert "\n" not in text
    return json.loads(text)


def test_a_line_says_when_who_and_what():
    read = line("%s of %d\nlines", "one", 2, created=0.5)
    assert read == {
        "time": "1970-01-01T00:00:00.500+00:00",
        "level": "INFO",
        "logger": "activities",
        "message": "one of 2\nlines",
    }


def test_a_line_says_what_is_known_of_the_video():
    with bound(video="video_1", tenant="acme", deployment=None):
        note(upstream_request_id="r-1")
        with bound(deployment="east"):
            inner = line("a")
        outer = line("b", fields={"state": "queued", "code": None})
    known = {"video": "video_1", "tenant": "acme", "upstream_request_id": "r-1"}
    assert inner.items() >= {**known, "deployment": "east"}.items()
    assert outer.items() >= {**known, "state": "queued"}.items()
    assert not {"deployment", "code"} & outer.keys()
    assert not known.keys() & line("c").keys()


def test_a_line_names_the_open_span(told: Told):
    with span("work", {}) as opened:
        read = line("a")
    context = opened.get_span_context()
    assert (int(read["trace_id"], 16), int(read["span_id"], 16)) == (context.trace_id, context.span_id)


def test_a_line_shows_what_was_raised():
    read = line("failed", exc_info=(ValueError, ValueError("no"), None))
    assert read["exception"] == "ValueError: no"


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ("Authorization: Basic dXNlcjpwYXNz\nhost: a", "Authorization: Basic ***\nhost: a"),
        ("{'authorization': 'SharedKeyLite acct:ab/cd=', 'a': 1}", "{'authorization': 'SharedKeyLite ***', 'a': 1}"),
        ("[(b'authorization', b'SharedKey acct:ab/cd=')]", "[(b'authorization', b'SharedKey ***')]"),
        ("authorization=Negotiate abc def", "authorization=***"),
        ("signed SharedKey acct:abcd=", "signed SharedKey ***"),
        ("401 for bearer abcdef0123", "401 for bearer ***"),
        ("{'api-key': 'abcdef'}", "{'api-key': '***'}"),
        ("dd-api-key=abc,api_key=def", "dd-api-key=***,api_key=***"),
        ("x-functions-key: abc==", "x-functions-key: ***"),
        ("Ocp-Apim-Subscription-Key: abc", "Ocp-Apim-Subscription-Key: ***"),
        ("grant_type=a&client_secret=a~b.c&scope=d", "grant_type=a&client_secret=***&scope=d"),
        ("signed with whsec_ab+/cdefgh==", "signed with whsec_***"),
        ("https://a/b?sv=1&sig=ab%2Fc&se=2", "https://a/b?sv=1&sig=***&se=2"),
        ("to=https%3A%2F%2Fa%3Fsv%3D1%26sig%3Dab%252Fc&x=1", "to=https%3A%2F%2Fa%3Fsv%3D1%26sig%3D***&x=1"),
        ("/b?sig%3Dabcdefghij&x", "/b?sig%3D***&x"),
        ("AccountName=a;AccountKey=abcdef==;Blob=c", "AccountName=a;AccountKey=***;Blob=c"),
        ("the key sk-abcdefgh12 is bad", "the key sk-*** is bad"),
        ("token eyJhbGci.eyJzdWIi.c2ln here", "token eyJ*** here"),
        *((text, text) for text in ("a task-manager of disk-1 is no bearer of news", "the api-key belongs to nobody")),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, safe: str):
    assert masked(text) == safe


@pytest.mark.parametrize(
    "read", [*(stored.model_validate for stored in (Video, Cast, RenderJob, WebhookEndpoint)), to_job]
)
def test_what_cannot_be_read_is_not_repeated(read: Callable[[Any], object]):
    with pytest.raises(ValidationError) as raised:
        read("a prompt, or a secret")
    assert "a prompt" not in str(raised.value)


def test_a_masked_line_is_still_json():
    read = line('refused: {"api-key": "%s"}', "abcdef")
    assert read["message"] == 'refused: {"api-key": "***"}'
