"""What a request starts from, as far as its own text tells: nothing is fetched or read to know it."""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from domain.errors import InvalidRequest, PayloadTooLarge
from domain.file import SOURCES, File
from domain.reference_image import read_reference_image

PARAM: Final = "input_reference"
_DATA_URL = re.compile(r"data:[\w.+-]+/[\w.+-]+;base64,(?P<data>.*)", re.DOTALL)


class Link(NamedTuple):
    """A file on somebody's server."""

    url: str


class Uploaded(NamedTuple):
    """A file that the tenant uploaded before."""

    file_id: str


class ImageLimits(NamedTuple):
    """What images may be.

    Attributes:
        max_bytes: The largest file.
        schemes: How a link to one may begin.
    """

    max_bytes: int
    schemes: Sequence[str] = ("https",)


type Pointer = bytes | Link | Uploaded


def read_pointer(value: object) -> Pointer | None:
    """Where the image is, or the image itself; None if there is none.

    Args:
        value: The field, as JSON has it.

    Raises:
        InvalidRequest: It says nothing that can be followed.
    """
    match value:
        case None | "":
            return None
        case {"image_url": str() as url} | {"image_url": {"url": str() as url}}:
            data_url = _DATA_URL.fullmatch(url)
            return _decoded(data_url["data"]) if data_url else Link(url)
        case {"file_id": str() as file_id}:
            return Uploaded(file_id)
        case _:
            message = "Send the input_reference as a file, as {'image_url': URL} or as {'file_id': ID}."
            raise InvalidRequest(message, param=PARAM)


def named_upload(fields: Mapping[str, Any]) -> str | None:
    """The file that a request names, if it names one."""
    match fields.get(PARAM):
        case {"file_id": str() as file_id}:
            return file_id
        case _:
            return None


def check_reference(fields: Mapping[str, Any], *, size: str, uploads: Mapping[str, File], limits: ImageLimits) -> None:
    """Refuse an image that can be known to be unusable, without looking at what is elsewhere.

    Args:
        fields: The request's.
        size: The size of the video.
        uploads: The files that it may name, by id.
        limits: What images may be.

    Raises:
        InvalidRequest: It can never be used.
    """
    match read_pointer(fields.get(PARAM)):
        case None:
            return
        case bytes() as content:
            read_reference_image(content, size=size)
        case Link(url):
            _check_link(url, limits)
        case Uploaded(file_id):
            if file_id not in uploads:
                raise InvalidRequest(f"There is no file '{file_id[:80]}'.", param=PARAM, code="file_not_found")
            check_upload(uploads[file_id], limits)


def check_upload(file: File, limits: ImageLimits) -> None:
    """Refuse a file that was uploaded for something else, or is too large.

    Raises:
        InvalidRequest: It is not for this.
        PayloadTooLarge: It is larger.
    """
    if file.purpose not in SOURCES:
        allowed = " or ".join(SOURCES)
        message = f"The file was uploaded for the purpose '{file.purpose}'. Upload images for {allowed}."
        raise InvalidRequest(message, param=PARAM)
    if file.size_bytes > limits.max_bytes:
        raise PayloadTooLarge(f"The file is larger than {limits.max_bytes} bytes.", param=PARAM)


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        message = f"The data URL of the input_reference is not base64: {error}."
        raise InvalidRequest(message, param=PARAM, code="invalid_image_url") from error


def _check_link(url: str, limits: ImageLimits) -> None:
    try:
        scheme, host = urlsplit(url).scheme, urlsplit(url).hostname
    except ValueError:
        scheme, host = "", None
    if scheme not in limits.schemes or not host:
        message = f"The image_url is none that can be fetched. Give a public {limits.schemes[0]} URL or a data URL."
        raise InvalidRequest(message, param=PARAM, code="invalid_image_url")
