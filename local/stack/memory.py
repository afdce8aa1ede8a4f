"""What a stack remembers from one run to the next: its keys, and the ports that stored URLs name."""

import secrets
from pathlib import Path
from typing import Self

from pydantic import BaseModel, Field

from local.stack.files import write_private


def _new_key() -> str:
    return f"sk-reelay-{secrets.token_urlsafe(24)}"


class Memory(BaseModel):
    """The remembered keys and ports of one state folder.

    Attributes:
        api_key: Opens the front door for the tenant `local`.
        admin_key: Opens its administration.
        upstream_key: What the deployments that take an API key want; kept in the fake Key Vault.
        identity_header: The secret between the app and the managed identity endpoint.
        event_grid_key: What the Event Grid topic wants.
        content_safety_key: What Content Safety wants.
        ports: Service name -> the ports it had, by name.
    """

    api_key: str = Field(default_factory=_new_key)
    admin_key: str = Field(default_factory=_new_key)
    upstream_key: str = Field(default_factory=_new_key)
    identity_header: str = Field(default_factory=_new_key)
    event_grid_key: str = Field(default_factory=_new_key)
    content_safety_key: str = Field(default_factory=_new_key)
    ports: dict[str, dict[str, int]] = {}

    @classmethod
    def of(cls, folder: Path) -> Self:
        """Reads the memory of a state folder; a fresh folder gets new keys."""
        path = folder / "memory.json"
        return cls.model_validate_json(path.read_text()) if path.exists() else cls()

    def save(self, folder: Path) -> None:
        """Writes the memory into its state folder."""
        write_private(folder / "memory.json", self.model_dump_json(indent=2))
