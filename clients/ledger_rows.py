"""How a ledger looks in Table Storage: keys and entities.

It shares its tenant's partition with the videos that it tells of, so that both change together:

PartitionKey   RowKey             row
tenant-TENANT  u                  the tenant's account
tenant-TENANT  u<key id>          that of one of its keys
tenant-TENANT  l<day>-<number>    an entry; the oldest first
"""

from collections.abc import Mapping
from typing import Any

from clients.table_rows import tenant_partition
from domain.account import Account
from domain.movement import Entry

type Row = Mapping[str, Any]

ACCOUNTS = ("u", "v")
ENTRIES = ("l", "m")


def account_key(key_id: str | None) -> str:
    """The row of an account: a key's, or the tenant's."""
    return f"u{key_id or ''}"


def key_id_of(account_row: str) -> str | None:
    """Whose account a row is; None for the tenant's."""
    return account_row[1:] or None


def account_row(tenant: str, key_id: str | None, account: Account) -> Row:
    """An account as a row."""
    key = {"PartitionKey": tenant_partition(tenant), "RowKey": account_key(key_id)}
    return {**key, **account.model_dump(mode="json", exclude_none=True)}


def to_account(row: Row) -> Account:
    """A row as an account."""
    return Account.model_validate(dict(row))


def entry_row(tenant: str, entry: Entry) -> Row:
    """An entry as a row."""
    key = {"PartitionKey": tenant_partition(tenant), "RowKey": f"{day_key(entry.day)}-{entry.number:012d}"}
    return {**key, **entry.model_dump(mode="json", exclude_none=True)}


def to_entry(row: Row) -> Entry:
    """A row as an entry."""
    return Entry.model_validate(dict(row))


def day_key(day: str) -> str:
    """Where the entries of a day begin."""
    return f"l{day.replace('-', '')}"
