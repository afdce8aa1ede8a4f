"""The environment, parsed once at start. A bad configuration stops the app with every problem in one message."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, HttpUrl, ValidationError, field_validator
from pydantic_core.core_schema import ValidationInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from domain.catalog import Catalog, Models
from domain.configuration import problems_in
from domain.errors import ConfigurationError
from domain.guardrails import Check, ContentSafetyCheck, HttpsCheck
from domain.retention import RetentionRules
from domain.secret_reference import SecretRef
from domain.tenant import TenantName, Weight


def _from_json(value: object) -> object:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except json.JSONDecodeError as error:
        raise ValueError(f"is no JSON: {error}") from None


type _Json[T] = Annotated[T, NoDecode, BeforeValidator(_from_json)]
"""Read by us: pydantic-settings would stop at the first text that is no JSON, and tell of no other problem."""

_OrNone = BeforeValidator(lambda value: value or None)
"""What is empty is not set."""


class CallerKey(BaseModel):
    """A key that callers may send, and whose it is.

    Attributes:
        tenant: Who owns what is made with it.
        weight: The tenant's share of the slots, beside other tenants'.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    tenant: TenantName
    secret: SecretRef
    weight: Weight = 1.0


class Settings(BaseSettings):
    """`REELAY_…` in the environment.

    Attributes:
        models_file: What callers may ask for and who renders it: a YAML or JSON file; see `domain.catalog`.
        models: The same as JSON instead.
        api_keys: Accepted caller keys, as JSON.
        admin_key: The operator's key, for what is under `/admin`.
        easy_auth: Whether App Service's authentication stands before the app, so that its headers can be believed.
        admin_role: The app role that makes whoever signed in there an operator.
        entra_issuer: Whose tokens callers may come with instead of a key; None if nobody may.
        entra_audience: Whom such a token must be for.
        blob_endpoint: The storage account's blob service.
        table_endpoint: Its table service.
        storage_key: The account key, where the store takes no identity (Azurite); `env:` or `file:`.
        create_storage: Make the table and the containers at start; in Azure, the infrastructure makes them.
        identity_client_id: The user-assigned identity for storage and Key Vault; None for the system-assigned one.
        content_delivery: `redirect` sends readers to a short-lived link, `proxy` serves through the app.
        link_lifetime_s: How long such a link works.
        history_retention_s: How long an ended video's orchestration history is kept.
        max_queued_s: How long a video may wait for a deployment to take it.
        retention: What is kept how long, as JSON; see `domain.retention`.
        purge_schedule: When what is older is removed; NCRONTAB.
        sweep_schedule: When the sweeper runs; NCRONTAB.
        sweep_grace_s: How long the sweeper leaves a new video alone.
        max_body_bytes: Largest request body, but for uploaded files.
        max_file_bytes: Largest uploaded file.
        event_grid_endpoint: The Event Grid topic that hears of every video; None if nobody does.
        event_grid_topic: The topic's name, if the endpoint is a namespace.
        event_grid_key: Its key, where it does not know us by our identity.
        key_vault_ca: A PEM file to trust for Key Vault and Entra; only a local fake needs it.
        allow_private_addresses: Whether reference images, webhooks and guardrails may use private networks.
        content_safety_endpoint: The Content Safety resource that guardrails ask.
        content_safety_key: Its key, where it does not know us by our identity.
        guardrails_file: What may be asked for and shown: a YAML or JSON file; see `domain.guardrails`.
        guardrails: The same as JSON instead.
        telemetry: Where spans and metrics go beside those that the environment names; see `clients.telemetry.start`.
        metrics_endpoint: Whether the operator may ask for the metrics at `/metrics`.
        log_prompts: Whether the log tells what is asked for.
    """

    model_config = SettingsConfigDict(env_prefix="REELAY_", frozen=True, extra="ignore")

    models_file: Path | None = None
    models: Annotated[_Json[Models], Field(validate_default=True)] = {}
    api_keys: _Json[tuple[CallerKey, ...]] = ()
    admin_key: SecretRef | None = None
    easy_auth: bool = False
    admin_role: Annotated[str, Field(min_length=1)] = "Reelay.Admin"
    entra_issuer: Annotated[Annotated[str, Field(pattern=r"^https://\S+$")] | None, _OrNone] = None
    entra_audience: Annotated[str | None, _OrNone, Field(validate_default=True)] = None
    blob_endpoint: HttpUrl
    table_endpoint: HttpUrl
    storage_key: SecretRef | None = None
    create_storage: bool = False
    identity_client_id: str | None = None
    content_delivery: Literal["redirect", "proxy"] = "redirect"
    link_lifetime_s: Annotated[int, Field(ge=60, le=86_400)] = 900
    history_retention_s: Annotated[float, Field(ge=0)] = 3600.0
    max_queued_s: Annotated[float, Field(gt=0)] = 86_400.0
    retention: Annotated[_Json[RetentionRules], Field(validate_default=True)] = RetentionRules()
    purge_schedule: str = "0 */10 3 * * *"
    sweep_schedule: str = "*/20 * * * * *"
    sweep_grace_s: Annotated[float, Field(gt=0)] = 60.0
    max_body_bytes: Annotated[int, Field(gt=0)] = 32 * 1024 * 1024
    max_file_bytes: Annotated[int, Field(gt=0, lt=2**31)] = 200 * 1024 * 1024
    event_grid_endpoint: Annotated[HttpUrl | None, _OrNone] = None
    event_grid_topic: str | None = None
    event_grid_key: SecretRef | None = None
    key_vault_ca: Path | None = None
    allow_private_addresses: bool = False
    content_safety_endpoint: HttpUrl | None = None
    content_safety_key: SecretRef | None = None
    guardrails_file: Path | None = None
    guardrails: Annotated[_Json[tuple[Check, ...]], Field(validate_default=True)] = ()
    telemetry: Literal["console"] | None = None
    metrics_endpoint: bool = False
    log_prompts: bool = False

    @field_validator("models", mode="before")
    @classmethod
    def _read_models_file(cls, models: object, info: ValidationInfo) -> object:
        path: Path | None = info.data.get("models_file")
        if bool(path) == bool(models):
            raise ValueError("set either REELAY_MODELS (JSON) or REELAY_MODELS_FILE (a YAML or JSON file)")
        return _from_yaml(path) if path else models

    @field_validator("guardrails", mode="before")
    @classmethod
    def _read_guardrails_file(cls, guardrails: object, info: ValidationInfo) -> object:
        path: Path | None = info.data.get("guardrails_file")
        if path and guardrails:
            raise ValueError("set either REELAY_GUARDRAILS (JSON) or REELAY_GUARDRAILS_FILE (a YAML or JSON file)")
        return _from_yaml(path) if path else guardrails

    @field_validator("guardrails")
    @classmethod
    def _have_someone_to_ask(cls, guardrails: tuple[Check, ...], info: ValidationInfo) -> tuple[Check, ...]:
        asks = any(isinstance(check, ContentSafetyCheck) for check in guardrails)
        if asks and info.data.get("content_safety_endpoint", "") is None:
            raise ValueError("content_safety needs REELAY_CONTENT_SAFETY_ENDPOINT")
        plain = any(isinstance(check, HttpsCheck) and check.https.scheme != "https" for check in guardrails)
        if plain and not info.data.get("allow_private_addresses"):
            raise ValueError("https needs an https URL, unless REELAY_ALLOW_PRIVATE_ADDRESSES is set")
        return guardrails

    @field_validator("entra_audience")
    @classmethod
    def _goes_with_an_issuer(cls, audience: str | None, info: ValidationInfo) -> str | None:
        if "entra_issuer" in info.data and (audience is None) != (info.data["entra_issuer"] is None):
            raise ValueError("set both REELAY_ENTRA_ISSUER and REELAY_ENTRA_AUDIENCE, or neither")
        return audience

    @field_validator("create_storage")
    @classmethod
    def _is_opened_with_a_key(cls, create_storage: bool, info: ValidationInfo) -> bool:  # noqa: FBT001 - pydantic's way
        if create_storage and info.data.get("storage_key", "") is None:
            raise ValueError("needs storage_key")
        return create_storage

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
    def operator_role(self) -> str | None:
        """The role of operators, if whoever has one is told of truly."""
        return self.admin_role if self.easy_auth else None

    @property
    def max_queued(self) -> timedelta:
        """See `max_queued_s`."""
        return timedelta(seconds=self.max_queued_s)

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
        raise ConfigurationError(problems_in(error)) from None


def _from_yaml(path: Path) -> object:
    """Read a file; what YAML's own errors quote of it could be a secret that was written there by mistake."""
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except yaml.MarkedYAMLError as error:
        place = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ValueError(f"{path} is no YAML{place}") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise ValueError(f"{path} is no text in UTF-8") from None
