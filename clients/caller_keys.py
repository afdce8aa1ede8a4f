"""Who is calling: keys, and the tenants they belong to."""

import hashlib
import hmac
import logging
from collections.abc import Sequence

from clients.secret_store import SecretStore
from clients.settings import CallerKey
from domain.errors import CredentialUnavailable

_log = logging.getLogger(__name__)


class CallerKeys:
    """Finds the tenant of a key.

    Args:
        keys: Where the accepted keys are found.
        secrets: Reads them.

    Attributes:
        weights: The share of the slots of each tenant that has a key.
    """

    def __init__(self, keys: Sequence[CallerKey], secrets: SecretStore) -> None:
        self._keys = keys
        self.weights = {key.tenant: key.weight for key in keys}
        self._secrets = secrets

    async def tenant_of(self, presented: str) -> str | None:
        """The tenant of a presented key; None if the key is not accepted.

        Every accepted key is compared, each in constant time, so that the time taken says nothing.
        """
        tenant = None
        for key in self._keys:
            try:
                accepted = await self._secrets.get(key.secret)
            except CredentialUnavailable as error:
                _log.error("a key of tenant %s cannot be accepted: %s", key.tenant, error)
                continue
            if same_key(presented, accepted):
                tenant = key.tenant
        return tenant


def same_key(presented: str, accepted: str) -> bool:
    """Whether two keys are the same; the time taken does not tell how far."""
    return hmac.compare_digest(_digest(presented), _digest(accepted))


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
