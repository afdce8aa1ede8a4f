"""A secret is never written down, only where to find it."""

import re
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

HOW_TO = "write env:NAME, file:PATH or keyvault:https://VAULT.vault.azure.net/secrets/NAME, never the secret itself"
_SECRET_URL = re.compile(r"https://[^/?#\s]+/secrets/[^/?#\s]+(/[^/?#\s]+)?")


class SecretReference(BaseModel):
    """Where a secret is found.

    Attributes:
        kind: The store.
        target: An environment variable's name, a path, or a secret's URL.
    """

    model_config = ConfigDict(frozen=True)
    kind: Literal["env", "file", "keyvault"]
    target: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.target}"


def parse_secret_reference(value: object) -> object:
    """Read `env:NAME`, `file:PATH` or `keyvault:URL`.

    Raises:
        ValueError: The text is no reference; the message does not repeat it, for it may be a secret.
    """
    if not isinstance(value, str):
        return value
    kind, colon, target = value.partition(":")
    if not colon or kind not in {"env", "file", "keyvault"} or not target:
        raise ValueError(HOW_TO)
    if kind == "keyvault" and not _SECRET_URL.fullmatch(target):
        raise ValueError(
            "a Key Vault reference looks like keyvault:https://VAULT.vault.azure.net/secrets/NAME[/VERSION]"
        )
    return {"kind": kind, "target": target}


type SecretRef = Annotated[SecretReference, BeforeValidator(parse_secret_reference)]
