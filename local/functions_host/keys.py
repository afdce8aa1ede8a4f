"""The host's access keys, asked for when it runs with `--auth`.

https://learn.microsoft.com/azure/azure-functions/function-keys-how-to
"""

import json
import secrets
from dataclasses import asdict, dataclass
from enum import StrEnum
from hmac import compare_digest
from pathlib import Path


class Access(StrEnum):
    """Who may call an endpoint; the values are those of an HTTP trigger's `authLevel`."""

    ANONYMOUS = "anonymous"
    FUNCTION = "function"
    ADMIN = "admin"
    DURABLE_TASK = "durabletask_extension"
    EVENT_GRID = "eventgrid_extension"


@dataclass(frozen=True, slots=True)
class Keys:
    """One key for each kind of endpoint; the master key opens all.

    Attributes:
        master: Opens everything, and alone what asks for `admin`.
        function: Opens functions of level `function`.
        durabletask_extension: Opens the Durable HTTP API.
        eventgrid_extension: Opens the Event Grid webhook.
    """

    master: str
    function: str
    durabletask_extension: str
    eventgrid_extension: str

    @classmethod
    def generate(cls) -> "Keys":
        """New random keys."""
        return cls(*(secrets.token_urlsafe(40) for _ in range(4)))

    @classmethod
    def load(cls, path: Path) -> "Keys":
        """The keys kept in a file, made at the first call."""
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_text(cls.generate().to_json(), "utf-8")
        return cls(**json.loads(path.read_text("utf-8")))

    def to_json(self) -> str:
        """The keys as a JSON object."""
        return json.dumps(asdict(self))

    def allow(self, access: Access, presented: str) -> bool:
        """Whether a caller that presents a key may call an endpoint."""
        if access is Access.ANONYMOUS:
            return True
        accepted = [self.master] if access is Access.ADMIN else [self.master, getattr(self, access.value)]
        return any(compare_digest(presented.encode(), key.encode()) for key in accepted)
