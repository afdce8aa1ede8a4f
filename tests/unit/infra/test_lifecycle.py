"""The account removes nothing that anybody's rule still keeps."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.inbox import DEAD_LETTERS, HELD, INBOX
from domain.retention import Retention, RetentionRules
from tests.unit.infra.deployment import deploy

DAYS = st.none() | st.integers(1, 400)
RETENTION = st.dictionaries(st.sampled_from(sorted(Retention.model_fields)), DAYS)
LONGEST_BATCH = timedelta(days=7)


def removals(retention: dict[str, Any]) -> dict[str, int]:
    """Days after which the account removes what is under a prefix."""
    deployment = deploy("modules/lifecycle.bicep", accountName="st", retention=retention, inboxDays=0)
    policy = deployment.one("Microsoft.Storage/storageAccounts/managementPolicies").given["policy"]
    return {
        prefix: rule["definition"]["actions"]["baseBlob"]["delete"]["daysAfterModificationGreaterThan"]
        for rule in policy["rules"]
        for prefix in rule["definition"]["filters"]["prefixMatch"]
    }


def test_where_nothing_is_said_only_undelivered_events_go() -> None:
    assert removals({}) == {"undelivered/": 90}


def test_what_the_common_rule_does_not_keep_goes_a_week_later() -> None:
    found = removals({"default": {"content_days": 30, "request_days": 10, "record_days": 5}})
    assert found == {"undelivered/": 90, "videos/": 37, "requests/": 17, "files/": 24}


def test_the_most_patient_tenant_decides() -> None:
    found = removals(
        {"default": {"content_days": 30}, "tenants": {"a": {"content_days": 90}, "b": {"content_days": 7}}}
    )
    assert found["videos/"] == 97


@pytest.mark.parametrize("forever", [{"content_days": None}, {"content_days": None, "request_days": 3}])
def test_whoever_keeps_for_ever_stops_the_rule(forever: dict[str, Any]) -> None:
    assert "videos/" not in removals({"default": {"content_days": 30}, "tenants": {"a": forever}})


def test_a_tenants_rule_alone_removes_nothing_of_others() -> None:
    assert "videos/" not in removals({"tenants": {"a": {"content_days": 30}}})


@given(default=RETENTION, tenants=st.dictionaries(st.sampled_from(["a", "b"]), RETENTION))
def test_nothing_goes_that_the_purge_would_keep(default: dict[str, Any], tenants: dict[str, Any]) -> None:
    retention = {"default": default, "tenants": tenants}
    rules = RetentionRules.model_validate(retention)
    found = removals(retention)
    everybody = [rules.of(tenant) for tenant in ("a", "b", "somebody")]
    for prefix, kept in {
        "videos/": [each.content for each in everybody],
        "requests/": [each.request for each in everybody],
        "files/": [each.request and each.request + LONGEST_BATCH for each in everybody],
    }.items():
        assert (prefix in found) == (None not in kept)
        assert all(time and timedelta(days=found[prefix]) > time for time in kept if prefix in found)


def test_the_inbox_goes_if_you_say_so() -> None:
    deployment = deploy("modules/lifecycle.bicep", accountName="st", retention={}, inboxDays=14)
    rules = deployment.one("Microsoft.Storage/storageAccounts/managementPolicies").given["policy"]["rules"]
    (inbox,) = [rule["definition"]["filters"]["prefixMatch"] for rule in rules if rule["name"] == "inbox"]
    assert inbox == [f"requests/{INBOX}/", f"requests/{DEAD_LETTERS}/", f"requests/{HELD}/"]
