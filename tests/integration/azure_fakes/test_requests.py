"""All shapes of a request, and the answers to bad ones."""

import asyncio
import base64
import io
from typing import Any

import httpx
import pytest
from PIL import Image
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from local.azure_fakes.fakes import Fakes
from local.azure_fakes.server import serve

GOOD = {"model": "sora-2", "prompt": "a paper boat", "size": "1280x720"}
USER_ERROR = '{{"error":{{"message":"{}","type":"video_generation_user_error","param":null,"code":null}}}}'
MISMATCH = USER_ERROR.format("Inpaint image must match the requested width and height")


def image(width: int, height: int, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height)).save(file, kind)
    return file.getvalue()


def data_url(content: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
async def test_a_reference_may_be_a_file(videos_api: httpx.AsyncClient, kind: str) -> None:
    files = {"input_reference": ("reference", image(1280, 720, kind))}
    assert (await videos_api.post("/videos", data=GOOD, files=files)).status_code == 200


async def test_a_reference_may_be_a_json_object(videos_api: httpx.AsyncClient) -> None:
    reference = {"image_url": data_url(image(1280, 720))}
    assert (await videos_api.post("/videos", json=GOOD | {"input_reference": reference})).status_code == 200


async def test_a_reference_may_be_a_bracketed_field(videos_api: httpx.AsyncClient) -> None:
    fields = GOOD | {"input_reference[image_url]": data_url(image(1280, 720))}
    assert (await videos_api.post("/videos", data=fields)).status_code == 200
    assert (await videos_api.post("/videos", files={k: (None, v) for k, v in fields.items()})).status_code == 200


async def test_a_reference_may_be_somewhere_on_the_web(videos_api: httpx.AsyncClient) -> None:
    answers = {"/good.png": image(1280, 720), "/small.png": image(64, 64)}

    async def web(scope: Scope, receive: Receive, send: Send) -> None:
        await Response(answers[scope["path"]])(scope, receive, send)

    async with serve(web) as port:
        for path, status in (("good", 200), ("small", 400)):
            reference = {"image_url": f"http://127.0.0.1:{port}/{path}.png"}
            answer = await videos_api.post("/videos", json=GOOD | {"input_reference": reference})
            assert answer.status_code == status


async def test_a_reference_must_match_pixel_by_pixel(videos_api: httpx.AsyncClient, control: Any) -> None:
    wrong = image(1279, 720)
    answers = [
        await videos_api.post("/videos", data=GOOD, files={"input_reference": ("reference.png", wrong)}),
        await videos_api.post("/videos", json=GOOD | {"input_reference": {"image_url": data_url(wrong)}}),
        await videos_api.post("/videos", data=GOOD | {"input_reference[image_url]": data_url(wrong)}),
    ]
    assert [(answer.status_code, answer.text) for answer in answers] == [(400, MISMATCH)] * 3
    assert (await control.state())["jobs"] == []


@pytest.mark.parametrize(
    "reference",
    [
        {"image_url": "data:image/png;base64,!!"},
        {"image_url": "data:image/png,plain"},
        {"image_url": data_url(b"no image")},
        {"image_url": "http://127.0.0.1:1/nobody-listens.png"},
        {"image_url": "nonsense"},
        {"file_id": "file-123"},
        {},
        "text",
    ],
)
async def test_a_reference_that_is_no_image_is_refused(videos_api: httpx.AsyncClient, reference: object) -> None:
    answer = await videos_api.post("/videos", json=GOOD | {"input_reference": reference})
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "video_generation_user_error"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": None}, "Missing required parameter: 'model'."),
        ({"prompt": None}, "Missing required parameter: 'prompt'."),
        ({"prompt": " "}, "Invalid 'prompt': expected a string with at least 1 character."),
        ({"prompt": "x" * 32_001}, "Invalid 'prompt': expected at most 32000 characters."),
        ({"seconds": "5"}, "Invalid value for 'seconds': '5'. Supported values are: '4', '8', '12'."),
        (
            {"size": "1x1"},
            "Invalid value for 'size': '1x1'. Supported values are: '720x1280', '1280x720', '1024x1792', '1792x1024'.",
        ),
    ],
)
async def test_bad_parameters_are_refused(videos_api: httpx.AsyncClient, change: dict[str, Any], message: str) -> None:
    body = {name: value for name, value in (GOOD | change).items() if value is not None}
    for answer in (await videos_api.post("/videos", json=body), await videos_api.post("/videos", data=body)):
        assert (answer.status_code, answer.text) == (400, USER_ERROR.format(message))


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b"text", "multipart/form-data"),
        (b"--b\r\nnot a header\r\n", "multipart/form-data; boundary=b"),
    ],
)
async def test_an_unreadable_body_is_refused(videos_api: httpx.AsyncClient, content: bytes, content_type: str) -> None:
    answer = await videos_api.post("/videos", content=content, headers={"content-type": content_type})
    assert answer.status_code == 400
    assert "valid JSON" in answer.text or "a JSON object" in answer.text or "form cannot be read" in answer.text


async def test_an_upload_that_breaks_off_is_nobodys_error(
    fakes: Fakes, control: Any, caplog: pytest.LogCaptureFixture
) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(fakes.url).port)
    writer.write(b"POST /openai/v1/videos HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{")
    while not (await control.state())["requests"].get("create"):
        await asyncio.sleep(0.005)
    writer.close()
    await writer.wait_closed()
    assert (await control.state())["jobs"] == []
    assert caplog.records == []


@pytest.mark.parametrize("query", ["limit=101", "limit=-1", "limit=x", "order=up", "after=video_none"])
async def test_a_bad_page_is_refused(videos_api: httpx.AsyncClient, query: str) -> None:
    assert (await videos_api.get(f"/videos?{query}")).status_code in (400, 404)


async def test_a_deployment_may_have_sizes_of_its_own(videos_api: httpx.AsyncClient, control: Any) -> None:
    await control.settings(deployments={"sora-2": {"sizes": ["720x1280"]}})
    assert (await videos_api.post("/videos", json=GOOD)).status_code == 400
    assert (await videos_api.post("/videos", json=GOOD | {"size": "720x1280"})).status_code == 200


async def test_a_path_that_azure_does_not_know(videos_api: httpx.AsyncClient) -> None:
    answer = await videos_api.get("/films")
    assert (answer.status_code, answer.text) == (404, '{"error":{"code":"404","message":"Resource not found"}}')


async def test_every_answer_carries_a_request_id(videos_api: httpx.AsyncClient) -> None:
    ids = {(await videos_api.get("/videos")).headers["apim-request-id"] for _ in range(2)}
    assert len(ids) == 2
