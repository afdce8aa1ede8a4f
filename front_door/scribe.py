"""Writes down what operators do."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from secrets import token_bytes
from typing import Annotated

from fastapi import Depends, Request
from pydantic import BaseModel

from domain.audit import AUDIT_IDS, AuditEntry, told
from domain.timed_id import ID_RANDOM_BYTES
from front_door.services import Services


@dataclass(frozen=True)
class Scribe:
    """Writes in the name of whoever makes a request.

    Attributes:
        actor: Who that is.
        clock: The present time, UTC.
    """

    actor: str
    clock: Callable[[], datetime]

    def entry(
        self,
        action: str,
        subject: str,
        tenant: str | None = None,
        *,
        before: BaseModel | None = None,
        after: BaseModel | None = None,
    ) -> AuditEntry:
        """What the audit tells of a change.

        Args:
            action: What is done, such as `key.create`.
            subject: To what.
            tenant: Whose that is; None for the subject itself.
            before: How it was, if it was there.
            after: How it will be, if it will be there.
        """
        now = self.clock()
        return AuditEntry(
            entry_id=AUDIT_IDS.new(now, token_bytes(ID_RANDOM_BYTES)),
            at=now,
            actor=self.actor,
            action=action,
            subject=subject,
            tenant=tenant or subject,
            before=told(before),
            after=told(after),
        )


async def _scribe(request: Request, services: Services) -> Scribe:
    return Scribe(request.state.operator, services.clock)


type FromOperator = Annotated[Scribe, Depends(_scribe)]
