"""The headers that say on what terms a video is asked for."""

from typing import Annotated, Literal

from fastapi import Depends, Header
from pydantic import BaseModel

from intake.accept import Terms as IntakeTerms


class TermsHeaders(BaseModel):
    """The headers of every POST that makes a video.

    Attributes:
        idempotency_key: With the same key and the same request, the same video.
        x_reelay_fallback: Whether a fallback model may render it.
    """

    idempotency_key: str | None = None
    x_reelay_fallback: Literal["allow", "none"] = "allow"


async def _terms(headers: Annotated[TermsHeaders, Header()]) -> IntakeTerms:
    return IntakeTerms(headers.idempotency_key, may_fall_back=headers.x_reelay_fallback == "allow")


type Terms = Annotated[IntakeTerms, Depends(_terms)]
