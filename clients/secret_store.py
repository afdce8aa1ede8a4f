"""Resolves secret references: the only place where a secret's value is read."""

import asyncio
import logging
import os
import time
from collections import defaultdict
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from azure.core.exceptions import AzureError, HttpResponseError
from azure.keyvault.secrets.aio import SecretClient

from domain.errors import CredentialUnavailable
from domain.secret_reference import SecretReference

_log = logging.getLogger(__name__)
_LIMIT_S = 10.0
_RETRY_S = 10.0
_FRESH_S = 300.0
"""How long a secret is believed before it is read again, so that one that was rotated or taken away is noticed."""
_TAKEN_AWAY = {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}
"""What Key Vault answers for a secret that is disabled, deleted, or no longer ours to read."""


class _Read(NamedTuple):
    value: str | None
    until: float
    why: str = ""


class _Gone(CredentialUnavailable):
    """Whoever holds it answered, and has no secret for us."""


class SecretStore:
    """Reads secrets and remembers them for a while; concurrent readers of one secret share one read.

    Args:
        open_vault: Makes a client for a Key Vault URL such as `https://V.vault.azure.net`.
        monotonic: Seconds since some moment.
    """

    def __init__(
        self, open_vault: Callable[[str], SecretClient], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._open_vault = open_vault
        self._monotonic = monotonic
        self._vaults = dict[str, SecretClient]()
        self._reads = dict[SecretReference, _Read]()
        self._locks = defaultdict[SecretReference, asyncio.Lock](asyncio.Lock)

    async def get(self, reference: SecretReference) -> str:
        """The secret's value.

        Raises:
            CredentialUnavailable: It is not there or may not be read; the message says which, never what.
        """
        async with self._locks[reference]:
            read = self._reads.get(reference)
            if read is None or self._monotonic() >= read.until:
                read = self._reads[reference] = await self._renewed(reference, read)
        if read.value is None:
            raise CredentialUnavailable(read.why)
        return read.value

    def forget(self, reference: SecretReference) -> None:
        """Read it anew next time: somebody refused it."""
        self._reads.pop(reference, None)

    async def close(self) -> None:
        """Close the vault connections."""
        for vault in self._vaults.values():
            await vault.close()

    async def _renewed(self, reference: SecretReference, last: _Read | None) -> _Read:
        """A vault that is down for a while does not make a known secret unknown, nor have everybody wait for it."""
        try:
            return _Read(await self._fetch(reference), self._monotonic() + _FRESH_S)
        except CredentialUnavailable as error:
            until = self._monotonic() + _RETRY_S
            if last is None or last.value is None or isinstance(error, _Gone):
                return _Read(None, until, str(error))
            _log.warning("the last known value is used: %s", error)
            return last._replace(until=until)

    async def _fetch(self, reference: SecretReference) -> str:
        match reference.kind:
            case "keyvault":
                value = await self._read_vault(reference)
            case "env" | "file":
                value = await asyncio.to_thread(read_here, reference)
        if not value:
            raise _Gone(f"{reference} is empty or not set")
        return value

    async def _read_vault(self, reference: SecretReference) -> str:
        url = urlsplit(reference.target)
        _, _, name, *version = url.path.split("/")
        vault_url = f"{url.scheme}://{url.netloc}"
        if vault_url not in self._vaults:
            self._vaults[vault_url] = self._open_vault(vault_url)
        vault = self._vaults[vault_url]
        try:
            async with asyncio.timeout(_LIMIT_S):
                secret = await vault.get_secret(name, version[0] if version else None)
        except (AzureError, TimeoutError) as error:
            gone = isinstance(error, HttpResponseError) and error.status_code in _TAKEN_AWAY
            kind = _Gone if gone else CredentialUnavailable
            raise kind(f"{reference} cannot be read: {type(error).__name__}") from error
        return secret.value or ""


def read_here(reference: SecretReference) -> str:
    """The value of a secret that this machine holds; empty if there is none.

    Raises:
        CredentialUnavailable: It is held elsewhere, or cannot be read.
    """
    if reference.kind == "env":
        return os.environ.get(reference.target, "")
    if reference.kind != "file":
        raise CredentialUnavailable(f"{reference} is not held on this machine: use env: or file:")
    try:
        return Path(reference.target).read_text(encoding="utf-8").strip()
    except OSError as error:
        kind = _Gone if isinstance(error, FileNotFoundError | PermissionError) else CredentialUnavailable
        raise kind(f"{reference} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:  # it carries the file's bytes
        raise CredentialUnavailable(f"{reference} is no text in UTF-8") from None
