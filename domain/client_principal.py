"""Who has signed in, as App Service's authentication tells of it.

Source: https://learn.microsoft.com/azure/app-service/configure-authentication-user-identities#decode-the-client-principal-header
"""

from base64 import b64decode
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, Field, ValidationError

_ROLE_TYPES = {"roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"}
_ID_TYPES = {"oid", "http://schemas.microsoft.com/identity/claims/objectidentifier"}
_UNNAMED = "somebody"


class _Claim(BaseModel):
    kind: Annotated[str, Field(alias="typ")]
    value: Annotated[str, Field(alias="val")]


class _Told(BaseModel):
    provider: Annotated[Literal["aad"], Field(alias="auth_typ")]
    claims: list[_Claim]
    name_type: Annotated[str | None, Field(alias="name_typ")] = None
    role_type: Annotated[str | None, Field(alias="role_typ")] = None


class Principal(NamedTuple):
    """Somebody who was signed in by Entra.

    Attributes:
        name: What they are called, and their object id.
        roles: The app roles they have.
    """

    name: str
    roles: frozenset[str]


def read_principal(header: str) -> Principal | None:
    """Who is told of; None if nobody is, or not by Entra, or not in a form that can be read.

    Args:
        header: `X-MS-CLIENT-PRINCIPAL`: JSON in Base64.
    """
    try:
        told = _Told.model_validate_json(b64decode(header))
    except (ValueError, ValidationError):
        return None
    role_types = _ROLE_TYPES | {told.role_type}
    names = [claim.value for claim in told.claims if claim.kind == told.name_type]
    ids = [claim.value for claim in told.claims if claim.kind in _ID_TYPES]
    name = " ".join([*names[:1], *ids[:1]]) or _UNNAMED
    return Principal(name, frozenset(claim.value for claim in told.claims if claim.kind in role_types))
