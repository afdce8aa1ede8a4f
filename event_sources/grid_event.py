"""An event from Event Grid, whichever schema its subscription chose."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple, Self

import azure.functions as func


class GridEvent(NamedTuple):
    """What both schemas have in common, by CloudEvents' names; what is delivered again is the same."""

    id: str
    source: str
    type: str
    subject: str | None
    time: datetime | None
    data: Any

    @classmethod
    def of(cls, event: func.CloudEvent | func.EventGridEvent) -> Self:
        """Read what the trigger gives: a class for each schema, whatever the function declares."""
        if isinstance(event, func.CloudEvent):
            return cls(event.id, event.source, event.type, event.subject, event.time, event.get_json())
        return cls(event.id, event.topic, event.event_type, event.subject, event.event_time, event.get_json())

    @property
    def digest(self) -> str:
        """A name that no other event has: a source gives each of its events another id."""
        return hashlib.sha256(f"{self.source}\n{self.id}".encode()).hexdigest()

    def as_cloud_event(self) -> Mapping[str, Any]:
        """The event, ready to be published again."""
        present = {name: value for name, value in self._asdict().items() if value is not None}
        return {"specversion": "1.0", **present} | ({"time": self.time.isoformat()} if self.time else {})
