"""Callers' keys in Table Storage.

A key has a row by its id, and one by the digest of each of its secrets, which holds the whole record, too: a caller is
known after one read. They change in one transaction, together with the audit.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from clients.admin_rows import PARTITION, AdminRows, Operation, attempts, replaced, row_of
from clients.table_rows import just_after
from domain.api_key import KEY_IDS, ApiKey
from domain.audit import AuditEntry
from domain.errors import InvalidRequest, NotFound

type KeyNote = Callable[[ApiKey, ApiKey], AuditEntry]
"""What the audit tells of a change from one record to another."""

_SECRETS: Final = ("sha256-", "sha256-~")
_KEYS: Final = ("key-", "key-~")


class ApiKeys:
    """Keeps the keys.

    Args:
        rows: Where.
    """

    def __init__(self, rows: AdminRows) -> None:
        self._rows = rows

    async def by_digest(self, digest: str) -> ApiKey | None:
        """The key that is known by a secret, if there is one."""
        kept = await self._rows.read(_secret_row(digest), ApiKey)
        return kept.value if kept else None

    async def find(self, key_id: str) -> ApiKey | None:
        """A key, if there is one."""
        kept = await self._rows.read(_row(key_id), ApiKey) if KEY_IDS.has(key_id) else None
        return kept.value if kept else None

    async def get(self, key_id: str) -> ApiKey:
        """A key.

        Raises:
            NotFound: There is none.
        """
        if found := await self.find(key_id):
            return found
        raise _missing(key_id)

    async def is_any(self) -> bool:
        """Whether any key can be used."""
        return await self._rows.is_any(_SECRETS)

    async def page(
        self, *, after: str | None, limit: int, tenant: str | None, revoked: bool | None
    ) -> Sequence[ApiKey]:
        """Keys, the newest first.

        Args:
            after: The last id of the page before.
            limit: At most so many.
            tenant: Whose; None for everybody's.
            revoked: Only those that were, or were not; None for both.

        Raises:
            InvalidRequest: `after` is no id of a key.
        """
        if after and not KEY_IDS.has(after):
            raise InvalidRequest(f"'{after}' is no id of a key.", param="after")
        span = (just_after(_row(after)) if after else _KEYS[0], _KEYS[1])
        return await self._rows.page(span, ApiKey, limit=limit, also={"tenant": tenant, "revoked": revoked})

    async def insert(self, key: ApiKey, entry: AuditEntry) -> None:
        """Add one, and tell the audit."""
        added = ("create", _key_row(key))
        if not await self._rows.commit(entry, added, *_secret_changes(None, key)) and not await self.find(key.key_id):
            raise RuntimeError(f"{key.key_id} could not be kept")

    async def amend(self, key_id: str, change: Callable[[ApiKey], ApiKey], note: KeyNote) -> ApiKey:
        """Change a key as if nobody else did at the same time, and tell the audit.

        Raises:
            NotFound: There is none.
        """
        for _ in attempts():
            kept = await self._rows.read(_row(key_id), ApiKey) if KEY_IDS.has(key_id) else None
            if kept is None:
                raise _missing(key_id)
            after = change(kept.value)
            if after == kept.value:
                return after
            changes = [replaced(_key_row(after), kept.etag), *_secret_changes(kept.value, after)]
            if await self._rows.commit(note(kept.value, after), *changes):
                return after
        raise RuntimeError(f"{key_id} kept changing while it was being changed")


def _secret_changes(before: ApiKey | None, after: ApiKey) -> list[Operation]:
    known = {secret.sha256 for secret in after.secrets}
    gone = {secret.sha256 for secret in before.secrets} - known if before else set[str]()
    return [
        *(("upsert", row_of(_secret_row(digest), after)) for digest in sorted(known)),
        *(("delete", {"PartitionKey": PARTITION, "RowKey": _secret_row(digest)}) for digest in sorted(gone)),
    ]


def _row(key_id: str) -> str:
    return f"{_KEYS[0]}{KEY_IDS.newest_first_key(key_id)}"


def _secret_row(digest: str) -> str:
    return f"{_SECRETS[0]}{digest}"


def _key_row(key: ApiKey) -> dict[str, Any]:
    return row_of(_row(key.key_id), key, tenant=key.tenant, revoked=key.revoked_at is not None)


def _missing(key_id: str) -> NotFound:
    return NotFound(f"There is no key '{key_id}'.", param="key_id", code="key_not_found")
