"""Opens the Azure clients that the settings ask for."""

import ssl
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

import httpx
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import ResourceExistsError
from azure.data.tables import TableServiceClient
from azure.data.tables.aio import TableClient
from azure.eventgrid.aio import EventGridPublisherClient
from azure.identity.aio import DefaultAzureCredential
from azure.keyvault.secrets.aio import SecretClient
from azure.storage.blob import BlobServiceClient as BlockingBlobServiceClient
from azure.storage.blob.aio import BlobServiceClient

from clients.administration import Administration
from clients.batch_table import BatchTable
from clients.blob_store import AccountKeySigner, BlobStore, UserDelegationSigner
from clients.character_table import CharacterTable
from clients.entra_tokens import EntraTokens
from clients.event_grid import EventGrid
from clients.file_table import FileTable
from clients.files import Files
from clients.ledger import Ledger
from clients.purge_progress import PurgeProgress
from clients.render_times import RenderTimeTable
from clients.secret_store import SecretStore, read_here
from clients.service_key import ServiceKey
from clients.settings import Settings
from clients.signing_keys import SigningKeys
from clients.transactions import Transactions
from clients.video_table import VideoTable, Wrote
from clients.webhook_deliveries import WebhookDeliveries
from clients.webhook_endpoints import WebhookEndpoints
from domain.errors import ConfigurationError
from domain.secret_reference import SecretReference

if TYPE_CHECKING:
    from clients.guardrails.content_safety import ContentSafety

TABLE = "videos"
CONTENTS = "videos"
INPUTS = "requests"
FILES = "files"
_ISSUER_TIMEOUT_S = 5.0
_PATIENCE: dict[str, Any] = {"connection_timeout": 5, "read_timeout": 10, "retry_read": 1}
"""How long a service may be silent, in seconds: the SDK would wait five minutes, and again after that."""
_TRANSPORT: dict[str, Any] = {**_PATIENCE, "use_env_settings": False}
"""No proxies and no .netrc: aiohttp would look for them in the environment anew for every call, in threads."""
_BLOBS: dict[str, Any] = {**_TRANSPORT, "read_timeout": 30}
"""The service says nothing while it puts a large blob together."""


class Azure:
    """Our own storage and vaults, each opened with the account's key if there is one, else with our identity.

    Args:
        settings: Where they are.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._key = _read_key(settings.storage_key) if settings.storage_key else None
        self._identity = DefaultAzureCredential(managed_identity_client_id=settings.identity_client_id)
        blob_endpoint = str(settings.blob_endpoint)
        self._account = settings.account_name
        self._blobs = BlobServiceClient(blob_endpoint, credential=self._key or self._identity, **_BLOBS)
        self._signer = AccountKeySigner(self._key) if self._key else UserDelegationSigner(self._blobs)

    def ledger(self, clock: Callable[[], datetime]) -> Ledger:
        """What tenants have set aside and spent."""
        table = self._table()
        return Ledger(table, Transactions(table), clock)

    def videos(self, ledger: Ledger, wrote: Wrote) -> VideoTable:
        """The video records; `wrote` hears of what is written."""
        return VideoTable(self._table(), ledger, wrote)

    def render_times(self) -> RenderTimeTable:
        """How long renders take."""
        return RenderTimeTable(self._table())

    def administration(self) -> Administration:
        """What operators look after."""
        return Administration.on(self._table())

    def entra_tokens(self) -> EntraTokens | None:
        """Reads the tokens that callers may come with, if they may."""
        issuer, audience, ca = self._settings.entra_issuer, self._settings.entra_audience, self._settings.key_vault_ca
        if issuer is None or audience is None:
            return None
        http = httpx.AsyncClient(verify=ssl.create_default_context(cafile=ca), timeout=_ISSUER_TIMEOUT_S)
        return EntraTokens(SigningKeys(issuer, http), issuer=issuer, audience=audience)

    def webhook_endpoints(self) -> WebhookEndpoints:
        """Who wants to hear of what."""
        return WebhookEndpoints(self._table())

    def webhook_deliveries(self) -> WebhookDeliveries:
        """What is on its way to them."""
        return WebhookDeliveries(self._table())

    def event_grid(self, secrets: SecretStore) -> EventGrid | None:
        """The topic that hears of every video, if there is one."""
        settings = self._settings
        if settings.event_grid_endpoint is None:
            return None
        key = ServiceKey(settings.event_grid_key, secrets) if settings.event_grid_key else None
        endpoint, credential = str(settings.event_grid_endpoint), key.credential if key else self._identity
        topic = settings.event_grid_topic
        client = EventGridPublisherClient(endpoint, credential, namespace_topic=topic, retry_total=0, **_TRANSPORT)
        return EventGrid(client, key)

    def content_safety(self, secrets: SecretStore) -> "ContentSafety":
        """The Content Safety resource that the settings name."""
        from clients.guardrails import content_safety as service  # noqa: PLC0415 - 50 ms that few need

        reference, endpoint = self._settings.content_safety_key, str(self._settings.content_safety_endpoint)
        key = ServiceKey(reference, secrets) if reference else None
        return service.ContentSafety(service.connect(endpoint, key.credential if key else self._identity), key)

    def contents(self) -> BlobStore:
        """Finished videos."""
        return BlobStore(self._blobs.get_container_client(CONTENTS), self._signer)

    def inputs(self) -> BlobStore:
        """What videos are asked with."""
        return BlobStore(self._blobs.get_container_client(INPUTS), self._signer)

    def files(self) -> Files:
        """What tenants uploaded, and what was made for them."""
        return Files(FileTable(self._table()), BlobStore(self._blobs.get_container_client(FILES), self._signer))

    def characters(self) -> CharacterTable:
        """Whose character is where."""
        return CharacterTable(self._table())

    def batches(self) -> BatchTable:
        """The batch records."""
        return BatchTable(self._table())

    def purge_progress(self) -> PurgeProgress:
        """How far the purge has come."""
        return PurgeProgress(self._table())

    def vault(self, url: str) -> SecretClient:
        """A Key Vault."""
        ca = self._settings.key_vault_ca
        trust: dict[str, Any] = {"connection_verify": str(ca), "verify_challenge_resource": False} if ca else {}
        return SecretClient(url, self._identity, **_PATIENCE, **trust)

    def create_storage(self) -> None:
        """Make the table and the containers, unless they are there: for stores that are opened with a key."""
        credential = AzureNamedKeyCredential(self._account, self._key or "")
        tables = TableServiceClient(str(self._settings.table_endpoint), credential=credential)
        tables.create_table_if_not_exists(TABLE)
        blobs = BlockingBlobServiceClient(str(self._settings.blob_endpoint), credential=self._key)
        for container in (CONTENTS, INPUTS, FILES):
            with suppress(ResourceExistsError):
                blobs.create_container(container)
        blobs.close()
        tables.close()

    def _table(self) -> TableClient:
        credential = AzureNamedKeyCredential(self._account, self._key) if self._key else self._identity
        return TableClient(str(self._settings.table_endpoint), TABLE, credential=credential, **_TRANSPORT)


def _read_key(reference: SecretReference) -> str:
    key = read_here(reference)
    if not key:
        raise ConfigurationError([f"storage_key: {reference} is empty or not set"])
    return key
