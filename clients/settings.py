"""The environment, parsed once at start. A bad configuration stops the app with every problem in one message."""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, HttpUrl, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from domain.catalog import Catalog, Model
from domain.errors import ConfigurationError
from domain.secret_reference import SecretRef


class CallerKey(BaseModel):
    """A key that callers may send, and whose it is.

    Attributes:
        tenant: Who owns what is made with it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    tenant: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")]
    secret: SecretRef


class Settings(BaseSettings):
    """`REELAY_…` in the environment.

    Attributes:
        models: What callers may ask for and who renders it, as JSON; see `domain.catalog`.
        models_file: The same in a YAML or JSON file instead.
        api_keys: Accepted caller keys, as JSON.
        blob_endpoint: The storage account's blob service.
        table_endpoint: Its table service.
        storage_key: The account key, where the store takes no identity (Azurite); `env:` or `file:`.
        create_storage: Make the table and the containers at start; in Azure, the infrastructure makes them.
        identity_client_id: The user-assigned identity for storage and Key Vault; None for the system-assigned one.
        content_delivery: `redirect` sends readers to a short-lived link, `proxy` serves through the app.
        link_lifetime_s: How long such a link works.
        history_retention_s: How long an ended video's orchestration history is kept.
        max_queued_s: How long a video may wait for a deployment to take it.
        sweep_schedule: When the sweeper runs; NCRONTAB.
        sweep_grace_s: How long the sweeper leaves a new video alone.
        max_body_bytes: Largest request body.
        key_vault_ca: A PEM file to trust for Key Vault; only a local fake needs it.
        allow_private_addresses: Whether reference images may be fetched from private networks.
    """

    model_config = SettingsConfigDict(env_prefix="REELAY_", frozen=True, extra="ignore")

    models: Mapping[str, Model] = {}
    models_file: Path | None = None
    api_keys: tuple[CallerKey, ...] = ()
    blob_endpoint: HttpUrl
    table_endpoint: HttpUrl
    storage_key: SecretRef | None = None
    create_storage: bool = False
    identity_client_id: str | None = None
    content_delivery: Literal["redirect", "proxy"] = "redirect"
    link_lifetime_s: Annotated[int, Field(ge=60, le=86_400)] = 900
    history_retention_s: Annotated[float, Field(ge=0)] = 3600.0
    max_queued_s: Annotated[float, Field(gt=0)] = 86_400.0
    sweep_schedule: str = "*/30 * * * * *"
    sweep_grace_s: Annotated[float, Field(gt=0)] = 60.0
    max_body_bytes: Annotated[int, Field(gt=0)] = 32 * 1024 * 1024
    key_vault_ca: Path | None = None
    allow_private_addresses: bool = False

    @model_validator(mode="before")
    @classmethod
    def _read_models_file(cls, values: dict[str, Any]) -> dict[str, Any]:
        path, models = values.get("models_file"), values.get("models")
        if bool(path) == bool(models):
            raise ValueError("set either REELAY_MODELS (JSON) or REELAY_MODELS_FILE (a YAML or JSON file)")
        if path:
            try:
                values["models"] = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
            except (OSError, yaml.YAMLError) as error:
                raise ValueError(f"REELAY_MODELS_FILE cannot be read: {error}") from error
        return values

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        Catalog(models=self.models)
        if self.create_storage and not self.storage_key:
            raise ValueError("create_storage needs storage_key")
        return self

    @property
    def catalog(self) -> Catalog:
        """The models and their deployments."""
        return Catalog(models=self.models)

    @property
    def account_name(self) -> str:
        """The storage account's name: the first part of the host, or of the path where an emulator has many."""
        host, path = self.blob_endpoint.host or "", (self.blob_endpoint.path or "").strip("/")
        return path or host.partition(".")[0]

    @property
    def history_retention(self) -> timedelta:
        """See `history_retention_s`."""
        return timedelta(seconds=self.history_retention_s)


def load_settings() -> Settings:
    """Read the environment.

    Raises:
        ConfigurationError: It cannot be used; every problem is listed, and no value is repeated.
    """
    try:
        return Settings()  # pyright: ignore[reportCallIssue] - the fields come from the environment
    except ValidationError as error:
        raise ConfigurationError([_problem(detail) for detail in error.errors(include_input=False)]) from None
    except json.JSONDecodeError as error:
        raise ConfigurationError([str(error)]) from None


def _problem(detail: Any) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in detail["loc"]).lstrip(".")
    return f"{path or 'settings'}: {detail['msg']}"
