"""Callers of the configuration, and what operators keep, in memory."""

from clients.administration import Administration
from clients.caller_keys import CallerKeys
from clients.callers import Callers
from clients.secret_store import SecretStore
from clients.settings import CallerKey
from tests.unit.clients.memory_table import MemoryTable
from tests.unit.fakes import FakeClock, a_secret_store, keyvault_secret


def an_administration() -> Administration:
    """One of its own table."""
    return Administration.on(MemoryTable().as_client())


def callers_of(*tenants: str, secrets: SecretStore | None = None, records: Administration | None = None) -> Callers:
    """Each tenant has a key of the configuration, whose secret has the tenant's name."""
    keys = [CallerKey(tenant=tenant, secret=keyvault_secret(tenant)) for tenant in tenants]
    return Callers(CallerKeys(keys, secrets or a_secret_store()), records or an_administration(), FakeClock())
