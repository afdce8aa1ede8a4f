"""The log hears of a retirement once a day."""

from datetime import timedelta

import pytest

from event_sources.retirement_notice import RetirementNotice
from tests.unit.examples import NOW, a_catalog, a_deployment


def test_a_process_that_lives_for_weeks_warns_once_a_day(caplog: pytest.LogCaptureFixture):
    notice = RetirementNotice(a_catalog(a_deployment(retires_on=NOW.date() + timedelta(days=9))))
    for hour in range(12 * 24):
        notice.give(NOW + timedelta(hours=hour))
    told = [record.message.partition(":")[0] for record in caplog.records]
    assert [words.partition(", ")[2] for words in told[:7]] == [*(f"in {n} days" for n in range(7, 1, -1)), "tomorrow"]
    assert told[7:] == ["east retires on 2026-11-30, today", *["east retired on 2026-11-30"] * 3]
