"""Fetches a file that a caller points to."""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from http import HTTPStatus

import httpx

from clients.guarded_transport import ForbiddenAddress
from domain.errors import FetchFailed, InvalidRequest, PayloadTooLarge
from domain.input_reference import ImageLimits

_LIMIT_S = 20.0
_AS_IT_IS = {"accept-encoding": "identity"}
"""A small file may decompress to any size."""
_NO_NAME = {socket.EAI_NONAME, socket.EAI_NODATA}
_BUSY = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}


class RemoteFiles:
    """Fetches files of bounded size.

    Args:
        http: Follows redirects, through a `GuardedTransport`.
        max_bytes: The largest file.
        schemes: How a URL may begin.
    """

    def __init__(self, http: httpx.AsyncClient, *, max_bytes: int, schemes: Sequence[str] = ("https",)) -> None:
        self._http = http
        self.limits = ImageLimits(max_bytes, schemes)

    async def fetch(self, url: str, *, param: str) -> bytes:
        """Fetch a file.

        Args:
            url: An https URL of the public internet.
            param: The request field that named it.

        Raises:
            FetchFailed: It cannot be had just now.
            InvalidRequest: It cannot be had.
            PayloadTooLarge: It is too large.
        """
        try:
            async with asyncio.timeout(_LIMIT_S), self._http.stream("GET", url, headers=_AS_IT_IS) as response:
                if not response.is_success:
                    why = f"the server answered {response.status_code}"
                    raise _unfetchable(why, param, FetchFailed if _may_pass(response) else InvalidRequest)
                if "content-encoding" in response.headers:
                    raise _unfetchable("the server compresses it", param)
                return await self._read(response, param)
        except ForbiddenAddress as error:
            raise _unfetchable(str(error), param) from error
        except (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError, TimeoutError) as error:
            if _is_for_good(error):
                raise _unfetchable(str(error), param) from error
            raise _unfetchable(f"the transfer failed ({type(error).__name__})", param, FetchFailed) from error
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise _unfetchable(f"the transfer failed ({type(error).__name__})", param) from error

    async def _read(self, response: httpx.Response, param: str) -> bytes:
        content = bytearray()
        async for chunk in response.aiter_bytes():
            content += chunk
            if len(content) > self.limits.max_bytes:
                raise PayloadTooLarge(f"The file is larger than {self.limits.max_bytes} bytes.", param=param)
        return bytes(content)


def _may_pass(response: httpx.Response) -> bool:
    return response.is_server_error or response.status_code in _BUSY


def _is_for_good(error: BaseException | None) -> bool:
    """Whether it comes from a name that nobody has, or from a certificate that does not show who is there."""
    match error:
        case None:
            return False
        case socket.gaierror(errno=number) if number in _NO_NAME:
            return True
        case UnicodeError() | ssl.SSLCertVerificationError():
            return True
        case _:
            return _is_for_good(error.__cause__ or error.__context__)


def _unfetchable(why: str, param: str, kind: type[InvalidRequest] = InvalidRequest) -> InvalidRequest:
    message = f"The file cannot be fetched: {why}. Give a public https URL, a data URL, or send the file itself."
    return kind(message, param=param, code="invalid_image_url")
