"""Deliveries are signed so that any Standard Webhooks library verifies them, and tried until they arrive."""

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import httpx
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from clients.guarded_transport import Address, GuardedTransport
from clients.webhook_sender import WebhookSender
from clients.webhooks import LOOKED_AT_IN_A_RUN, OF_EACH_IN_A_RUN
from domain.webhook import (
    Attempt,
    Delivery,
    DeliveryStatus,
    SigningSecret,
    WebhookEndpoint,
    WebhookEvent,
    WebhookType,
)
from tests.unit.examples import TENANT
from tests.unit.fakes import FakeClock, a_secret_store, keyvault_secret
from tests.unit.listeners import SECRET, Listeners, an_endpoint

NOW = datetime.now(UTC)
"""The library that verifies has a clock of its own."""
MOMENT = timedelta(seconds=1)
OTHER = f"whsec_{b64encode(b'another secret').decode()}"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def world(clock: FakeClock) -> Listeners:
    listeners = Listeners(clock)
    listeners.endpoints.kept["we_1"] = an_endpoint(created_at=NOW)
    return listeners


def an_event(**changes: object) -> WebhookEvent:
    fields = {"id": "evt_1", "type": WebhookType.VIDEO_COMPLETED, "at": NOW, "resource_id": "video_1"}
    return WebhookEvent.model_validate(fields | changes)


def the_delivery(world: Listeners) -> Delivery:
    (delivery,) = world.deliveries.kept.values()
    return delivery


def verify(request: httpx.Request, secret: str) -> object:
    return Webhook(secret).verify(request.content, dict(request.headers))


async def send(endpoint: WebhookEndpoint, world: Listeners) -> Attempt:
    return await world.webhooks().sender.send(endpoint, "evt_1", "{}")


async def test_what_arrives_can_be_verified_and_nothing_else_can(world: Listeners):
    await world.webhooks().tell(TENANT, an_event())
    (request,) = world.received
    assert verify(request, SECRET) == {
        "id": "evt_1",
        "object": "event",
        "created_at": int(NOW.timestamp()),
        "type": "video.completed",
        "data": {"id": "video_1"},
    }
    assert request.headers["webhook-id"] == "evt_1"
    with pytest.raises(WebhookVerificationError):
        verify(request, OTHER)
    assert the_delivery(world).status is DeliveryStatus.DELIVERED


async def test_while_a_secret_is_rotated_either_verifies(world: Listeners, clock: FakeClock):
    rotated = an_endpoint().rotated(SigningSecret(value=OTHER), NOW, overlap=timedelta(minutes=1))
    await send(rotated, world)
    clock.advance(60)
    await send(rotated, world)
    during, after = world.received
    assert verify(during, SECRET) == verify(during, OTHER) == verify(after, OTHER) == {}
    with pytest.raises(WebhookVerificationError):
        verify(after, SECRET)


async def test_a_retry_is_signed_anew(world: Listeners, clock: FakeClock):
    world.answers = [503, 503]
    await world.webhooks().tell(TENANT, an_event())
    for wait_s in (20, 60):
        clock.advance(wait_s)
        await world.webhooks().retry(clock())
    stamps = [int(request.headers["webhook-timestamp"]) for request in world.received]
    assert [stamp - stamps[0] for stamp in stamps] == [0, 20, 80]
    assert len({(request.headers["webhook-id"], request.content) for request in world.received}) == 1
    assert [attempt.status_code for attempt in the_delivery(world).attempts] == [503, 503, 204]


async def test_nothing_is_tried_before_its_time(world: Listeners, clock: FakeClock):
    world.answers = [503]
    await world.webhooks().tell(TENANT, an_event())
    clock.advance(19)
    assert await world.webhooks().retry(clock()) == 0


async def test_told_twice_is_delivered_once(world: Listeners):
    for _ in range(2):
        await world.webhooks().tell(TENANT, an_event())
    assert len(world.received) == 1


async def test_only_the_tenants_endpoints_that_asked_for_it_hear(world: Listeners):
    for number, changes in enumerate(
        [{"tenant": "globex"}, {"events": ["video.failed"]}, {"enabled": False}, {"url": "https://a.example/"}]
    ):
        endpoint = an_endpoint(endpoint_id=f"other{number}", created_at=NOW, **changes)
        world.endpoints.kept[endpoint.endpoint_id] = endpoint
    await world.webhooks().tell(TENANT, an_event())
    assert sorted(str(request.url) for request in world.received) == ["https://a.example/", "https://acme.example/hook"]


async def test_410_disables_the_endpoint_and_gives_up_what_waits_for_it(world: Listeners, clock: FakeClock):
    world.answers = [500, 410]
    await world.webhooks().tell(TENANT, an_event())
    await world.webhooks().tell(TENANT, an_event(id="evt_2"))
    assert not world.endpoints.kept["we_1"].enabled
    clock.advance(20)
    await world.webhooks().retry(clock())
    assert {delivery.status for delivery in world.deliveries.kept.values()} == {DeliveryStatus.GIVEN_UP}
    assert len(world.received) == 2


async def test_410_from_a_url_that_was_changed_meanwhile_disables_nothing(world: Listeners):
    def change_url() -> None:
        world.endpoints.kept["we_1"] = an_endpoint(url="https://new.example/")

    world.answers, world.meanwhile = [410], change_url
    await world.webhooks().tell(TENANT, an_event())
    assert world.endpoints.kept["we_1"].enabled


async def test_an_endpoint_that_does_not_answer_holds_nobody_up(world: Listeners, clock: FakeClock):
    world.endpoints.kept["we_2"] = an_endpoint(endpoint_id="we_2", url="https://other.example/", created_at=NOW)
    world.silent_host = "acme.example"
    for number in range(LOOKED_AT_IN_A_RUN):
        world.deliveries.add(Delivery.of(an_event(id=f"evt_{number}"), an_endpoint(), NOW))
    world.deliveries.add(Delivery.of(an_event(), world.endpoints.kept["we_2"], clock() + MOMENT))
    clock.advance(21)
    await world.webhooks().retry(clock())
    assert len(world.received) == 1
    assert world.unanswered == OF_EACH_IN_A_RUN


async def test_what_was_not_sent_was_no_attempt(world: Listeners, clock: FakeClock):
    world.silent_host = "acme.example"
    for number in range(2 * OF_EACH_IN_A_RUN):
        world.deliveries.add(Delivery.of(an_event(id=f"evt_{number}"), an_endpoint(), NOW))
    clock.advance(20)
    await world.webhooks().retry(clock())
    attempts = [len(each.attempts) for each in world.deliveries.kept.values()]
    assert (sum(attempts), max(attempts)) == (world.unanswered, 1) == (OF_EACH_IN_A_RUN, 1)


async def test_what_is_over_is_forgotten_after_a_week(world: Listeners, clock: FakeClock):
    await world.webhooks().tell(TENANT, an_event())
    clock.advance(timedelta(days=7).total_seconds() - 1)
    await world.webhooks().retry(clock())
    assert len(world.deliveries.kept) == 1
    clock.advance(1)
    await world.webhooks().retry(clock())
    assert world.deliveries.kept == {}


async def test_the_deliveries_of_a_removed_endpoint_go_with_it(world: Listeners, clock: FakeClock):
    world.answers = [500]
    await world.webhooks().tell(TENANT, an_event())
    await world.endpoints.remove("we_1")
    clock.advance(20)
    await world.webhooks().retry(clock())
    assert world.deliveries.kept == {}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (301, "HTTP 301"),
        (404, "HTTP 404"),
        (httpx.ConnectError("refused"), "The request failed (ConnectError)"),
        (httpx.ReadTimeout("slow"), "The request failed (ReadTimeout)"),
        (TimeoutError(), "No answer within 5 s"),
    ],
)
async def test_what_went_wrong_is_said(world: Listeners, answer: int | Exception, error: str):
    world.answers = [answer]
    assert (await send(an_endpoint(), world)).error == error


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://acme.example/hook", "only https URLs are fetched, not http"),
        ("https://10.0.0.8/hook", "10.0.0.8 is not on the public internet"),
    ],
)
async def test_nothing_is_sent_into_private_networks(clock: FakeClock, url: str, error: str):
    async def resolve(host: str, port: int) -> list[Address]:
        return [ip_address(host)]

    def nobody(request: httpx.Request) -> httpx.Response:
        raise AssertionError(request.url)

    guarded = GuardedTransport(httpx.MockTransport(nobody), resolver=resolve)
    sender = WebhookSender(httpx.AsyncClient(transport=guarded), a_secret_store(), clock)
    assert (await sender.send(an_endpoint(url=url), "evt_1", "{}")).error == error


async def test_a_secret_can_be_kept_elsewhere(world: Listeners):
    world.secrets = a_secret_store(hook=OTHER)
    endpoint = an_endpoint(secrets=(SigningSecret(reference=keyvault_secret("hook")),))
    assert (await send(endpoint, world)).error is None
    assert verify(world.received[0], OTHER) == {}


@pytest.mark.parametrize("before", [{}, {"before": "x"}], ids=["gone", "none"])
async def test_a_secret_that_is_rotated_away_need_not_be_had(world: Listeners, before: dict[str, str]):
    world.secrets = a_secret_store(**before)
    endpoint = an_endpoint(secrets=(SigningSecret(reference=keyvault_secret("before")),))
    await send(endpoint.rotated(SigningSecret(value=OTHER), NOW, overlap=timedelta(days=1)), world)
    assert verify(world.received[0], OTHER) == {}


@pytest.mark.parametrize("value", ["whsec_§", "whsec_", "x"])
async def test_a_secret_that_is_none_is_not_repeated(world: Listeners, value: str):
    world.secrets = a_secret_store(hook=value)
    attempt = await send(an_endpoint(secrets=(SigningSecret(reference=keyvault_secret("hook")),)), world)
    assert attempt.error == "The signing secret is not whsec_ and base64."
    assert world.received == []
