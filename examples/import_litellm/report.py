"""What could not be carried over, and what somebody must decide. No value is repeated, for it may be a secret."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Report:
    """Tells item by item, each with the path to what it is about.

    Attributes:
        decisions: What the operator has to do or to look at.
        losses: What was there, and is not in the result.
    """

    decisions: list[str] = field(default_factory=list[str])
    losses: list[str] = field(default_factory=list[str])

    def decide(self, path: str, what: str) -> None:
        """Ask for something."""
        self.decisions.append(f"{path}: {what}")

    def lose(self, path: str, why: str) -> None:
        """Admit that something is left out."""
        self.losses.append(f"{path}: {why}")

    def lose_all(self, path: str, names: Mapping[str, object], reasons: Mapping[str, str]) -> None:
        """Admit that these fields are left out, for a reason if one is known."""
        for name in names:
            self.lose(f"{path}.{name}", reasons.get(name, "not known to this converter"))

    def __str__(self) -> str:
        return "\n".join(_listed("To decide:", self.decisions) + _listed("Left out:", self.losses))


def _listed(title: str, items: list[str]) -> list[str]:
    return [title, *(f"  - {item}" for item in items)] if items else []
