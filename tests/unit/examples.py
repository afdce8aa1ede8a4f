"""One of everything, so that a test need only name what it is about."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

from PIL import Image

from domain.catalog import Catalog, Deployment
from domain.file import FILE_IDS, File
from domain.source import Source
from domain.video import StoredContent, Video
from domain.video_id import new_video_id

NOW = datetime(2026, 11, 21, 12, 0, 0, 250_000, UTC)
TENANT = "acme"
PRICE = Decimal("0.10")
MP4 = b"\x00\x00\x00\x18ftypmp42" + b"m" * 5_000
WEBP = b"RIFF\x10\x00\x00\x00WEBP" + b"w" * 500
JPEG = b"\xff\xd8\xff\xe0" + b"j" * 500


def a_deployment(**changes: Any) -> Deployment:
    """A deployment of sora-2 as Azure has it, reached with a key."""
    fields: dict[str, Any] = {
        "name": "east",
        "endpoint": "https://east.openai.azure.com/openai/v1/",
        "upstream_model": "sora-2-east",
        "auth": {"kind": "api_key", "secret": "env:EAST_KEY"},
        "usd_per_second": {"*": "0.10"},
    }
    return Deployment.model_validate(fields | changes)


def a_catalog(*deployments: Deployment) -> Catalog:
    """A catalog whose model sora-2 has these deployments, or the usual one."""
    chosen = [deployment.model_dump() for deployment in deployments or (a_deployment(),)]
    return Catalog.model_validate({"models": {"sora-2": {"deployments": chosen}}})


def a_model_catalog(*, fallbacks: Mapping[str, Sequence[str]] = {}, **models: Sequence[Deployment]) -> Catalog:
    """A catalog of models with these deployments and fallback models."""
    fields = {
        name: {"deployments": [each.model_dump() for each in deployments], "fallback_models": fallbacks.get(name, ())}
        for name, deployments in models.items()
    }
    return Catalog.model_validate({"models": fields})


def an_id(number: int = 0, created_at: datetime = NOW) -> str:
    """A video id; another for each number."""
    return new_video_id(created_at, number.to_bytes(10))


def a_video(**changes: Any) -> Video:
    """A video that was just accepted."""
    fields: dict[str, Any] = {
        "video_id": an_id(),
        "tenant": TENANT,
        "model": "sora-2",
        "prompt": "A fox runs through snow.",
        "seconds": 4,
        "size": "1280x720",
        "created_at": NOW,
    }
    return Video.model_validate(fields | changes)


def a_file(number: int = 0, **changes: Any) -> File:
    """A file that was just uploaded; another for each number."""
    fields: dict[str, Any] = {
        "file_id": FILE_IDS.new(NOW, number.to_bytes(10)),
        "tenant": TENANT,
        "filename": "fox.png",
        "purpose": "vision",
        "size_bytes": 9,
        "created_at": NOW,
    }
    return File.model_validate(fields | changes)


def a_stored_content(**changes: Any) -> StoredContent:
    """A video in our storage."""
    fields: dict[str, Any] = {"blob": "b.mp4", "content_type": "video/mp4", "size_bytes": 9, "sha256": "0" * 64}
    return StoredContent.model_validate(fields | changes)


def an_image(image_format: str = "PNG", *, width: int = 1280, height: int = 720) -> bytes:
    """An image file of one colour."""
    file = BytesIO()
    Image.new("RGB", (width, height), "navy").save(file, image_format)
    return file.getvalue()


def usd(amount: str) -> Decimal:
    """An exact amount."""
    return Decimal(amount)


def a_source(**changes: Any) -> Source:
    """A video of ours that the deployment `east` still holds."""
    fields: dict[str, Any] = {
        "video_id": an_id(99),
        "seconds": 4,
        "deployment": "east",
        "upstream_id": "job-99",
        "content": a_stored_content(),
    }
    return Source.model_validate(fields | changes)


def an_mp4(*, seconds: float = 3.2, width: int = 1280, height: int = 720, long: bool = False) -> bytes:
    """The boxes of a video, with a sound track first; `long` uses the wider numbers that large files need."""
    version, digits, timescale = (b"\x01\0\0\0", 8, 1000) if long else (b"\0\0\0\0", 4, 1000)
    times = bytes(2 * digits)
    duration = round(seconds * timescale).to_bytes(digits)
    movie_header = version + times + timescale.to_bytes(4) + duration + bytes(80)
    tracks = [_box(b"trak", _box(b"tkhd", bytes(76) + _fixed(w) + _fixed(h))) for w, h in ((0, 0), (width, height))]
    movie = _box(b"moov", _box(b"mvhd", movie_header) + b"".join(tracks))
    return _box(b"ftyp", b"mp42") + _box(b"mdat", bytes(100), long=long) + movie


def _box(kind: bytes, body: bytes, *, long: bool = False) -> bytes:
    if long:
        return (1).to_bytes(4) + kind + (len(body) + 16).to_bytes(8) + body
    return (len(body) + 8).to_bytes(4) + kind + body


def _fixed(pixels: int) -> bytes:
    return (pixels << 16).to_bytes(4)
