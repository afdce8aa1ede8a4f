"""Every refusal comes in OpenAI's envelope, names the field at fault and says what is allowed."""

from typing import Any, NamedTuple

import httpx
import pytest

from tests.contract.caller_kit import data_url, error_of, image

JSON = {"content-type": "application/json"}
UNKNOWN_VIDEO = "video_01a1fc6d394bc4477c9df5602e5612a2"


class Refusal(NamedTuple):
    sent: dict[str, Any]
    status: int
    param: str | None
    code: str
    words: tuple[str, ...]


def asked(**fields: Any) -> dict[str, Any]:
    return {"json": {"prompt": "a paper boat", "size": "1280x720"} | fields}


def pointing_to(url: str) -> dict[str, Any]:
    return asked(input_reference={"image_url": url})


def bad_value(sent: dict[str, Any], param: str, *words: str, code: str = "invalid_value") -> Refusal:
    return Refusal(sent, 400, param, code, words)


def bad_body(*words: str, code: str = "invalid_json", **sent: Any) -> Refusal:
    return Refusal(sent, 400, None, code, words)


REFUSALS = {
    "unknown model": bad_value(asked(model="veo"), "model", "'veo'", "sora-2, sora-2-pro", code="model_not_found"),
    "size of another model": bad_value(asked(size="1792x1024"), "size", "1792x1024", "720x1280, 1280x720"),
    "odd length": bad_value(asked(seconds="5"), "seconds", "5", "4, 8, 12"),
    "fraction of a second": bad_value(asked(seconds=4.5), "seconds", "4, 8, 12"),
    "no length at all": bad_value(asked(seconds=0), "seconds", "4, 8, 12"),
    "no prompt": bad_value({"json": {}}, "prompt", "empty", code="missing_required_parameter"),
    "blank prompt": bad_value(asked(prompt=" \n"), "prompt", "empty", code="missing_required_parameter"),
    "prompt too long": bad_value(
        asked(prompt="a" * 32_001), "prompt", "32001", "32000", code="string_above_max_length"
    ),
    "prompt that is a number": bad_value(asked(prompt=7), "prompt", "text", code="invalid_type"),
    "user too long": bad_value(asked(user="a" * 513), "user", "513", "512"),
    "too much metadata": bad_value(asked(metadata={str(n): "" for n in range(17)}), "metadata", "17", "16"),
    "metadata that is no text": bad_value(asked(metadata={"shot": 7}), "metadata", "'shot'", "text"),
    "metadata that is a list": bad_value(asked(metadata=["shot"]), "metadata", "object"),
    "long metadata": bad_value(asked(metadata={"shot": "a" * 513}), "metadata", "64", "512"),
    "image of other pixels": bad_value(
        pointing_to(data_url(image(64, 32))), "input_reference", "64x32", "1280x720", code="invalid_image_size"
    ),
    "file of other pixels": bad_value(
        {"data": {"prompt": "a boat"}, "files": {"input_reference": image()}},
        "input_reference",
        "1280x720",
        "720x1280",
        code="invalid_image_size",
    ),
    "image of another kind": bad_value(
        pointing_to(data_url(image(kind="GIF"))), "input_reference", "JPEG, PNG or WebP", code="invalid_image"
    ),
    "image that is none": bad_value(
        {"data": {"prompt": "a boat"}, "files": {"input_reference": b"boat"}},
        "input_reference",
        "JPEG, PNG or WebP",
        code="invalid_image",
    ),
    "image that is not base64": bad_value(
        pointing_to("data:image/png;base64,###"), "input_reference", "base64", code="invalid_image_url"
    ),
    "reference as a plain text": bad_value(
        {"data": {"prompt": "a", "input_reference": "x"}}, "input_reference", "file"
    ),
    "key too long": bad_value(asked() | {"headers": {"idempotency-key": "a" * 256}}, "Idempotency-Key", "255"),
    "broken JSON": bad_body("not JSON", content=b'{"prompt":', headers=JSON),
    "nothing": bad_body("not JSON", content=b"", headers=JSON),
    "JSON that is a list": bad_body("object", json=[]),
    "JSON as deep as the sea": bad_body("not JSON", content=b"[" * 100_000, headers=JSON),
    "half a surrogate pair": bad_body("not JSON", content=b'{"prompt": "\\ud83d"}', headers=JSON),
    "latin-1": bad_body("not JSON", content='{"prompt": "é"}'.encode("latin-1"), headers=JSON),
    "form without a boundary": bad_body(
        "boundary", code="invalid_form", content=b"a", headers={"content-type": "multipart/form-data"}
    ),
    "another content type": Refusal(
        {"content": b"a boat", "headers": {"content-type": "text/plain"}},
        415,
        None,
        "unsupported_content_type",
        ("text/plain", "application/json", "multipart/form-data"),
    ),
    "body too large": Refusal(
        {"files": {"input_reference": bytes(33 * 1024 * 1024)}}, 413, None, "payload_too_large", ("33554432",)
    ),
}
FORBIDDEN_URLS = (
    "https://127.0.0.1/boat.png",
    "https://localhost/boat.png",
    "https://[::1]/boat.png",
    "https://[::ffff:10.0.0.1]/boat.png",
    "https://169.254.169.254/metadata/identity/oauth2/token",
    "https://10.1.2.3/boat.png",
    "https://2130706433/boat.png",
    "http://93.184.215.14/boat.png",
    "ftp://93.184.215.14/boat.png",
    "file:///etc/passwd",
    "https://exa..mple/boat.png",
    f"https://{'a' * 64}.example/boat.png",
    "boat.png",
)


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_creation_that_can_never_work(api: httpx.Client, refusal: Refusal):
    answer = api.post("/videos", **refusal.sent)

    error = error_of(answer)
    assert (answer.status_code, error["param"], error["code"]) == (refusal.status, refusal.param, refusal.code)
    assert error["type"] == "invalid_request_error"
    assert not [word for word in refusal.words if word not in error["message"]], error["message"]


@pytest.mark.parametrize("url", FORBIDDEN_URLS)
def test_references_are_fetched_from_the_public_internet_only(api: httpx.Client, url: str):
    answer = api.post("/videos", **pointing_to(url))

    error = error_of(answer)
    assert (answer.status_code, error["param"], error["code"]) == (400, "input_reference", "invalid_image_url")
    assert "public https URL" in error["message"]


def test_refused_creations_leave_nothing_behind(api: httpx.Client):
    before = api.get("/videos").raise_for_status().json()["first_id"]

    for refusal in REFUSALS.values():
        api.post("/videos", **refusal.sent)

    assert api.get("/videos").raise_for_status().json()["first_id"] == before


@pytest.mark.parametrize(
    ("query", "status", "param", "word"),
    [
        ("limit=0", 400, "limit", "1"),
        ("limit=101", 400, "limit", "100"),
        ("limit=ten", 400, "limit", "integer"),
        ("order=up", 400, "order", "'asc' or 'desc'"),
        ("after=video_nope", 404, "after", "video_nope"),
    ],
)
def test_list_that_cannot_be_made(api: httpx.Client, query: str, status: int, param: str, word: str):
    answer = api.get(f"/videos?{query}")

    error = error_of(answer)
    assert (answer.status_code, error["param"]) == (status, param)
    assert word in error["message"]


@pytest.mark.parametrize("video_id", [UNKNOWN_VIDEO, "video_1", "1", "%2e%2e", "a%27%20or%20true"])
@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("DELETE", ""), ("GET", "/content"), ("POST", "/cancel")])
def test_unknown_video(api: httpx.Client, method: str, path: str, video_id: str):
    answer = api.request(method, f"/videos/{video_id}{path}")

    assert answer.status_code == 404
    assert error_of(answer)["code"] == "video_not_found"


def test_unknown_variant_names_the_known_ones(api: httpx.Client, completed: dict[str, Any]):
    answer = api.get(f"/videos/{completed['id']}/content", params={"variant": "gif"})

    error = error_of(answer)
    assert (answer.status_code, error["param"]) == (400, "variant")
    assert "'video', 'thumbnail' or 'spritesheet'" in error["message"]


def test_reference_image_must_be_a_file_of_ones_own(api: httpx.Client):
    answer = api.post("/videos", json={"prompt": "a", "input_reference": {"file_id": "file-1"}})

    assert (answer.status_code, error_of(answer)["code"]) == (404, "file_not_found")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("POST", f"/videos/{UNKNOWN_VIDEO}/nothing", 404, "not_found"),
        ("PUT", "/videos", 405, "method_not_allowed"),
        ("PATCH", f"/videos/{UNKNOWN_VIDEO}", 405, "method_not_allowed"),
    ],
)
def test_unknown_route_points_to_the_documentation(api: httpx.Client, method: str, path: str, status: int, code: str):
    answer = api.request(method, path)

    error = error_of(answer)
    assert (answer.status_code, error["code"]) == (status, code)
    assert "/docs" in error["message"]
