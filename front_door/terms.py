"""The headers that say on what terms a video is asked for."""

from typing import Literal

from pydantic import BaseModel

from intake.accept import Terms


class TermsHeaders(BaseModel):
    """The headers of every POST that makes a video.

    Attributes:
        idempotency_key: With the same key and the same request, the same video.
        x_reelay_fallback: Whether a fallback model may render it.
    """

    idempotency_key: str | None = None
    x_reelay_fallback: Literal["allow", "none"] = "allow"

    def terms(self) -> Terms:
        """What they say."""
        return Terms(self.idempotency_key, may_fall_back=self.x_reelay_fallback == "allow")
