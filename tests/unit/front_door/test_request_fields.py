"""The same request is read the same, whichever way a client sends it."""

import json
from typing import Any

import httpx
import pytest
from fastapi import Request

from domain.errors import InvalidRequest, PayloadTooLarge, UnsupportedMedia
from front_door.request_fields import read_fields
from intake.fields import SentFile, fingerprint

URL = "https://front.example/v1/videos"
PIXEL = "data:image/png;base64,AAAA"
LIMIT = 10_000

FIELDS = {
    "prompt": "A fox, naïve & “quick”.",
    "seconds": "4",
    "metadata": {"scene": "7", "take": "2"},
    "input_reference": {"image_url": PIXEL},
}
BRACKETED = {
    "prompt": FIELDS["prompt"],
    "seconds": "4",
    "metadata[scene]": "7",
    "metadata[take]": "2",
    "input_reference[image_url]": PIXEL,
}


def received(sent: httpx.Request) -> Request:
    """A request as it arrives at the app, its body in two pieces."""
    body = sent.read()
    pieces = [body[: len(body) // 2], body[len(body) // 2 :]]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    headers = [(name.lower(), value) for name, value in sent.headers.raw]
    return Request({"type": "http", "method": "POST", "headers": headers, "app": None}, receive)


async def read(sent: httpx.Request) -> dict[str, Any]:
    return await read_fields(received(sent), max_bytes=LIMIT)


def post(content_type: str, content: bytes | str) -> httpx.Request:
    return httpx.Request("POST", URL, headers={"content-type": content_type}, content=content)


def multipart(fields: dict[str, Any], **files: Any) -> httpx.Request:
    parts = {name: (None, value) for name, value in fields.items()}
    return httpx.Request("POST", URL, files={**parts, **files})


SHAPES = {
    "JSON": httpx.Request("POST", URL, json=FIELDS),
    "JSON with a charset": post("application/json; charset=utf-8", json.dumps(FIELDS)),
    "JSON without a content type": httpx.Request("POST", URL, content=json.dumps(FIELDS)),
    "form": httpx.Request("POST", URL, data=BRACKETED),
    "multipart": multipart(BRACKETED),
}


@pytest.mark.parametrize("sent", SHAPES.values(), ids=SHAPES.keys())
async def test_every_shape_gives_the_same_fields_and_the_same_fingerprint(sent: httpx.Request):
    fields = await read(sent)
    assert fields == FIELDS
    assert fingerprint(fields) == fingerprint(FIELDS)


@pytest.mark.parametrize(
    "form",
    [
        {"characters[0][id]": "a", "characters[0][name]": "fox", "characters[1][id]": "b"},
        {"characters[][id]": ["a", "b"]},
    ],
)
async def test_a_list_may_come_as_a_form(form: dict[str, Any]):
    fields = await read(httpx.Request("POST", URL, data=form))
    assert [each["id"] for each in fields["characters"]] == ["a", "b"]


async def test_a_file_comes_with_its_name_and_bytes():
    sent = multipart({"prompt": "A fox."}, input_reference=("fox.png", b"\x89PNG\r\n", "image/png"))
    assert await read(sent) == {"prompt": "A fox.", "input_reference": SentFile("fox.png", b"\x89PNG\r\n")}


@pytest.mark.parametrize(
    "other",
    [
        {"prompt": "A cat."},
        {"prompt": "A fox.", "seconds": "4"},
        {"prompt": "A fox.", "input_reference": SentFile("fox.png", b"1")},
        {"prompt": "A fox.", "input_reference": SentFile("fox.png", b"2")},
    ],
)
def test_another_request_has_another_fingerprint(other: dict[str, Any]):
    assert fingerprint(other) != fingerprint({"prompt": "A fox."})


def test_the_order_of_fields_does_not_matter():
    assert fingerprint({"a": "1", "b": "2"}) == fingerprint({"b": "2", "a": "1"})


def test_a_number_has_the_fingerprint_of_its_text():
    assert fingerprint({"seconds": 4}) == fingerprint({"seconds": "4"}) != fingerprint({"seconds": 8})


async def test_fingerprints_tell_files_apart():
    one, other = (fingerprint({"input_reference": SentFile("fox.png", content)}) for content in (b"1", b"2"))
    assert one != other


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (post("application/json", b""), "invalid_json"),
        (post("application/json", b"{"), "invalid_json"),
        (post("application/json", b"\xff\xfe"), "invalid_json"),
        (post("application/json", b'"a text"'), "invalid_json"),
        (post("application/json", b"[" * 5_000), "invalid_json"),
        (post("application/json", b'{"a":' * 1_500), "invalid_json"),
        (post("application/json", b'{"seconds": %s}' % (b"9" * 5_000)), "invalid_json"),
        (post("application/json", b'{"seconds": NaN}'), "invalid_json"),
        (post("application/json", b'{"prompt": "half an emoji: \\ud83d"}'), "invalid_json"),
        (post("multipart/form-data", b"x"), "invalid_form"),
        (post("multipart/form-data; boundary=b", b"no boundary in sight"), "invalid_form"),
        (post("multipart/form-data; boundary=b", b"--b\r\nno header\r\n\r\n"), "invalid_form"),
        (httpx.Request("POST", URL, data={"metadata": "x", "metadata[scene]": "7"}), "invalid_value"),
        (httpx.Request("POST", URL, data={"characters": "x", "characters[0][id]": "7"}), "invalid_value"),
        (httpx.Request("POST", URL, data={"characters[1][id]": "7"}), "invalid_value"),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused(sent: httpx.Request, code: str):
    with pytest.raises(InvalidRequest) as refused:
        await read(sent)
    assert refused.value.code == code


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "image/png"])
async def test_another_kind_of_body_is_refused_with_the_kinds_that_are_read(content_type: str):
    with pytest.raises(UnsupportedMedia, match=r"application/json or multipart/form-data"):
        await read(post(content_type, b"x"))


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=b", "text/plain"])
async def test_a_body_over_the_limit_is_refused(content_type: str):
    with pytest.raises(PayloadTooLarge, match=f"{LIMIT} bytes"):
        await read(post(content_type, b"x" * (LIMIT + 1)))


async def test_a_large_file_below_the_limit_is_read_whole():
    sent = multipart({}, input_reference=("fox.png", b"x" * (LIMIT - 500), "image/png"))
    assert len((await read(sent))["input_reference"].content) == LIMIT - 500


async def test_a_charset_that_no_client_needs_is_not_decoded():
    headers = [(b"content-type", b"multipart/form-data; boundary=b; charset=punycode")]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"--b--"}

    with pytest.raises(UnsupportedMedia, match="utf-8"):
        await read_fields(Request({"type": "http", "method": "POST", "headers": headers}, receive), max_bytes=100)
