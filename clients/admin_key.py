"""Who runs this service: the one key that opens what is under `/admin`."""

import logging

from clients.caller_keys import same_key
from clients.secret_store import SecretStore
from domain.errors import CredentialUnavailable
from domain.secret_reference import SecretReference

_log = logging.getLogger(__name__)


class AdminKey:
    """Knows the admin key when it sees it.

    Args:
        reference: Where it is found; None if there is none.
        secrets: Reads it.
    """

    def __init__(self, reference: SecretReference | None, secrets: SecretStore) -> None:
        self._reference = reference
        self._secrets = secrets

    @property
    def exists(self) -> bool:
        """Whether there is one."""
        return self._reference is not None

    async def is_it(self, presented: str) -> bool:
        """Whether this is the key; compared in constant time. What cannot be read is nobody's."""
        if self._reference is None:
            return False
        try:
            return same_key(presented, await self._secrets.get(self._reference))
        except CredentialUnavailable as error:
            _log.error("the admin key cannot be accepted: %s", error)
            return False
