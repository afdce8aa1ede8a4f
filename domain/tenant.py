"""A tenant: who owns what is made, and how much of it all of its keys may ask for together."""

import re
from collections.abc import Mapping
from typing import Annotated, Final, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from domain.caller import Allowance, Limits
from domain.inbox import DEAD_LETTERS, HELD, INBOX
from domain.video_request import METADATA_KEY_LIMIT, METADATA_PAIRS, METADATA_VALUE_LIMIT

PRINTABLE: Final = r"^[^\x00-\x1f\x7f-\x9f]*$"
"""Without control characters, which a terminal obeys."""
_NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$"


def is_tenant_name(text: str) -> bool:
    """Whether a tenant can have this name: not every text is a key of a table."""
    return re.fullmatch(_NAME, text) is not None


def _is_no_folder_of_ours(tenant: str) -> str:
    if tenant in {INBOX, DEAD_LETTERS, HELD}:
        raise ValueError(f"'{tenant}' is the name of a folder beside those of the tenants")
    return tenant


type TenantName = Annotated[str, Field(pattern=_NAME), AfterValidator(_is_no_folder_of_ours)]
type Weight = Annotated[float, Field(ge=0.001, le=1_000)]
type Metadata = Annotated[
    Mapping[
        Annotated[str, Field(min_length=1, max_length=METADATA_KEY_LIMIT, pattern=PRINTABLE)],
        Annotated[str, Field(max_length=METADATA_VALUE_LIMIT, pattern=PRINTABLE)],
    ],
    Field(max_length=METADATA_PAIRS),
]


class TenantSettings(BaseModel):
    """What the operator may say of a tenant, and change.

    Attributes:
        limits: How much it may ask for in all.
        allowance: What may be asked for without a key that has one of its own.
        weight: Its share of the slots, beside other tenants'; None for that of the configuration, or 1.
        metadata: The operator's own notes.
        disabled: Whether all of its keys are refused.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    limits: Limits = Limits()
    allowance: Allowance = Allowance()
    weight: Weight | None = None
    metadata: Metadata = {}
    disabled: bool = False


class Tenant(TenantSettings):
    """The record of a tenant.

    Attributes:
        created_at: When the record was made; the tenant may be older.
    """

    name: TenantName
    created_at: AwareDatetime

    def with_settings(self, settings: TenantSettings) -> Self:
        """The same tenant with other settings."""
        return self.model_copy(update=dict(settings))
