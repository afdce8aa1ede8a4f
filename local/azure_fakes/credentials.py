"""Who may call: API keys, and the tokens that the fake identity endpoint issues."""

import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

import jwt

TOKEN_LIFETIME_S: Final = 86_400
_ISSUER: Final = "https://sts.windows.net/00000000-0000-0000-0000-000000000000/"


class TokenIssuer:
    """Issues and reads access tokens, by the real clock, as the caches of the Azure SDKs do.

    Args:
        key: At least 32 bytes that sign the tokens.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def issue(self, resource: str, client_id: str | None) -> tuple[str, int]:
        """Return a token for a resource and when it expires, as Unix seconds."""
        now = int(time.time())
        expires_on = now + TOKEN_LIFETIME_S
        claims = {"iss": _ISSUER, "aud": resource, "iat": now, "nbf": now, "exp": expires_on, "appid": client_id}
        return jwt.encode(claims, self._key, algorithm="HS256"), expires_on

    def accepts(self, token: str, audiences: Iterable[str]) -> bool:
        """Say whether a token was issued here, is valid now, and is meant for one of the audiences."""
        try:
            claims: dict[str, Any] = jwt.decode(
                token, self._key, algorithms=["HS256"], audience=list(audiences), issuer=_ISSUER
            )
        except jwt.InvalidTokenError:
            return False
        return bool(claims)


def bearer(headers: Mapping[str, str]) -> str | None:
    """Return the token or key after `Authorization: Bearer`."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    return value.strip() or None if scheme.lower() == "bearer" else None
