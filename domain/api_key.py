"""A caller's key: whose it is, what may be asked for with it, and the secrets that it is known by."""

import re
from base64 import urlsafe_b64encode
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from domain.caller import Allowance, Limits
from domain.errors import RequestConflict, Unauthorized
from domain.tenant import PRINTABLE, Metadata, TenantName, Weight
from domain.timed_id import TimedIds

KEY_IDS = TimedIds("key", "key_")
SECRET_BYTES = 32
_SECRET = re.compile(r"sk-[A-Za-z0-9_-]{43}")


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class KeySettings(_Value):
    """What the operator may say of a key, and change.

    Attributes:
        name: What it is for.
        allowance: What may be asked for with it.
        limits: How much.
        weight: The share of the slots of what it asks for; None for the tenant's.
        metadata: The operator's own notes.
        expires_at: From then on it is refused.
        disabled: Whether it is refused now.
    """

    name: Annotated[str, Field(min_length=1, max_length=200, pattern=PRINTABLE)]
    allowance: Allowance = Allowance()
    limits: Limits = Limits()
    weight: Weight | None = None
    metadata: Metadata = {}
    expires_at: AwareDatetime | None = None
    disabled: bool = False


class KeySecret(_Value):
    """What a secret is known by, but not the secret.

    Attributes:
        sha256: Its digest, in hexadecimal: of 256 random bits, so nobody finds the secret by trying.
        valid_until: From then on it is refused; None for the present one.
    """

    sha256: Annotated[str, Field(repr=False)]
    valid_until: AwareDatetime | None = None


class ApiKey(KeySettings):
    """The record of a key.

    Attributes:
        revoked_at: When it was given up for good; its secrets stay on record, so that who sends one is told.
        secrets: The present one first.
    """

    key_id: str
    tenant: TenantName
    created_at: AwareDatetime
    revoked_at: AwareDatetime | None = None
    secrets: tuple[KeySecret, ...] = ()

    def with_settings(self, settings: KeySettings) -> Self:
        """The same key with other settings.

        Raises:
            RequestConflict: It was revoked.
        """
        self._still_there()
        return self.model_copy(update=dict(settings))

    def rotated(self, digest: str, now: datetime, *, overlap: timedelta) -> Self:
        """Known by a new secret, and for a while by the one before as well; never by a third.

        Args:
            digest: Of the new secret.
            now: The present time.
            overlap: How long.

        Raises:
            RequestConflict: It was revoked.
        """
        self._still_there()
        if self.secrets[0].sha256 == digest:
            return self
        before = self.secrets[0].model_copy(update={"valid_until": now + overlap})
        secrets = (KeySecret(sha256=digest), *([before] if overlap else []))
        return self.model_copy(update={"secrets": secrets})

    def revoked(self, now: datetime) -> Self:
        """Given up for good; what it was stays on record."""
        return self if self.revoked_at else self.model_copy(update={"revoked_at": now})

    def check(self, now: datetime) -> None:
        """Refuse a key that is not to be used now.

        Raises:
            Unauthorized: Why.
        """
        if self.revoked_at:
            raise Unauthorized("The API key was revoked.")
        if self.disabled:
            raise Unauthorized("The API key is disabled.")
        if self.expires_at and self.expires_at <= now:
            raise Unauthorized(f"The API key expired at {self.expires_at.isoformat()}.")

    def check_secret(self, digest: str, now: datetime) -> None:
        """Refuse a secret that was replaced.

        Raises:
            Unauthorized: Another one is to be used.
        """
        for secret in self.secrets:
            if secret.sha256 == digest and (secret.valid_until is None or secret.valid_until > now):
                return
        raise Unauthorized("The API key was rotated: use its new secret.")

    def _still_there(self) -> None:
        if self.revoked_at:
            raise RequestConflict(f"The key {self.key_id} was revoked.", param="key_id", code="key_revoked")


def secret_of(randomness: bytes) -> str:
    """A secret.

    Args:
        randomness: `SECRET_BYTES` of it.
    """
    return f"sk-{urlsafe_b64encode(randomness).decode().rstrip('=')}"


def is_secret(text: str) -> bool:
    """Whether the text has the form of one."""
    return _SECRET.fullmatch(text) is not None


def digest_of(secret: str) -> str:
    """What a secret is known by."""
    return sha256(secret.encode()).hexdigest()
