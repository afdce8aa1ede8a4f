"""Whichever way a batch ends, those who listen hear of it as OpenAI's client knows it."""

from datetime import UTC, datetime

import pytest
from openai import OpenAI
from standardwebhooks import Webhook

from domain.batch import TRANSITIONS, BatchStatus
from domain.batch_event import batch_event
from tests.unit.activities.batch_world import BatchWorld
from tests.unit.examples import NOW
from tests.unit.listeners import SECRET


@pytest.mark.parametrize("end", [status for status, following in TRANSITIONS.items() if not following])
def test_openai_client_knows_every_end(end: BatchStatus):
    batch = BatchWorld(b"").batch.model_copy(update={"status": end, f"{end}_at": NOW})
    event, now = batch_event(batch), datetime.now(UTC)
    assert event
    headers = {
        "webhook-id": event.id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign(event.id, now, event.body()),
    }
    heard = OpenAI(api_key="none").webhooks.unwrap(event.body(), headers, secret=SECRET)
    assert type(heard).__name__ == f"Batch{end.capitalize()}WebhookEvent"
    assert heard.model_dump() == {
        "id": f"evt_{batch.batch_id}_{end}",
        "object": "event",
        "created_at": int(NOW.timestamp()),
        "type": f"batch.{end}",
        "data": {"id": batch.batch_id},
    }


def test_a_batch_that_goes_on_has_nothing_to_tell():
    assert batch_event(BatchWorld(b"").batch) is None
