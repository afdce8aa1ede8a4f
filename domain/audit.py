"""What operators did."""

from collections.abc import Mapping
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict

from domain.timed_id import TimedIds

AUDIT_IDS = TimedIds("audit entry", "audit_")
_UNSAID: Any = {"secrets": {"__all__": {"sha256", "value"}}}


class AuditEntry(BaseModel):
    """One change, as it was made; it is never changed itself.

    Attributes:
        actor: Who made it.
        action: What was done, such as `key.create`.
        subject: To what: an id, or the name of a tenant.
        tenant: Whose that is.
        before: How it was, without its secrets; None if it was not there.
        after: How it is since; None if it is gone.
    """

    model_config = ConfigDict(frozen=True)
    entry_id: str
    at: AwareDatetime
    actor: str
    action: str
    subject: str
    tenant: str
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


def told(thing: BaseModel | None) -> Mapping[str, Any] | None:
    """A record as the audit tells of it: without its secrets."""
    return thing.model_dump(mode="json", exclude=_UNSAID) if thing else None
