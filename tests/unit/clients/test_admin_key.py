"""The admin key is one key, and no other."""

import pytest

from clients.admin_key import AdminKey
from tests.unit.fakes import a_secret_store, keyvault_secret


def an_admin_key(name: str = "admin") -> AdminKey:
    return AdminKey(keyvault_secret(name), a_secret_store(admin="sk-admin"))


async def test_the_key_is_known():
    assert await an_admin_key().is_it("sk-admin")


@pytest.mark.parametrize("presented", ["", "sk", "sk-admi", "sk-admin ", "SK-ADMIN", "sk-ädmin"])
async def test_any_other_key_is_not_it(presented: str):
    assert not await an_admin_key().is_it(presented)


async def test_without_an_admin_key_nothing_is_it():
    nobody = AdminKey(None, a_secret_store())
    assert not nobody.exists
    assert not await nobody.is_it("")


async def test_a_key_that_cannot_be_read_is_nobodys_and_the_log_says_so(caplog: pytest.LogCaptureFixture):
    key = an_admin_key("gone")
    assert key.exists
    assert not await key.is_it("sk-admin")
    assert "the admin key cannot be accepted" in caplog.text
