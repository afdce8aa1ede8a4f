"""Models and the deployments that render them: the upstream is configuration, never code."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import Field, HttpUrl, ValidationInfo, WrapValidator, field_validator

from domain.auth import Auth
from domain.configuration import Configuration
from domain.cross_references import with_cross_references
from domain.errors import InvalidRequest
from domain.usd import Usd

ANY_SIZE = "*"

type Size = Annotated[str, Field(pattern=r"^\d{2,5}x\d{2,5}$")]
type Operation = Literal["create", "remix", "edit", "extension", "character"]
type Billable = Literal["rendered", "failed", "moderated", "cancelled"]
BILLED_BY_DEFAULT: Final = frozenset[Billable]({"rendered"})


class Deployment(Configuration):
    """One upstream that can render a model.

    Attributes:
        name: Unique among all deployments; shown in records and logs.
        endpoint: The URL that `/videos` is appended to, such as `https://R.openai.azure.com/openai/v1/`.
        upstream_model: What the upstream calls the model; on Azure the deployment's name.
        auth: How it is told who we are.
        api_version: Sent as a query parameter if set (`preview` or `v1`).
        sizes: Allowed sizes, WIDTHxHEIGHT in pixels; the first is the default.
        seconds: Allowed lengths; the first is the default.
        input_reference: Whether it takes a reference image.
        max_concurrent: How many jobs it runs at once; what its refusals teach can only lower this.
        requests_per_minute: How many jobs may be asked for within a minute; None for no limit.
        cooldown_s: How long it rests after a refusal that names no time; the first rest after a fault, then doubling.
        priority: 1 is used first; a higher number only when no lower one has room.
        weight: Its share of the jobs among deployments of the same priority.
        retires_on: Its last day; after it (UTC), it is given no new jobs.
        on_unknown: What to do when a creation was not answered and the jobs cannot be listed.
        usd_per_second: Price of one rendered second by size, `*` for any other size.
        bills: What it bills of videos that are not completed: those that were `rendered`, but not copied; jobs that
            `failed`, were `moderated`, or were `cancelled` or took too long.
        expected_render_s: How long a render usually takes; places the first status checks.
        render_timeout_s: After this long in progress the video fails.
        content_lifetime_s: How long the upstream keeps a finished video's content.
        delete_after_copy: Whether the upstream's job is deleted once its content is safe.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
    endpoint: HttpUrl
    upstream_model: str
    auth: Auth
    api_version: str | None = None
    sizes: tuple[Size, ...] = ("720x1280", "1280x720")
    seconds: tuple[Annotated[int, Field(gt=0)], ...] = (4, 8, 12)
    operations: frozenset[Operation] = frozenset({"create"})
    input_reference: bool = True
    max_concurrent: Annotated[int, Field(gt=0)] = 10
    requests_per_minute: Annotated[int, Field(gt=0)] | None = None
    cooldown_s: Annotated[float, Field(gt=0)] = 10.0
    priority: Annotated[int, Field(gt=0)] = 1
    weight: Annotated[int, Field(gt=0)] = 1
    retires_on: date | None = None
    on_unknown: Literal["fail", "resubmit"] = "fail"
    usd_per_second: Mapping[str, Usd]
    bills: frozenset[Billable] = BILLED_BY_DEFAULT
    expected_render_s: Annotated[float, Field(gt=0)] = 60.0
    render_timeout_s: Annotated[float, Field(gt=0)] = 3600.0
    content_lifetime_s: Annotated[float, Field(gt=0)] = 86_400.0
    delete_after_copy: bool = False

    @field_validator("sizes", "seconds")
    @classmethod
    def _something_is_rendered(cls, offered: tuple[Any, ...]) -> tuple[Any, ...]:
        if not offered:
            raise ValueError("must have at least one entry")
        return offered

    @field_validator("usd_per_second")
    @classmethod
    def _every_size_has_a_price(cls, prices: Mapping[str, Decimal], info: ValidationInfo) -> Mapping[str, Decimal]:
        unpriced = [size for size in info.data.get("sizes", ()) if size not in prices and ANY_SIZE not in prices]
        if unpriced:
            raise ValueError(f"has no price for {', '.join(unpriced)}; add them, or '{ANY_SIZE}' for any")
        return prices

    def is_retired(self, today: date) -> bool:
        """Whether its last day is over."""
        return self.retires_on is not None and today > self.retires_on

    def renders(self, *, size: str, seconds: int, with_image: bool = False, operation: Operation = "create") -> bool:
        """Whether it can make such a video, from a reference image if there is one.

        Only what is created from nothing has a length that is the deployment's to allow.
        """
        lengths = self.seconds if operation == "create" else (seconds,)
        able = size in self.sizes and seconds in lengths and operation in self.operations
        return able and (self.input_reference or not with_image)

    def price_per_second(self, size: str) -> Decimal:
        """Price of one rendered second, in USD; it may be nothing."""
        return self.usd_per_second[size if size in self.usd_per_second else ANY_SIZE]


class Model(Configuration):
    """A public model name and who can render it.

    Attributes:
        deployments: The first ones' sizes and lengths are the defaults.
        fallback_models: Who renders instead, in this order, when none of the deployments can.
    """

    deployments: tuple[Deployment, ...]
    fallback_models: tuple[str, ...] = ()

    @field_validator("deployments")
    @classmethod
    def _somebody_renders_it(cls, deployments: tuple[Deployment, ...]) -> tuple[Deployment, ...]:
        # A minimal length would count only the deployments without problems, and so invent one more.
        if not deployments:
            raise ValueError("must have at least one entry")
        return deployments

    def living(self, today: date) -> tuple[Deployment, ...]:
        """The deployments whose last day is not over."""
        return tuple(deployment for deployment in self.deployments if not deployment.is_retired(today))

    def last_day(self) -> date | None:
        """When its last deployment retires; None if one of them never does."""
        days = [deployment.retires_on for deployment in self.deployments]
        return None if None in days else max(day for day in days if day)


type ModelName = Annotated[str, Field(pattern=r"^[^@]+$", max_length=100)]
"""It is the key of the model's capacity pool, which allows no @."""

type Models = Annotated[Mapping[ModelName, Model], Field(min_length=1), WrapValidator(with_cross_references)]


class Catalog(Configuration):
    """All models by public name."""

    models: Models

    def deployments(self) -> tuple[Deployment, ...]:
        """Every deployment of every model."""
        return tuple(deployment for model in self.models.values() for deployment in model.deployments)

    def deployment(self, name: str) -> Deployment | None:
        """The deployment of this name, unless the configuration has lost it."""
        return next((deployment for deployment in self.deployments() if deployment.name == name), None)

    def model_of(self, deployment: str | None) -> str | None:
        """The model that this deployment renders."""
        return next(
            (name for name, model in self.models.items() if any(each.name == deployment for each in model.deployments)),
            None,
        )

    def expected_render_s(self, model: str, deployment: str | None) -> float:
        """How long a render of a model usually takes, at its deployment if one was chosen."""
        chosen = self.deployment(deployment or "")
        first = self.models[model].deployments[0] if model in self.models else None
        return (chosen or first or self.deployments()[0]).expected_render_s

    def model(self, name: str) -> Model:
        """The model of this public name.

        Raises:
            InvalidRequest: There is none; the message lists those there are.
        """
        if name not in self.models:
            known = ", ".join(self.models)
            raise InvalidRequest(
                f"The model '{name}' does not exist here. Available: {known}.", param="model", code="model_not_found"
            )
        return self.models[name]
