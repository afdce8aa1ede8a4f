"""A character: somebody seen in a video that a tenant uploaded, to be named in prompts."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class Character(BaseModel):
    """What is known of a character; the deployment keeps the rest.

    Attributes:
        character_id: The deployment's own id for it, for it may be named in prompts.
        deployment: Who has it.
    """

    model_config = ConfigDict(frozen=True)
    character_id: str
    tenant: str
    name: str
    created_at: datetime
    deployment: str
