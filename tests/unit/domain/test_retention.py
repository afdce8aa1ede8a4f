"""Rules say how long what is kept; what they do not say is kept for ever."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from domain.retention import Retention, RetentionRules

RULES = RetentionRules.model_validate(
    {
        "default": {"content_days": 90, "request_days": 30},
        "tenants": {"acme": {"content_days": 7, "record_days": 400}, "globex": {"content_days": None}},
    }
)


@pytest.mark.parametrize(
    ("tenant", "days"),
    [
        ("initech", {"content_days": 90, "request_days": 30, "record_days": None}),
        ("acme", {"content_days": 7, "request_days": 30, "record_days": 400}),
        ("globex", {"content_days": None, "request_days": 30, "record_days": None}),
    ],
)
def test_what_a_tenant_has_no_rule_for_is_as_for_all(tenant: str, days: dict[str, int | None]):
    assert RULES.of(tenant).model_dump() == days


def test_days_are_times():
    assert RULES.of("acme").content == timedelta(days=7)
    assert RULES.of("acme").request == timedelta(days=30)
    assert RULES.of("acme").record == timedelta(days=400)
    assert Retention().content is Retention().request is Retention().record is None


@pytest.mark.parametrize("rule", [{"content_days": 0}, {"record_days": -1}, {"request_days": 1.5}, {"days": 1}])
def test_a_rule_that_cannot_be_meant_is_refused(rule: dict[str, Any]):
    with pytest.raises(ValidationError):
        RetentionRules.model_validate({"default": rule})
