"""What operators read of what was done."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

from pydantic import AwareDatetime, BaseModel

from domain.audit import AuditEntry


class AuditAnswer(BaseModel):
    """One change."""

    id: str
    object: Literal["audit_entry"] = "audit_entry"
    at: AwareDatetime
    actor: str
    action: str
    subject: str
    tenant: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    @classmethod
    def of(cls, entry: AuditEntry) -> Self:
        """As it was written down."""
        return cls(id=entry.entry_id, **entry.model_dump(exclude={"entry_id"}))


class AuditList(BaseModel):
    """One page of changes; the next begins `after` the last id."""

    object: Literal["list"] = "list"
    data: Sequence[AuditAnswer]
    last_id: str | None
    has_more: bool
