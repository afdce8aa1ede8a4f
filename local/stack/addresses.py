"""Where the services are that the app uses, once they run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

ACCOUNT = "devstoreaccount1"


@dataclass(frozen=True)
class Addresses:
    """The URLs of the running backing services.

    Attributes:
        blob: The blob endpoint of the storage account.
        queue: Its queue endpoint.
        table: Its table endpoint.
        upstream: The fakes; `{upstream}/{deployment}/openai/v1/` is a deployment.
        identity: The managed identity endpoint.
        eventgrid: The Event Grid topic.
        otlp: The collector of spans and metrics.
        entra: The directory of Entra.
        vault: The Key Vault.
        vault_ca: The file of the authority that certifies the Key Vault.
    """

    blob: str
    queue: str
    table: str
    upstream: str
    identity: str
    eventgrid: str
    otlp: str
    entra: str
    vault: str
    vault_ca: str

    @classmethod
    def of(cls, announced: Mapping[str, str]) -> Self:
        """Makes the URLs from what Azurite and the fakes said when they were ready."""
        upstream = f"http://127.0.0.1:{announced['fakes']}"
        return cls(
            blob=_account(announced["blob"]),
            queue=_account(announced["queue"]),
            table=_account(announced["table"]),
            upstream=upstream,
            identity=f"{upstream}/identity/token",
            eventgrid=f"{upstream}/eventgrid/api/events",
            otlp=f"{upstream}/otlp",
            entra=f"https://127.0.0.1:{announced['vault']}/local",
            vault=f"https://127.0.0.1:{announced['vault']}",
            vault_ca=announced["vault_ca"],
        )


def _account(port: str) -> str:
    return f"http://127.0.0.1:{port}/{ACCOUNT}"
