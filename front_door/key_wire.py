"""What operators say of keys, and what we answer."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from domain.api_key import ApiKey, KeySettings
from domain.caller import Allowance, Limits
from domain.tenant import TenantName


class NewKey(KeySettings):
    """A key to make.

    Attributes:
        tenant: Who shall own what is made with it.
    """

    tenant: TenantName


class KeyRotation(BaseModel):
    """A new secret for a key.

    Attributes:
        overlap_s: How long the one before is accepted as well, in seconds.
    """

    model_config = ConfigDict(extra="forbid")
    overlap_s: Annotated[int, Field(ge=0, le=30 * 86_400)] = 86_400


class KeySecretState(BaseModel):
    """That there is a secret, but not what it is.

    Attributes:
        valid_until: Until then it is accepted; None for the present one.
    """

    valid_until: datetime | None


class KeyAnswer(BaseModel):
    """A key.

    Attributes:
        revoked_at: When it was given up for good.
    """

    id: str
    object: Literal["api_key"] = "api_key"
    tenant: str
    name: str
    allowance: Allowance
    limits: Limits
    weight: float | None
    metadata: Mapping[str, str]
    expires_at: AwareDatetime | None
    disabled: bool
    created_at: AwareDatetime
    revoked_at: AwareDatetime | None
    secrets: Sequence[KeySecretState]

    @classmethod
    def of(cls, key: ApiKey, now: datetime) -> Self:
        """As it is now."""
        fields = key.model_dump(exclude={"key_id", "secrets"})
        secrets = () if key.revoked_at else key.secrets
        accepted = [each for each in secrets if each.valid_until is None or each.valid_until > now]
        return cls(**fields, id=key.key_id, secrets=[KeySecretState(valid_until=each.valid_until) for each in accepted])


class KeyWithSecret(KeyAnswer):
    """A key whose secret was just made.

    Attributes:
        secret: What callers send; never shown again.
    """

    secret: str

    @classmethod
    def showing(cls, secret: str, key: ApiKey, now: datetime) -> Self:
        """This once."""
        return cls(**KeyAnswer.of(key, now).model_dump(), secret=secret)


class KeyList(BaseModel):
    """One page of keys; the next begins `after` the last id."""

    object: Literal["list"] = "list"
    data: Sequence[KeyAnswer]
    last_id: str | None
    has_more: bool


class RevokedKey(BaseModel):
    """What DELETE answers."""

    id: str
    object: Literal["api_key.deleted"] = "api_key.deleted"
    deleted: Literal[True] = True
