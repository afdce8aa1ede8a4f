"""A delivery is tried for a day, and an endpoint signs with two secrets at most."""

from datetime import timedelta

import pytest

from domain.webhook import (
    KEPT,
    RETRY_AFTER,
    Attempt,
    Delivery,
    DeliveryStatus,
    SigningSecret,
    WebhookEvent,
    WebhookType,
)
from tests.unit.examples import NOW
from tests.unit.listeners import an_endpoint

EVENT = WebhookEvent(id="evt_1", type=WebhookType.VIDEO_COMPLETED, at=NOW, resource_id="video_1")
NEW, NEWER = SigningSecret(value="whsec_bmV3"), SigningSecret(value="whsec_bmV3ZXI=")
MOMENT = timedelta(seconds=1)


def delivery() -> Delivery:
    return Delivery.of(EVENT, an_endpoint(), NOW)


@pytest.mark.parametrize(
    "changes", [{"enabled": False}, {"events": [WebhookType.VIDEO_FAILED]}, {"created_at": NOW + MOMENT}]
)
def test_an_endpoint_hears_of_what_it_asked_for_since_it_is_there(changes: dict[str, object]):
    assert an_endpoint().wants(EVENT)
    assert not an_endpoint(**changes).wants(EVENT)


def test_a_delivery_is_tried_for_a_day_with_growing_pauses():
    pending, now = delivery(), NOW
    while pending.status is DeliveryStatus.PENDING:
        assert pending.look_at == now + RETRY_AFTER[len(pending.attempts) - 1] or pending == delivery()
        now = pending.look_at if pending.attempts else NOW
        pending = pending.after(Attempt(at=now, status_code=500, error="HTTP 500"))
    assert pending.status is DeliveryStatus.GIVEN_UP
    assert timedelta(hours=23) < now - NOW <= timedelta(days=1)
    assert list(RETRY_AFTER) == sorted(RETRY_AFTER)
    assert pending.look_at == now + KEPT


def test_what_arrived_is_over():
    over = delivery().after(Attempt(at=NOW, status_code=204))
    assert (over.status, over.look_at) == (DeliveryStatus.DELIVERED, NOW + KEPT)


def test_an_endpoint_that_is_gone_is_not_tried_again():
    over = delivery().after(Attempt(at=NOW, status_code=410, error="HTTP 410"))
    assert over.status is DeliveryStatus.GIVEN_UP
    assert not an_endpoint().gone().enabled


def test_two_secrets_sign_until_the_overlap_is_over():
    old = an_endpoint().secrets[0]
    endpoint = an_endpoint().rotated(NEW, NOW, overlap=timedelta(hours=1))
    signing = [secret.value for secret in endpoint.signing_secrets(NOW)]
    assert signing == [NEW.value, old.value]
    assert [secret.value for secret in endpoint.signing_secrets(NOW + timedelta(hours=1))] == [NEW.value]


def test_a_second_rotation_drops_the_oldest():
    endpoint = an_endpoint().rotated(NEW, NOW, overlap=timedelta(hours=1)).rotated(NEWER, NOW, overlap=MOMENT)
    assert [secret.value for secret in endpoint.signing_secrets(NOW)] == [NEWER.value, NEW.value]


def test_a_secret_is_not_shown_by_accident():
    assert "whsec_" not in repr(an_endpoint())
