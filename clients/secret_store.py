"""Resolves secret references: the only place where a secret's value is read."""

import asyncio
import logging
import os
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import NamedTuple
from urllib.parse import urlsplit

from azure.core.exceptions import AzureError
from azure.keyvault.secrets.aio import SecretClient

from domain.errors import CredentialUnavailable
from domain.secret_reference import SecretReference

_log = logging.getLogger(__name__)
_RETRY_S = 10.0
_FRESH_S = 300.0
"""How long a secret is believed before it is read again, so that a rotated one is noticed."""


class _Read(NamedTuple):
    value: str
    at: float


class SecretStore:
    """Reads secrets and remembers them for a while; concurrent readers of one secret share one read.

    Args:
        open_vault: Makes a client for a Key Vault URL such as `https://V.vault.azure.net`.
    """

    def __init__(self, open_vault: Callable[[str], SecretClient]) -> None:
        self._open_vault = open_vault
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
            if read is None or monotonic() - read.at > _FRESH_S:
                read = self._reads[reference] = await self._renewed(reference, read)
            return read.value

    def forget(self, reference: SecretReference) -> None:
        """Read it anew next time: somebody refused it."""
        self._reads.pop(reference, None)

    async def close(self) -> None:
        """Close the vault connections."""
        for vault in self._vaults.values():
            await vault.close()

    async def _renewed(self, reference: SecretReference, last: _Read | None) -> _Read:
        """A vault that is down for a while does not make a known secret unknown."""
        try:
            return _Read(await self._fetch(reference), monotonic())
        except CredentialUnavailable as error:
            if last is None:
                raise
            _log.warning("the last known value is used: %s", error)
            return last._replace(at=monotonic() - _FRESH_S + _RETRY_S)

    async def _fetch(self, reference: SecretReference) -> str:
        match reference.kind:
            case "keyvault":
                value = await self._read_vault(reference)
            case "env" | "file":
                value = await asyncio.to_thread(read_here, reference)
        if not value:
            raise CredentialUnavailable(f"{reference} is empty or not set")
        return value

    async def _read_vault(self, reference: SecretReference) -> str:
        url = urlsplit(reference.target)
        _, _, name, *version = url.path.split("/")
        vault_url = f"{url.scheme}://{url.netloc}"
        if vault_url not in self._vaults:
            self._vaults[vault_url] = self._open_vault(vault_url)
        vault = self._vaults[vault_url]
        try:
            secret = await vault.get_secret(name, version[0] if version else None)
        except AzureError as error:
            raise CredentialUnavailable(f"{reference} cannot be read: {type(error).__name__}") from error
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
        raise CredentialUnavailable(f"{reference} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:  # it carries the file's bytes
        raise CredentialUnavailable(f"{reference} is no text in UTF-8") from None
