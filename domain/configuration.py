"""What the operator writes down."""

from pydantic import BaseModel, ConfigDict


class Configuration(BaseModel):
    """A part of the configuration: never changed, and a word that is not known is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")
