"""What may be asked for and shown: a chain of checks, as the operator writes it down."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal, cast

from pydantic import Discriminator, Field, HttpUrl, Tag

from domain.configuration import Configuration
from domain.finding import Finding, Place
from domain.prompt_rules import Blocklist, LanguageRule, Length, Patterns
from domain.secret_reference import SecretRef

type Threshold = Annotated[int, Field(ge=1, le=7)] | None


class Stage(StrEnum):
    """When checks are made."""

    REQUEST = "request"
    VIDEO = "video"


class Thresholds(Configuration):
    """From which severity on something is refused; None lets all of it through.

    Severities are 0, 2, 4 and 6; prompts alone have those between, too, and only if a threshold is one of them.
    """

    hate: Threshold = 4
    self_harm: Threshold = 4
    sexual: Threshold = 4
    violence: Threshold = 4

    def of(self, category: str) -> Threshold:
        """The threshold of a category; one that is not known here is refused like the strictest."""
        return dict(self).get(category, 1)

    @property
    def are_fine(self) -> bool:
        """Whether they need severities between the usual ones."""
        return any(each is not None and each % 2 for _, each in self)


class _Asks(Configuration):
    """A check that somebody else makes.

    Attributes:
        at: When.
        on_error: Whether what cannot be checked is refused or let through.
        timeout_s: How long it may take.
    """

    at: Annotated[frozenset[Stage], Field(min_length=1)] = frozenset(Stage)
    on_error: Literal["fail_closed", "fail_open"] = "fail_closed"
    timeout_s: Annotated[float, Field(gt=0, le=60)] = 5.0


class ContentSafetyCheck(_Asks):
    """Azure AI Content Safety looks at prompts, reference images and stills.

    Attributes:
        content_safety: The thresholds.
        tenants: Those of single tenants; what one leaves out is as for all.
    """

    content_safety: Thresholds = Thresholds()
    tenants: Mapping[str, Thresholds] = {}

    def thresholds(self, tenant: str) -> Thresholds:
        """Those of a tenant."""
        own = self.tenants.get(tenant, Thresholds())
        return self.content_safety.model_copy(update=own.model_dump(exclude_unset=True))


class PythonCheck(_Asks):
    """A function of the operator's own.

    Attributes:
        python: Where it is: `module:function`.
    """

    python: Annotated[str, Field(pattern=r"^[\w.]+:\w+$")]


class HttpsCheck(_Asks):
    """An endpoint of the operator's own.

    Attributes:
        https: Its URL.
        bearer: What it wants to be shown.
    """

    https: HttpUrl
    bearer: SecretRef | None = None


_KINDS = ("blocklist", "regex", "max_characters", "languages", "content_safety", "python", "https")


def _kind(value: object) -> str | None:
    """A check is known by the field that no other kind has."""
    fields = cast("Mapping[str, object]", value) if isinstance(value, Mapping) else ()
    return next((kind for kind in _KINDS if kind in fields), None)


type Check = Annotated[
    Annotated[Blocklist, Tag("blocklist")]
    | Annotated[Patterns, Tag("regex")]
    | Annotated[Length, Tag("max_characters")]
    | Annotated[LanguageRule, Tag("languages")]
    | Annotated[ContentSafetyCheck, Tag("content_safety")]
    | Annotated[PythonCheck, Tag("python")]
    | Annotated[HttpsCheck, Tag("https")],
    Discriminator(_kind, custom_error_type="check", custom_error_message=f"needs one of {', '.join(_KINDS)}"),
]
"""One link of the chain; the first that finds something ends it."""


def worst(severities: Mapping[str, int], thresholds: Thresholds, where: Place) -> Finding | None:
    """The severest of what is not allowed.

    Args:
        severities: By category.
        thresholds: What is allowed.
        where: What it was found in.
    """
    findings = [
        Finding(category, severity, where)
        for category, severity in severities.items()
        if (threshold := thresholds.of(category)) is not None and severity >= threshold
    ]
    return max(findings, key=lambda finding: finding.severity or 0, default=None)
