"""How long what belongs to videos and files is kept."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from domain.configuration import Configuration

type Days = Annotated[int, Field(ge=1, le=36_500)]


class Retention(Configuration):
    """Days to keep things; None is for ever.

    Attributes:
        content_days: A video's content, after it ended.
        record_days: A video's record and whatever it still has, after it ended.
        request_days: What a video was asked with, after it ended; and files, after they were made.
    """

    content_days: Days | None = None
    record_days: Days | None = None
    request_days: Days | None = None

    @property
    def content(self) -> timedelta | None:
        """See `content_days`."""
        return _time(self.content_days)

    @property
    def record(self) -> timedelta | None:
        """See `record_days`."""
        return _time(self.record_days)

    @property
    def request(self) -> timedelta | None:
        """See `request_days`."""
        return _time(self.request_days)


class RetentionRules(Configuration):
    """What holds for all tenants, and what is otherwise for some.

    Attributes:
        default: For whatever a tenant has no rule of its own.
        tenants: By name; a rule that is null keeps for ever.
    """

    default: Retention = Retention()
    tenants: Mapping[str, Retention] = {}

    def of(self, tenant: str) -> Retention:
        """What holds for a tenant."""
        own = self.tenants.get(tenant, Retention())
        return self.default.model_copy(update=own.model_dump(exclude_unset=True))


def _time(days: int | None) -> timedelta | None:
    return None if days is None else timedelta(days=days)
