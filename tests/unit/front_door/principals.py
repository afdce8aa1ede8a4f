"""Who signed in, as the platform tells of it."""

import json
from base64 import b64encode


def a_principal(*roles: str, **changes: object) -> str:
    """The header of somebody with these roles."""
    claims = [
        {"typ": "name", "val": "Ann"},
        {"typ": "preferred_username", "val": "ann@acme.example"},
        {"typ": "http://schemas.microsoft.com/identity/claims/objectidentifier", "val": "11111111-2222"},
        *({"typ": "roles", "val": role} for role in roles),
    ]
    told = {"auth_typ": "aad", "name_typ": "preferred_username", "role_typ": "roles", "claims": claims, **changes}
    return b64encode(json.dumps(told).encode()).decode()
