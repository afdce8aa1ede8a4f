"""Fetches a file that a caller points to."""

import asyncio

import httpx

from clients.guarded_transport import ForbiddenAddress
from domain.errors import InvalidRequest, PayloadTooLarge

_LIMIT_S = 20.0
_AS_IT_IS = {"accept-encoding": "identity"}
"""A small file may decompress to any size."""


class RemoteFiles:
    """Fetches files of bounded size.

    Args:
        http: Follows redirects, through a `GuardedTransport`.
        max_bytes: The largest file.
    """

    def __init__(self, http: httpx.AsyncClient, *, max_bytes: int) -> None:
        self._http = http
        self.max_bytes = max_bytes

    async def fetch(self, url: str, *, param: str) -> bytes:
        """Fetch a file.

        Args:
            url: An https URL of the public internet.
            param: The request field that named it.

        Raises:
            InvalidRequest: It cannot be had.
            PayloadTooLarge: It is too large.
        """
        try:
            async with asyncio.timeout(_LIMIT_S), self._http.stream("GET", url, headers=_AS_IT_IS) as response:
                if not response.is_success:
                    raise _unfetchable(f"the server answered {response.status_code}", param)
                if "content-encoding" in response.headers:
                    raise _unfetchable("the server compresses it", param)
                return await self._read(response, param)
        except ForbiddenAddress as error:
            raise _unfetchable(str(error), param) from error
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise _unfetchable(f"the transfer failed ({type(error).__name__})", param) from error

    async def _read(self, response: httpx.Response, param: str) -> bytes:
        content = bytearray()
        async for chunk in response.aiter_bytes():
            content += chunk
            if len(content) > self.max_bytes:
                raise PayloadTooLarge(f"The file is larger than {self.max_bytes} bytes.", param=param)
        return bytes(content)


def _unfetchable(why: str, param: str) -> InvalidRequest:
    message = f"The file cannot be fetched: {why}. Give a public https URL, a data URL, or send the file itself."
    return InvalidRequest(message, param=param, code="invalid_image_url")
