"""/admin/webhooks: where tenants want to hear of events, and what became of each."""

from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query

from domain.errors import InvalidRequest
from domain.secret_reference import SecretReference
from domain.webhook import SigningSecret, WebhookEndpoint, WebhookEvent
from front_door.scribe import FromOperator, Scribe
from front_door.services import FrontDoorServices, Services
from front_door.webhook_wire import (
    DeletedEndpoint,
    DeliveryAnswer,
    DeliveryList,
    EndpointAnswer,
    EndpointChanges,
    EndpointList,
    EndpointWithSecret,
    NewEndpoint,
    Rotation,
    TestAnswer,
    Url,
)

router = APIRouter(prefix="/webhooks")

_ID_BYTES, _SECRET_BYTES = 12, 32


@router.post("")
async def register(fields: NewEndpoint, services: Services, scribe: FromOperator) -> EndpointWithSecret:
    """Register an endpoint; it hears of what happens from now on."""
    secret = _secret(fields.secret, services)
    endpoint = WebhookEndpoint(
        endpoint_id=f"we_{services.intake.randomness(_ID_BYTES).hex()}",
        tenant=fields.tenant,
        url=_checked(fields.url, services),
        events=fields.events,
        enabled=fields.enabled,
        secrets=(secret,),
        created_at=services.clock(),
    )
    entry = scribe.entry("webhook.create", endpoint.endpoint_id, endpoint.tenant, after=endpoint)
    await services.administration.audit.tell(entry)
    await services.webhooks.endpoints.insert(endpoint)
    return _with_secret(endpoint, services)


@router.get("")
async def list_endpoints(services: Services, tenant: str | None = None) -> EndpointList:
    """List the endpoints, of a tenant or of all."""
    endpoints = await services.webhooks.endpoints.all()
    return EndpointList(data=[_answer(each, services) for each in endpoints if tenant in {None, each.tenant}])


@router.get("/{endpoint_id}")
async def retrieve(endpoint_id: str, services: Services) -> EndpointAnswer:
    """Read an endpoint."""
    return _answer(await services.webhooks.endpoints.get(endpoint_id), services)


@router.patch("/{endpoint_id}")
async def change(endpoint_id: str, fields: EndpointChanges, services: Services, scribe: FromOperator) -> EndpointAnswer:
    """Change an endpoint. What waits for one that is disabled is given up."""
    changes: dict[str, Any] = fields.model_dump(exclude_none=True, include={"events", "enabled"})
    if fields.url:
        changes["url"] = _checked(fields.url, services)
    if fields.enabled:
        changes["disabled_because"] = None
    amended = await _amend(
        "webhook.change", endpoint_id, lambda kept: kept.model_copy(update=changes), services, scribe
    )
    return _answer(amended, services)


@router.delete("/{endpoint_id}")
async def delete(endpoint_id: str, services: Services, scribe: FromOperator) -> DeletedEndpoint:
    """Remove an endpoint, and in time its deliveries."""
    kept = await services.webhooks.endpoints.get(endpoint_id)
    await services.administration.audit.tell(scribe.entry("webhook.delete", endpoint_id, kept.tenant, before=kept))
    await services.webhooks.endpoints.remove(endpoint_id)
    return DeletedEndpoint(id=endpoint_id)


@router.post("/{endpoint_id}/rotate")
async def rotate(
    endpoint_id: str, services: Services, scribe: FromOperator, fields: Rotation | None = None
) -> EndpointWithSecret:
    """Sign with a new secret, and for a while with the one before as well."""
    fields, now = fields or Rotation(), services.clock()
    secret, overlap = _secret(fields.secret, services), timedelta(seconds=fields.overlap_s)
    rotated = await _amend(
        "webhook.rotate", endpoint_id, lambda kept: kept.rotated(secret, now, overlap=overlap), services, scribe
    )
    return _with_secret(rotated, services)


@router.post("/{endpoint_id}/test")
async def test(endpoint_id: str, services: Services) -> TestAnswer:
    """Send a signed event of something that never happened, now, and say what came back."""
    endpoint = await services.webhooks.endpoints.get(endpoint_id)
    kind = endpoint.events[0]
    event_id = f"evt_test_{services.intake.randomness(_ID_BYTES).hex()}"
    resource_id = f"{kind.partition('.')[0]}_test"
    event = WebhookEvent(id=event_id, type=kind, at=services.clock(), resource_id=resource_id)
    attempt = await services.webhooks.sender.send(endpoint, event.id, event.body())
    return TestAnswer(
        event_id=event.id,
        delivered=attempt.error is None,
        **attempt.model_dump(include={"status_code", "error", "took_ms"}),
    )


@router.get("/{endpoint_id}/deliveries")
async def list_deliveries(
    endpoint_id: str,
    services: Services,
    after: Annotated[str | None, Query(description="The last id of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> DeliveryList:
    """List what was sent to an endpoint within the last week, and is to be, the newest event first."""
    await services.webhooks.endpoints.get(endpoint_id)
    deliveries = await services.webhooks.deliveries.page(endpoint_id, after=after, limit=limit + 1)
    data = [DeliveryAnswer.of(delivery) for delivery in deliveries[:limit]]
    return DeliveryList(data=data, last_id=data[-1].id if data else None, has_more=len(deliveries) > limit)


async def _amend(
    action: str,
    endpoint_id: str,
    change: Callable[[WebhookEndpoint], WebhookEndpoint],
    services: FrontDoorServices,
    scribe: Scribe,
) -> WebhookEndpoint:
    async def tell(before: WebhookEndpoint, after: WebhookEndpoint) -> None:
        entry = scribe.entry(action, endpoint_id, before.tenant, before=before, after=after)
        await services.administration.audit.tell(entry)

    return await services.webhooks.endpoints.amend(endpoint_id, change, tell)


def _secret(reference: SecretReference | None, services: FrontDoorServices) -> SigningSecret:
    if reference:
        return SigningSecret(reference=reference)
    return SigningSecret(value=f"whsec_{b64encode(services.intake.randomness(_SECRET_BYTES)).decode()}")


def _checked(url: Url, services: FrontDoorServices) -> str:
    """The URL, if anything can ever be sent there."""
    if url.scheme not in services.webhooks.schemes:
        raise InvalidRequest("The URL must begin with https://.", param="url")
    if url.username or url.password:
        raise InvalidRequest("The URL must hold no credentials; deliveries are signed.", param="url")
    return str(url)


def _answer(endpoint: WebhookEndpoint, services: FrontDoorServices) -> EndpointAnswer:
    return EndpointAnswer.of(endpoint, services.clock())


def _with_secret(endpoint: WebhookEndpoint, services: FrontDoorServices) -> EndpointWithSecret:
    shown = _answer(endpoint, services).model_dump()
    return EndpointWithSecret(**shown, secret=endpoint.secrets[0].value)
