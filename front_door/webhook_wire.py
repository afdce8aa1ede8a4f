"""What the operator says of webhook endpoints, and what we answer."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, HttpUrl

from clients.webhook_deliveries import cursor_of
from domain.secret_reference import SecretRef
from domain.webhook import Attempt, Delivery, DeliveryStatus, SigningSecret, WebhookEndpoint, WebhookType

type Url = Annotated[HttpUrl, Field(max_length=2000)]
type Events = Annotated[tuple[WebhookType, ...], Field(min_length=1)]


class _Fields(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewEndpoint(_Fields):
    """An endpoint to register.

    Attributes:
        secret: Where the signing secret is found; without it, we make one and show it once.
    """

    tenant: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")]
    url: Url
    events: Events = tuple(WebhookType)
    enabled: bool = True
    secret: SecretRef | None = None


class EndpointChanges(_Fields):
    """What shall change of an endpoint."""

    url: Url | None = None
    events: Events | None = None
    enabled: bool | None = None


class Rotation(_Fields):
    """A new signing secret.

    Attributes:
        secret: As for a new endpoint.
        overlap_s: How long the one before signs as well, in seconds.
    """

    secret: SecretRef | None = None
    overlap_s: Annotated[int, Field(ge=0, le=30 * 86_400)] = 86_400


class SecretState(BaseModel):
    """A secret that signs, but not what it is.

    Attributes:
        reference: Where it is found; None if we made it.
        expires_at: Until then it signs; None for the present one.
    """

    reference: str | None
    expires_at: datetime | None

    @classmethod
    def of(cls, secret: SigningSecret) -> Self:
        """Without its value."""
        return cls(reference=str(secret.reference) if secret.reference else None, expires_at=secret.expires_at)


class EndpointAnswer(BaseModel):
    """An endpoint."""

    id: str
    object: Literal["webhook_endpoint"] = "webhook_endpoint"
    tenant: str
    url: str
    events: Sequence[WebhookType]
    enabled: bool
    disabled_because: str | None
    created_at: datetime
    secrets: Sequence[SecretState]

    @classmethod
    def of(cls, endpoint: WebhookEndpoint, now: datetime) -> Self:
        """As it is now."""
        return cls(
            id=endpoint.endpoint_id,
            tenant=endpoint.tenant,
            url=endpoint.url,
            events=endpoint.events,
            enabled=endpoint.enabled,
            disabled_because=endpoint.disabled_because,
            created_at=endpoint.created_at,
            secrets=[SecretState.of(secret) for secret in endpoint.signing_secrets(now)],
        )


class EndpointWithSecret(EndpointAnswer):
    """An endpoint whose secret was just made.

    Attributes:
        secret: Never shown again; None if it is kept elsewhere.
    """

    secret: str | None = None


class EndpointList(BaseModel):
    """Every endpoint."""

    object: Literal["list"] = "list"
    data: Sequence[EndpointAnswer]


class DeletedEndpoint(BaseModel):
    """What DELETE answers."""

    id: str
    object: Literal["webhook_endpoint.deleted"] = "webhook_endpoint.deleted"
    deleted: Literal[True] = True


class TestAnswer(BaseModel):
    """What came back from an endpoint.

    Attributes:
        delivered: Whether it took the event.
    """

    event_id: str
    delivered: bool
    status_code: int | None
    error: str | None
    took_ms: int


class DeliveryAnswer(BaseModel):
    """An event on its way to an endpoint, and what became of it."""

    id: str
    object: Literal["webhook_delivery"] = "webhook_delivery"
    event_id: str
    type: WebhookType
    happened_at: datetime
    status: DeliveryStatus
    next_attempt_at: datetime | None
    attempts: Sequence[Attempt]

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        """As it is now."""
        return cls(
            id=cursor_of(delivery),
            event_id=delivery.event_id,
            type=delivery.type,
            happened_at=delivery.at,
            status=delivery.status,
            next_attempt_at=delivery.look_at if delivery.status is DeliveryStatus.PENDING else None,
            attempts=delivery.attempts,
        )


class DeliveryList(BaseModel):
    """One page of an endpoint's deliveries; the next begins `after` the last id."""

    object: Literal["list"] = "list"
    data: Sequence[DeliveryAnswer]
    last_id: str | None
    has_more: bool
