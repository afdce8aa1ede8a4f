"""What a guardrail has found, and how its refusal is told."""

from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.errors import CheckImpossible, ContentPolicyViolation

type CategoryName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$")]
"""It is told to callers, so it is a name and no quotation."""
type Place = Literal["request", "prompt", "name", "input_reference", "video"]

_FIELDS = {"prompt", "name", "input_reference"}


class Finding(NamedTuple):
    """Something that is not allowed here.

    Attributes:
        category: What kind of thing.
        severity: How bad, where that is known: from 0 to 7.
        where: What it was found in.
    """

    category: str
    severity: int | None = None
    where: Place = "prompt"

    def refusal(self) -> ContentPolicyViolation:
        """How it is told: nothing of what was found is repeated."""
        what = f"The {self.where} is against the content policy: category '{self.category}'"
        severity = "" if self.severity is None else f", severity {self.severity}"
        return ContentPolicyViolation(f"{what}{severity}.", param=self.where if self.where in _FIELDS else None)


class Verdict(BaseModel):
    """What an operator's own check answers.

    Attributes:
        allowed: Whether the video may be made, or shown.
        category: Why not.
        severity: How bad it is.
    """

    model_config = ConfigDict(frozen=True, strict=True)
    allowed: bool
    category: CategoryName = "custom"
    severity: Annotated[int, Field(ge=0, le=7)] | None = None

    @classmethod
    def read(cls, answer: Any) -> Self:
        """Read an answer; None allows.

        Raises:
            CheckImpossible: It is no verdict: an error page must not count as consent.
        """
        if answer is None:
            return cls(allowed=True)
        try:
            return cls.model_validate(answer)
        except ValidationError as error:
            wrong = ", ".join(".".join(map(str, each["loc"])) or "all of it" for each in error.errors())
            raise CheckImpossible(f"the answer is no verdict (wrong: {wrong})") from None

    def finding(self, where: Place) -> Finding | None:
        """What it says was found."""
        return None if self.allowed else Finding(self.category, self.severity, where)
