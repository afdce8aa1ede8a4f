"""A form with one large file: what is more than a megabyte of it waits on disk, not in memory."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from domain.errors import InvalidRequest, PayloadTooLarge, UnsupportedMedia

_STEP_BYTES = 256 * 1024
"""The platform hands over a body as one piece; the parser copies what it is given at once."""
_REST_BYTES = 64 * 1024
"""Room for all that is not the file."""


class Upload(NamedTuple):
    """A form that was read.

    Attributes:
        fields: The texts, by name.
        file: The file; at its beginning, and open until the request is over.
        filename: What the caller calls it.
        size_bytes: Its length.
    """

    fields: dict[str, str]
    file: UploadFile
    filename: str
    size_bytes: int

    async def chunks(self, chunk_bytes: int) -> AsyncIterator[bytes]:
        """The file's bytes, in chunks of this length but for the last."""
        while chunk := await self.file.read(chunk_bytes):
            yield chunk


@asynccontextmanager
async def read_upload(request: Request, *, max_bytes: int) -> AsyncGenerator[Upload]:
    """Read a form, and keep its file open for the length of the context.

    Args:
        request: With a body of multipart/form-data.
        max_bytes: The largest file.

    Raises:
        UnsupportedMedia: The body is of another kind.
        PayloadTooLarge: The file is larger; whoever says so beforehand is refused before anything is read.
        InvalidRequest: The form cannot be read, or has no file.
    """
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise UnsupportedMedia("Send the file as multipart/form-data.")
    try:
        form = await _Parser(request, max_bytes).parse()
    except MultiPartException as error:
        raise InvalidRequest(f"The form cannot be read. {error.message}", code="invalid_form") from error
    try:
        yield _upload(form, max_bytes)
    finally:
        await form.close()


class _Parser(MultiPartParser):
    """Takes one file, and the form only whole; what is raised while it reads closes the file."""

    def __init__(self, request: Request, max_bytes: int) -> None:
        super().__init__(request.headers, self._steps(request, max_bytes), max_files=1, max_part_size=_REST_BYTES)
        self._is_whole = False

    def on_end(self) -> None:
        self._is_whole = True

    async def _steps(self, request: Request, max_bytes: int) -> AsyncGenerator[bytes]:
        announced, received = request.headers.get("content-length", ""), 0
        if announced.isdecimal() and int(announced) > max_bytes + _REST_BYTES:
            raise _too_large(max_bytes)
        async for body in request.stream():
            received += len(body)
            if received > max_bytes + _REST_BYTES:
                raise _too_large(max_bytes)
            for start in range(0, len(body), _STEP_BYTES):
                yield body[start : start + _STEP_BYTES]
        if not self._is_whole:
            raise MultiPartException("It breaks off.")


def _upload(form: FormData, max_bytes: int) -> Upload:
    file = form.get("file")
    if not isinstance(file, UploadFile) or not file.size:
        raise InvalidRequest("Send a file that is not empty.", param="file", code="missing_required_parameter")
    if file.size > max_bytes:
        raise _too_large(max_bytes)
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    return Upload(fields, file, file.filename or "file", file.size)


def _too_large(max_bytes: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The file is larger than {max_bytes} bytes.", param="file")
