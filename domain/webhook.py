"""Webhooks: who wants to hear of what, and how a delivery goes on until it has arrived."""

import json
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from domain.secret_reference import SecretRef

RETRY_AFTER = tuple(
    timedelta(seconds=seconds) for seconds in (20, 60, 300, 900, 3600, 3 * 3600, 6 * 3600, 6 * 3600, 7.5 * 3600)
)
"""After each attempt that failed; together a day, and then it is given up."""
KEPT = timedelta(days=7)
"""How long a delivery that is over stays in the log."""


class WebhookType(StrEnum):
    """What an endpoint can ask to hear of, by OpenAI's names."""

    VIDEO_COMPLETED = "video.completed"
    VIDEO_FAILED = "video.failed"
    BATCH_COMPLETED = "batch.completed"
    BATCH_FAILED = "batch.failed"
    BATCH_EXPIRED = "batch.expired"
    BATCH_CANCELLED = "batch.cancelled"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class WebhookEvent(_Value):
    """Something that happened.

    Attributes:
        id: The same whenever the same is told again; without a full stop.
        at: When it happened.
        resource_id: What it happened to.
    """

    id: str
    type: WebhookType
    at: datetime
    resource_id: str

    def body(self) -> str:
        """OpenAI's shape of it."""
        event = {"id": self.id, "object": "event", "created_at": int(self.at.timestamp()), "type": self.type}
        return json.dumps({**event, "data": {"id": self.resource_id}})


class SigningSecret(_Value):
    """What deliveries are signed with: the secret itself, or where it is found.

    Attributes:
        value: `whsec_` and base64.
        reference: Where to read that instead.
        expires_at: Until then it signs beside its successor; None while it has none.
    """

    value: str | None = Field(default=None, repr=False)
    reference: SecretRef | None = None
    expires_at: datetime | None = None


class WebhookEndpoint(_Value):
    """Where a tenant wants to hear of events.

    Attributes:
        events: Of which.
        enabled: Whether anything is sent.
        disabled_because: Why not, if that was not the operator's wish.
        secrets: The present one first.
    """

    endpoint_id: str
    tenant: str
    url: str
    events: tuple[WebhookType, ...]
    enabled: bool = True
    disabled_because: str | None = None
    secrets: tuple[SigningSecret, ...]
    created_at: datetime

    def wants(self, event: WebhookEvent) -> bool:
        """Whether it hears of an event: not of what was before it."""
        return self.enabled and event.type in self.events and event.at >= self.created_at

    def rotated(self, secret: SigningSecret, now: datetime, *, overlap: timedelta) -> Self:
        """Sign with this secret, and for a while with the one before as well; never with a third."""
        before = self.secrets[0].model_copy(update={"expires_at": now + overlap})
        return self.model_copy(update={"secrets": (secret, before)})

    def signing_secrets(self, now: datetime) -> list[SigningSecret]:
        """Those that sign now."""
        return [secret for secret in self.secrets if secret.expires_at is None or secret.expires_at > now]

    def gone(self) -> Self:
        """It said that it wants nothing any more."""
        return self.model_copy(update={"enabled": False, "disabled_because": "The endpoint answered 410 Gone."})


class Attempt(_Value):
    """One try to deliver.

    Attributes:
        status_code: What was answered; None if nothing was.
        error: Why it has not arrived.
        took_ms: How long that took, in milliseconds.
    """

    at: datetime
    status_code: int | None = None
    error: str | None = None
    took_ms: int = 0

    @property
    def is_gone(self) -> bool:
        """Whether the endpoint wants nothing any more."""
        return self.status_code == HTTPStatus.GONE


class DeliveryStatus(StrEnum):
    """How a delivery stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


class Delivery(_Value):
    """An event on its way to an endpoint, and what became of it.

    Attributes:
        at: When the event happened.
        body: What is sent, letter for letter the same each time.
        look_at: When to try again; once it is over, when to forget it.
    """

    event_id: str
    type: WebhookType
    at: datetime
    endpoint_id: str
    body: str
    status: DeliveryStatus = DeliveryStatus.PENDING
    attempts: tuple[Attempt, ...] = ()
    look_at: datetime

    @classmethod
    def of(cls, event: WebhookEvent, endpoint: WebhookEndpoint, now: datetime) -> Self:
        """The first attempt is about to be made; if it is not, the next one follows as if it had failed."""
        return cls(
            event_id=event.id,
            type=event.type,
            at=event.at,
            endpoint_id=endpoint.endpoint_id,
            body=event.body(),
            look_at=now + RETRY_AFTER[0],
        )

    def after(self, attempt: Attempt) -> Self:
        """What follows from an attempt."""
        attempts = (*self.attempts, attempt)
        if attempt.error is None:
            return self._over(DeliveryStatus.DELIVERED, attempts)
        if attempt.is_gone or len(attempts) > len(RETRY_AFTER):
            return self._over(DeliveryStatus.GIVEN_UP, attempts)
        look_at = attempt.at + RETRY_AFTER[len(attempts) - 1]
        return self.model_copy(update={"attempts": attempts, "look_at": look_at})

    def given_up(self, now: datetime, why: str) -> Self:
        """It is not even tried any more."""
        return self._over(DeliveryStatus.GIVEN_UP, (*self.attempts, Attempt(at=now, error=why)))

    def _over(self, status: DeliveryStatus, attempts: tuple[Attempt, ...]) -> Self:
        look_at = attempts[-1].at + KEPT
        return self.model_copy(update={"status": status, "attempts": attempts, "look_at": look_at})
