"""Callers of the configuration, and what operators keep, in memory."""

from typing import Any, cast

from clients.administration import Administration
from clients.caller_keys import CallerKeys
from clients.callers import Callers
from clients.secret_store import SecretStore
from clients.settings import CallerKey
from domain.api_key import KEY_IDS, ApiKey
from domain.audit import AUDIT_IDS, AuditEntry
from domain.caller import Caller
from domain.timed_id import ID_RANDOM_BYTES
from tests.unit.clients.memory_table import MemoryTable
from tests.unit.examples import NOW, TENANT
from tests.unit.fakes import FakeClock, a_secret_store, keyvault_secret


def an_administration() -> Administration:
    """One of its own table."""
    return Administration.on(MemoryTable().as_client())


def a_key(**changes: Any) -> ApiKey:
    """A key of the usual tenant."""
    key_id = KEY_IDS.new(NOW, bytes(ID_RANDOM_BYTES))
    return ApiKey(**{"key_id": key_id, "tenant": TENANT, "name": "a test", "created_at": NOW, **changes})


def an_entry() -> AuditEntry:
    """What the audit is told where that is not the point."""
    entry_id = AUDIT_IDS.new(NOW, bytes(ID_RANDOM_BYTES))
    return AuditEntry(entry_id=entry_id, at=NOW, actor="ann", action="key.create", subject="key_1", tenant=TENANT)


class OneCaller:
    """`Callers` who all are this one.

    Args:
        caller: Who; None for nobody any more.
    """

    def __init__(self, caller: Caller | None) -> None:
        self.caller = caller

    def as_callers(self) -> Callers:
        return cast("Callers", self)

    async def by_key(self, _: str) -> Caller | None:
        return self.caller

    async def by_id(self, _tenant: str, _key_id: str | None = None) -> Caller | None:
        return self.caller


def callers_of(*tenants: str, secrets: SecretStore | None = None, records: Administration | None = None) -> Callers:
    """Each tenant has a key of the configuration, whose secret has the tenant's name."""
    keys = [CallerKey(tenant=tenant, secret=keyvault_secret(tenant)) for tenant in tenants]
    return Callers(CallerKeys(keys, secrets or a_secret_store()), records or an_administration(), FakeClock())
