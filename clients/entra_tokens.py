"""Callers who come with a token of Microsoft Entra instead of a key.

Source: https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
"""

import re
from typing import Any, Final

import jwt

from clients.signing_keys import ALGORITHM, SigningKeys
from domain.errors import Busy, CredentialUnavailable, Unauthorized

_LEEWAY_S: Final = 60.0
_RETRY_AFTER_S: Final = 5
_APP_CLAIMS: Final = ("azp", "appid")
"""Of tokens of version 2.0 and 1.0."""
_APP_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class EntraTokens:
    """Reads tokens.

    Args:
        keys: Those of the issuer.
        issuer: Who must have issued a token.
        audience: Whom it must be for: us.
    """

    def __init__(self, keys: SigningKeys, *, issuer: str, audience: str) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience

    async def app_of(self, token: str) -> str:
        """The id of the application that a token was issued to.

        Raises:
            Unauthorized: It is not accepted.
            Busy: Nobody can tell just now.
        """
        try:
            claims = await self._claims(token)
        except CredentialUnavailable as error:
            raise Busy("The token cannot be checked just now.", retry_after_s=_RETRY_AFTER_S) from error
        except jwt.PyJWTError as error:
            raise Unauthorized(f"The token is not accepted: {error}.") from None
        if "scp" in claims:
            raise Unauthorized("The token is a user's at an application. Send one of the application's own.")
        app = next((claims[name] for name in _APP_CLAIMS if claims.get(name)), None)
        if not isinstance(app, str) or not _APP_ID.fullmatch(app):
            raise Unauthorized("The token does not say which application it was issued to.")
        return app

    async def _claims(self, token: str) -> dict[str, Any]:
        key = await self._keys.get(str(jwt.get_unverified_header(token).get("kid")))
        if key is None:
            raise jwt.InvalidTokenError("it was signed with an unknown key")
        return jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            issuer=self._issuer,
            audience=self._audience,
            leeway=_LEEWAY_S,
            options={"require": ["exp", "nbf", "iss", "aud"]},
        )


def is_token(presented: str) -> bool:
    """Whether this has the form of a token: a JWT, signed."""
    return presented.startswith("eyJ") and presented.count(".") == 2  # noqa: PLR2004 - header, claims, signature
