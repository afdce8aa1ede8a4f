"""An event from Event Grid, whichever schema its subscription chose."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple, Self

import azure.functions as func


class GridEvent(NamedTuple):
    """What both schemas have in common, by CloudEvents' names, and the rest; what is delivered again is the same."""

    id: str
    source: str
    type: str
    subject: str | None
    time: datetime | None
    data: Any
    rest: Mapping[str, Any] = MappingProxyType({})

    @classmethod
    def of(cls, event: func.CloudEvent | func.EventGridEvent) -> Self:
        """Read what the trigger gives: a class for each schema, whatever the function declares."""
        if isinstance(event, func.CloudEvent):
            rest = {
                "datacontenttype": event.datacontenttype,
                "dataschema": event.dataschema,
                **event.extension_attrs,
            }
            return cls(event.id, event.source, event.type, event.subject, event.time, event.get_json(), rest)
        rest = {"dataversion": event.data_version or None}
        return cls(event.id, event.topic, event.event_type, event.subject, event.event_time, event.get_json(), rest)

    @classmethod
    def of_cloud_event(cls, event: Mapping[str, Any]) -> Self:
        """Read what `as_cloud_event` made."""
        known = {"specversion", *cls._fields} - {"rest"}
        rest = {name: value for name, value in event.items() if name not in known}
        time = datetime.fromisoformat(event["time"]) if "time" in event else None
        subject, data = event.get("subject"), event.get("data")
        return cls(event["id"], event["source"], event["type"], subject, time, data, rest)

    @property
    def digest(self) -> str:
        """A name that no other event has: a source gives each of its events another id."""
        return hashlib.sha256(f"{self.source}\n{self.id}".encode()).hexdigest()

    def as_cloud_event(self) -> Mapping[str, Any]:
        """The event, ready to be published again."""
        fields = self._asdict()
        del fields["rest"]
        fields["time"] = self.time and self.time.isoformat().replace("+00:00", "Z")
        present = {name: value for name, value in {**self.rest, **fields}.items() if value is not None}
        return {"specversion": "1.0", **present}
