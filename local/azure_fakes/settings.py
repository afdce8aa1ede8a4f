"""What a test or a developer may turn: limits, speeds, keys, secrets, the clock."""

from typing import Annotated, Any, Final, Self, cast

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt

type JsonObject = dict[str, Any]

MAX_CONTENT_BYTES: Final = 2**32 - 1  # what one free box of the MP4 can pad
SIZES: Final = ("720x1280", "1280x720", "1024x1792", "1792x1024")
SCOPES: Final = ("https://ai.azure.com", "https://cognitiveservices.azure.com")


class DeploymentSettings(BaseModel):
    """How one deployment behaves; `None` means "no limit" or "no key"."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    exists: bool = True
    api_key: str | None = None
    accepted_scopes: tuple[str, ...] = SCOPES
    sizes: tuple[str, ...] = SIZES
    render_time_s: NonNegativeFloat = 6.0
    render_time_spread: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of `render_time_s` by which a job may be faster or slower, drawn from `seed`."""
    content_bytes: Annotated[int, Field(ge=0, le=MAX_CONTENT_BYTES)] = 0
    """Least size of a video's MP4; the difference is padded with a free box."""
    max_running: NonNegativeInt | None = None
    requests_per_minute: NonNegativeInt | None = None
    expires_after_s: NonNegativeFloat = 86_400.0


class Settings(DeploymentSettings):
    """The settings of one set of fakes; the inherited ones hold for every deployment that has none of its own."""

    api_keys: dict[str, str] = {}
    deployments: dict[str, DeploymentSettings] = {}
    secrets: dict[str, str] = {}
    applications: dict[str, str] = {}
    """What proves a client id to Entra: its secret, its federated token, or its certificate's public key in PEM."""
    clock_offset_s: float = 0.0
    seed: int = 0
    eventgrid_key: str | None = None
    content_safety_key: str | None = None
    image_severities: dict[str, Annotated[int, Field(ge=0, le=7)]] = {}
    """How harmful Content Safety finds every picture, by category."""
    identity_header: str | None = None
    """The `X-IDENTITY-HEADER` the identity endpoint insists on; `None` takes any."""

    def of(self, deployment: str) -> DeploymentSettings:
        """Return the settings that hold for `deployment`."""
        shared = {name: getattr(self, name) for name in DeploymentSettings.model_fields}
        shared["api_key"] = self.api_keys.get(deployment, self.api_key)
        own = self.deployments.get(deployment)
        return DeploymentSettings(**shared | (own.model_dump(exclude_unset=True) if own else {}))

    def all_keys(self) -> set[str]:
        """Return every API key that opens something."""
        own = (deployment.api_key for deployment in self.deployments.values())
        return {key for key in (self.api_key, *self.api_keys.values(), *own) if key is not None}

    def patched(self, patch: JsonObject) -> Self:
        """Return these settings after a JSON Merge Patch (RFC 7396): `null` takes a setting back to its default.

        Raises:
            pydantic.ValidationError: A setting is unknown or out of range.
        """
        return self.model_validate(merge_patch(self.model_dump(exclude_unset=True), patch))


def merge_patch(target: object, patch: object) -> object:
    """Apply a JSON Merge Patch (RFC 7396) without changing `target`."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(cast("JsonObject", target)) if isinstance(target, dict) else {}
    for name, value in cast("JsonObject", patch).items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged
