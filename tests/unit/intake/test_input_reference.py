"""A reference image may come as a file, a data URL or a public URL."""

import base64
from typing import Any

import httpx
import pytest

from clients.remote_files import RemoteFiles
from domain.errors import InvalidRequest, NotFound
from domain.reference_image import ReferenceImage
from intake.fields import SentFile
from intake.input_reference import read_input_reference
from tests.unit.examples import TENANT, a_file, an_image
from tests.unit.front_door.world import World

IMAGE = an_image("PNG", width=64, height=48)
DATA_URL = f"data:image/png;base64,{base64.b64encode(IMAGE).decode()}"
LIMIT = 100_000
UPLOADED = [
    (TENANT, "vision", len(IMAGE)),
    (TENANT, "user_data", len(IMAGE)),
    (TENANT, "batch", len(IMAGE)),
    (TENANT, "vision", LIMIT + 1),
    ("globex", "vision", len(IMAGE)),
]


def uploaded(number: int) -> dict[str, str]:
    return {"file_id": a_file(number).file_id}


def serve(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200 if request.url.path == "/fox.png" else 404, content=IMAGE)


async def read(value: Any) -> ReferenceImage | None:
    world = World()
    world.change(remote_files=RemoteFiles(httpx.AsyncClient(transport=httpx.MockTransport(serve)), max_bytes=LIMIT))
    for number, (tenant, purpose, size_bytes) in enumerate(UPLOADED):
        file = a_file(number, tenant=tenant, purpose=purpose, size_bytes=size_bytes)
        await world.files.insert(file)
        await world.file_blobs.put(file.blob, IMAGE, "application/octet-stream")
    intake = world.services.intake
    return await read_input_reference({"input_reference": value}, size="64x48", tenant=TENANT, intake=intake)


@pytest.mark.parametrize(
    "value",
    [
        SentFile("whatever.txt", IMAGE),
        {"image_url": DATA_URL},
        {"image_url": {"url": DATA_URL}},
        {"image_url": "https://pictures.example/fox.png"},
        uploaded(0),
        uploaded(1),
    ],
    ids=["file", "data URL", "nested data URL", "https URL", "uploaded for vision", "uploaded as user data"],
)
async def test_every_way_leads_to_the_same_image(value: object):
    assert await read(value) == ReferenceImage(IMAGE, "image/png")


@pytest.mark.parametrize("value", [None, ""])
async def test_it_may_be_left_out(value: object):
    assert await read(value) is None


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("https://pictures.example/fox.png", "Send the input_reference as a file, as {'image_url': URL} or as"),
        ({"file_id": 1}, "Send the input_reference as a file"),
        (uploaded(2), "uploaded for the purpose 'batch'. Upload images for vision or user_data"),
        (uploaded(3), "larger than 100000 bytes"),
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


@pytest.mark.parametrize("value", [uploaded(4), uploaded(5), {"file_id": "x"}], ids=["another's", "nobody's", "no id"])
async def test_a_tenant_finds_only_its_own_files(value: object):
    with pytest.raises(NotFound) as refused:
        await read(value)
    assert refused.value.code == "file_not_found"
