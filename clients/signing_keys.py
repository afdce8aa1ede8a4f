"""The keys with which an issuer signs tokens, as it publishes them.

Source: https://openid.net/specs/openid-connect-discovery-1_0.html
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx
import jwt

from domain.errors import CredentialUnavailable

ALGORITHM: Final = "RS256"
_UNKNOWN_S: Final = 60.0
"""So long after a fetch, a key that is not known makes no other one: strangers name any."""
_FRESH_S: Final = 86_400.0
_RETRY_S: Final = 5.0
_log = logging.getLogger(__name__)


class SigningKeys:
    """Fetches the keys and remembers them; those who wait for them share a fetch.

    Args:
        issuer: The issuer's URL.
        http: Reaches it.
        monotonic: Seconds since some moment.
    """

    def __init__(self, issuer: str, http: httpx.AsyncClient, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._issuer = issuer
        self._http = http
        self._monotonic = monotonic
        self._lock = asyncio.Lock()
        self._keys: Mapping[str, jwt.PyJWK] | None = None
        self._fetched_at = float("-inf")

    async def get(self, key_id: str) -> jwt.PyJWK | None:
        """The key of this id, if the issuer has such a one.

        Raises:
            CredentialUnavailable: The issuer's keys cannot be had.
        """
        if self._must_fetch(key_id):
            async with self._lock:
                if self._must_fetch(key_id):
                    await self._renew()
        if self._keys is None:
            raise CredentialUnavailable(f"the signing keys of {self._issuer} cannot be had")
        return self._keys.get(key_id)

    def _must_fetch(self, key_id: str) -> bool:
        age_s = self._monotonic() - self._fetched_at
        if self._keys is None:
            return age_s >= _RETRY_S
        return age_s >= (_FRESH_S if key_id in self._keys else _UNKNOWN_S)

    async def _renew(self) -> None:
        """An issuer that is down for a while does not make known keys unknown."""
        try:
            self._keys = await self._fetch()
        except (httpx.HTTPError, jwt.PyJWTError, LookupError, TypeError, ValueError) as error:
            _log.warning("the signing keys of %s cannot be fetched: %r", self._issuer, error)
        self._fetched_at = self._monotonic()

    async def _fetch(self) -> Mapping[str, jwt.PyJWK]:
        told = await self._read(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if told["issuer"] != self._issuer:
            raise ValueError("it says that it is another issuer")
        keys: list[dict[str, Any]] = (await self._read(told["jwks_uri"]))["keys"]
        return {
            key["kid"]: jwt.PyJWK(key, ALGORITHM) for key in keys if key["kty"] == "RSA" and key.get("use") == "sig"
        }

    async def _read(self, url: str) -> dict[str, Any]:
        return (await self._http.get(url)).raise_for_status().json()
