"""Guardrails whose answers a test decides."""

from clients.guardrails.chain import Guard, Guardrails
from clients.guardrails.subject import Subject
from domain.finding import Finding
from domain.guardrails import Stage
from tests.unit.fakes import FakeBlobStore, FakeClock

BOTH = frozenset(Stage)


class Watchman:
    """A check that remembers what it was shown.

    Attributes:
        finds: What it finds, or why it cannot look.
    """

    def __init__(self, finds: Finding | Exception | None = None) -> None:
        self.finds = finds
        self.seen = list[Subject]()

    async def __call__(self, subject: Subject) -> Finding | None:
        self.seen.append(subject)
        if isinstance(self.finds, Exception):
            raise self.finds
        return self.finds


def guarded_by(*guards: Watchman | Guard, contents: FakeBlobStore | None = None) -> Guardrails:
    """A chain; a watchman looks at both stages."""
    chain = [each if isinstance(each, Guard) else Guard("watchman", each, BOTH) for each in guards]
    return Guardrails(chain, (contents or FakeBlobStore()).as_store(), FakeClock())
