"""A reference image may come as a file, a data URL or a public URL."""

import base64
from typing import Any

import httpx
import pytest

from clients.remote_files import RemoteFiles
from domain.errors import InvalidRequest
from domain.reference_image import ReferenceImage
from intake.fields import SentFile
from intake.input_reference import read_input_reference
from tests.unit.examples import an_image

IMAGE = an_image("PNG", width=64, height=48)
DATA_URL = f"data:image/png;base64,{base64.b64encode(IMAGE).decode()}"


def serve(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200 if request.url.path == "/fox.png" else 404, content=IMAGE)


async def read(value: Any) -> ReferenceImage | None:
    files = RemoteFiles(httpx.AsyncClient(transport=httpx.MockTransport(serve)), max_bytes=100_000)
    return await read_input_reference({"input_reference": value}, size="64x48", remote_files=files)


@pytest.mark.parametrize(
    "value",
    [
        SentFile("whatever.txt", IMAGE),
        {"image_url": DATA_URL},
        {"image_url": {"url": DATA_URL}},
        {"image_url": "https://pictures.example/fox.png"},
    ],
    ids=["file", "data URL", "nested data URL", "https URL"],
)
async def test_every_way_leads_to_the_same_image(value: object):
    assert await read(value) == ReferenceImage(IMAGE, "image/png")


@pytest.mark.parametrize("value", [None, ""])
async def test_it_may_be_left_out(value: object):
    assert await read(value) is None


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("https://pictures.example/fox.png", "Send the input_reference as a file, or as {'image_url': URL}"),
        ({"file_id": "file-1"}, "Send the input_reference as a file"),
        (["x"], "Send the input_reference as a file"),
        ({"image_url": "data:image/png;base64,!!!!"}, "not base64"),
        ({"image_url": "data:image/png;base64,"}, "not an image"),
        ({"image_url": "https://pictures.example/cat.png"}, "answered 404"),
        (SentFile("fox.png", b"not a picture"), "not an image"),
        (SentFile("fox.png", an_image(width=48, height=64)), "48x64 pixels and the video 64x48"),
    ],
)
async def test_what_does_not_fit_is_refused(value: object, told: str):
    with pytest.raises(InvalidRequest) as refused:
        await read(value)
    assert refused.value.param == "input_reference"
    assert told in refused.value.message
