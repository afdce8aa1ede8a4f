"""A key leads to its tenant, and to no other."""

import pytest

from clients.caller_keys import CallerKeys
from clients.settings import CallerKey
from tests.unit.fakes import a_secret_store, keyvault_secret


def keys(**tenants: str) -> CallerKeys:
    """Keys of tenants, where `sk-one` and `sk-two` can be read and nothing else."""
    accepted = [CallerKey(tenant=tenant, secret=keyvault_secret(name)) for tenant, name in tenants.items()]
    return CallerKeys(accepted, a_secret_store(one="sk-one", two="sk-two"))


async def test_a_key_belongs_to_its_tenant():
    accepted = keys(acme="one", globex="two")
    assert [await accepted.tenant_of(key) for key in ("sk-one", "sk-two")] == ["acme", "globex"]


@pytest.mark.parametrize("presented", ["", "sk", "sk-on", "sk-one ", "SK-ONE", "sk-öne", "keyvault"])
async def test_any_other_key_belongs_to_nobody(presented: str):
    assert await keys(acme="one").tenant_of(presented) is None


async def test_without_keys_nobody_is_accepted():
    assert await keys().tenant_of("sk-one") is None


async def test_a_key_that_cannot_be_read_does_not_lock_the_others_out(caplog: pytest.LogCaptureFixture):
    assert await keys(broken="gone", acme="one").tenant_of("sk-one") == "acme"
    assert "a key of tenant broken cannot be accepted" in caplog.text
    assert "sk-one" not in caplog.text
