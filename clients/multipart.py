"""A multipart body (RFC 7578) with one file that is read while it is sent."""

import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from typing import NamedTuple


class InputStream(NamedTuple):
    """A file to send along, too large to be held.

    Attributes:
        chunks: Begins to read it; called again when a request has to be sent again.
        size_bytes: Its length.
    """

    name: str
    chunks: Callable[[], AsyncIterator[bytes]]
    size_bytes: int
    content_type: str


class MultipartStream:
    """A body that httpx can send, as often as it must.

    Args:
        fields: Texts by name.
        param: The name of the file's field.
        file: Goes last.
    """

    def __init__(self, fields: Mapping[str, str], param: str, file: InputStream) -> None:
        boundary = secrets.token_hex(16)
        file_head = f'name="{param}"; filename="{file.name}"\r\nContent-Type: {file.content_type}'
        parts = [*(f'name="{name}"\r\n\r\n{text}\r\n' for name, text in fields.items()), f"{file_head}\r\n\r\n"]
        self._head = "".join(f"--{boundary}\r\nContent-Disposition: form-data; {part}" for part in parts).encode()
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self._file = file
        self.headers = {
            "content-type": f"multipart/form-data; boundary={boundary}",
            "content-length": str(len(self._head) + file.size_bytes + len(self._tail)),
        }

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The body from its start."""
        yield self._head
        async for chunk in self._file.chunks():
            yield chunk
        yield self._tail
