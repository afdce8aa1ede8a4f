"""The operator's own checks: a function, or an endpoint. Both see the same document and give the same verdict."""

import asyncio
import importlib
import inspect
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from http import HTTPStatus
from typing import Any

import httpx

from clients.secret_store import SecretStore
from domain.errors import CheckImpossible, CredentialUnavailable
from domain.guardrails import HttpsCheck, PythonCheck
from domain.secret_reference import SecretReference

_THREADS = 8
"""So many calls of a function run at once."""
_LONGEST_ANSWER_BYTES = 64 * 1024
_REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}

type Document = Mapping[str, Any]


class PythonHook:
    """A function that is called with the document, in one of its own threads; what it answers is awaited if it can be.

    The event loop's threads look up names for the whole app, so a function that hangs must not be in them.

    Args:
        check: Where it is found.

    Raises:
        ValueError: It is not there.
    """

    def __init__(self, check: PythonCheck) -> None:
        self._function = _load(check.python)
        self._threads = ThreadPoolExecutor(_THREADS, check.python)

    async def ask(self, document: Document) -> object:
        """The function's verdict.

        Raises:
            CheckImpossible: It raised something.
        """
        try:
            loop, context = asyncio.get_running_loop(), copy_context()
            answer = await loop.run_in_executor(self._threads, lambda: context.run(self._function, document))
            return await answer if inspect.isawaitable(answer) else answer
        except Exception as error:  # noqa: BLE001 - it is not ours, and its words may quote the prompt
            raise CheckImpossible(f"the function raised {type(error).__name__}") from None


class HttpsHook:
    """An endpoint that the document is posted to.

    Args:
        check: Where it is.
        http: Follows no redirects, and sends through a `GuardedTransport`.
        secrets: Reads what the endpoint wants to be shown.
    """

    def __init__(self, check: HttpsCheck, http: httpx.AsyncClient, secrets: SecretStore) -> None:
        self._url = str(check.https)
        self._bearer = check.bearer
        self._http = http
        self._secrets = secrets

    async def ask(self, document: Document) -> object:
        """The endpoint's verdict; none (204) allows.

        Raises:
            CheckImpossible: It gave none.
        """
        try:
            headers = await _authorization(self._bearer, self._secrets)
            async with self._http.stream("POST", self._url, json=document, headers=headers) as response:
                return await self._read(response)
        except CredentialUnavailable as error:
            raise CheckImpossible(str(error)) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CheckImpossible(f"the request failed ({type(error).__name__})") from error
        except ValueError:
            raise CheckImpossible("the answer is no JSON") from None

    async def _read(self, response: httpx.Response) -> object:
        if response.status_code == HTTPStatus.NO_CONTENT:
            return None
        if response.status_code != HTTPStatus.OK:
            if self._bearer and response.status_code in _REFUSED:
                self._secrets.forget(self._bearer)
            raise CheckImpossible(f"HTTP {response.status_code}")
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > _LONGEST_ANSWER_BYTES:
                raise CheckImpossible(f"the answer is longer than {_LONGEST_ANSWER_BYTES} bytes")
        return json.loads(body) or {}  # a null is no verdict


async def _authorization(bearer: SecretReference | None, secrets: SecretStore) -> Mapping[str, str]:
    return {"authorization": f"Bearer {await secrets.get(bearer)}"} if bearer else {}


def _load(place: str) -> Callable[[Document], Any]:
    """The function at `module:function`.

    Raises:
        ValueError: It is not there.
    """
    module_name, _, name = place.partition(":")
    try:
        function = getattr(importlib.import_module(module_name), name)
    except Exception as error:  # whatever a module does when it is imported
        raise ValueError(f"{place} cannot be loaded: {error!r}") from error
    if not callable(function):
        raise ValueError(f"{place} is no function")  # noqa: TRY004 - it is the configuration that is wrong
    return function
