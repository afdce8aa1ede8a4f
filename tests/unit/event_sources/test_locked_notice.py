"""A service that nobody can call says so in its log."""

import pytest

from event_sources.locked_notice import LockedNotice
from tests.unit.callers import callers_of
from tests.unit.examples import TENANT


@pytest.mark.parametrize(("tenants", "times"), [((), 1), ((TENANT,), 0)])
async def test_it_is_said_once_how_to_make_the_first_key(
    caplog: pytest.LogCaptureFixture, tenants: tuple[str, ...], times: int
):
    notice = LockedNotice(callers_of(*tenants))
    for _ in range(2):
        await notice.give()
    assert caplog.text.count("/v1/admin/keys") == times
