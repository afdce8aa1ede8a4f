"""Callers' keys in Table Storage.

A key has a row by its id, and one by the digest of each of its secrets, which holds the whole record, too: a caller is
known after one read. They change in one transaction, together with the audit.
"""

from collections.abc import Callable, Sequence
from typing import Final

from clients.admin_rows import PARTITION, AdminRows, Change, Note, Row, row_of
from clients.table_rows import just_after
from domain.api_key import KEY_IDS, ApiKey
from domain.audit import AuditEntry
from domain.errors import InvalidRequest, NotFound

_SECRETS: Final = "sha256-"
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
        return await self._rows.read(_secret_row(digest), ApiKey)

    async def find(self, key_id: str) -> ApiKey | None:
        """A key, if there is one."""
        return await self._rows.read(_row(key_id), ApiKey) if KEY_IDS.has(key_id) else None

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
        return bool(await self.page(after=None, limit=1, tenant=None, revoked=False))

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
        is_kept = await self._rows.commit(entry, ("create", _key_row(key)), *_secret_rows(key))
        if not is_kept and await self.find(key.key_id) != key:  # else the transport repeated one that had worked
            raise RuntimeError(f"{key.key_id} could not be kept")

    async def amend(self, key_id: str, change: Callable[[ApiKey], ApiKey], note: Note[ApiKey]) -> ApiKey:
        """Change a key as if nobody else did at the same time, and tell the audit.

        Raises:
            NotFound: There is none.
        """
        amended = await self._rows.amend(_row(key_id), ApiKey, change, note, _redrawn) if KEY_IDS.has(key_id) else None
        if amended is None:
            raise _missing(key_id)
        return amended


def _redrawn(before: ApiKey, after: ApiKey) -> tuple[Row, Sequence[Change]]:
    known = {secret.sha256 for secret in after.secrets}
    gone = {secret.sha256 for secret in before.secrets} - known
    deletions: list[Change] = [
        ("delete", {"PartitionKey": PARTITION, "RowKey": _secret_row(digest)}) for digest in sorted(gone)
    ]
    return _key_row(after), [*_secret_rows(after), *deletions]


def _secret_rows(key: ApiKey) -> list[Change]:
    return [("upsert", row_of(_secret_row(secret.sha256), key)) for secret in key.secrets]


def _row(key_id: str) -> str:
    return f"{_KEYS[0]}{KEY_IDS.newest_first_key(key_id)}"


def _secret_row(digest: str) -> str:
    return f"{_SECRETS}{digest}"


def _key_row(key: ApiKey) -> Row:
    return row_of(_row(key.key_id), key, tenant=key.tenant, revoked=key.revoked_at is not None)


def _missing(key_id: str) -> NotFound:
    return NotFound(f"There is no key '{key_id}'.", param="key_id", code="key_not_found")
