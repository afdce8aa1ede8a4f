"""Puts a deployment's credential on each request, and tries once more with a renewed one when it is refused."""

from collections.abc import AsyncGenerator, Awaitable, Mapping
from http import HTTPStatus

import httpx

from clients.credentials import Credentials
from domain.auth import Auth
from domain.errors import CredentialUnavailable, NoCredential


class UpstreamAuth(httpx.Auth):
    """The credential of one deployment, on the request that httpx sends.

    Args:
        credentials: Makes the headers.
        auth: The deployment's.
    """

    def __init__(self, credentials: Credentials, auth: Auth) -> None:
        self._credentials = credentials
        self._auth = auth

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send a request, and once more after a 401: it has changed nothing, so a creation may be repeated too.

        Raises:
            NoCredential: There is no token or key to send.
        """
        credential = await _had(self._credentials.headers(self._auth))
        request.headers.update(credential)
        response = yield request
        if response.status_code == HTTPStatus.UNAUTHORIZED and credential:
            request.headers.update(await _had(self._credentials.renewed(self._auth, credential)))
            yield request


async def _had(headers: Awaitable[Mapping[str, str]]) -> Mapping[str, str]:
    try:
        return await headers
    except CredentialUnavailable as error:
        raise NoCredential(str(error)) from error
