"""The key of an Azure service, where it does not know us by our identity."""

from azure.core.credentials import AzureKeyCredential

from clients.secret_store import SecretStore
from domain.secret_reference import SecretReference


class ServiceKey:
    """A service's key, which may be rotated.

    Args:
        reference: Where it is found.
        secrets: Reads it.
    """

    def __init__(self, reference: SecretReference, secrets: SecretStore) -> None:
        self.credential = AzureKeyCredential("not read yet")
        self._reference = reference
        self._secrets = secrets

    async def read(self) -> None:
        """Have the credential hold the present key.

        Raises:
            CredentialUnavailable: It cannot be read.
        """
        self.credential.update(await self._secrets.get(self._reference))

    def forget(self) -> None:
        """Read it anew next time."""
        self._secrets.forget(self._reference)
