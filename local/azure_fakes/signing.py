"""The key that Entra signs tokens with for those who check them themselves."""

import json
import secrets
import time
from functools import cached_property
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

ALGORITHM: Final = "RS256"
_KEY_BITS: Final = 2048


class SigningKey:
    """An RSA key, made when it is first needed."""

    def __init__(self) -> None:
        self.key_id = secrets.token_hex(8)

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)

    def sign(self, claims: dict[str, Any], *, lifetime_s: int) -> str:
        """Return a token that is valid from now on."""
        now = int(time.time())
        times = {"iat": now, "nbf": now, "exp": now + lifetime_s}
        return jwt.encode(times | claims, self._key, ALGORITHM, {"kid": self.key_id})

    def published(self) -> dict[str, Any]:
        """Return the key as others see it."""
        public: dict[str, Any] = json.loads(RSAAlgorithm.to_jwk(self._key.public_key()))
        return {"kty": "RSA", "use": "sig", "kid": self.key_id, "n": public["n"], "e": public["e"]}
