"""Reads the length and size of an uploaded video."""

import asyncio
import math
from typing import BinaryIO

import av
from av.error import FFmpegError
from starlette.datastructures import UploadFile

from local.azure_fakes.errors import invalid_request


async def probe_upload(upload: object) -> tuple[str, int]:
    """Return the size (such as `1280x720`) and the whole seconds of an uploaded video.

    Raises:
        AzureError: 400, it is no file or no video.
    """
    if not isinstance(upload, UploadFile):
        raise invalid_request("Invalid type for 'video': expected a file or an object with an id.")
    return await asyncio.to_thread(_probe, upload.file)


def _probe(file: BinaryIO) -> tuple[str, int]:
    try:
        with av.open(file, "r") as container:
            stream = container.streams.video[0]
            seconds = (container.duration or 0) / av.time_base
            return f"{stream.width}x{stream.height}", max(1, math.ceil(seconds))
    except (FFmpegError, IndexError) as error:
        raise invalid_request("Invalid video file.") from error
