"""Who signed in is read from what the platform says, and from nothing that only looks like it."""

import json
from base64 import b64encode

import pytest

from domain.client_principal import read_principal
from tests.unit.front_door.principals import a_principal

LONG = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"


def test_name_and_roles_are_read():
    principal = read_principal(a_principal("Reader", "Admin"))
    assert principal == ("ann@acme.example 11111111-2222", {"Reader", "Admin"})


@pytest.mark.parametrize(("kind", "role_typ"), [(LONG, LONG), (LONG, None), ("roles", LONG), ("own", "own")])
def test_roles_are_read_by_each_of_their_names(kind: str, role_typ: str | None):
    principal = read_principal(a_principal(role_typ=role_typ, claims=[{"typ": kind, "val": "Admin"}]))
    assert principal == ("somebody", {"Admin"})


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Admin",
        "%%%",
        b64encode(b"\xff").decode(),
        b64encode(b"[]").decode(),
        b64encode(json.dumps({"auth_typ": "aad"}).encode()).decode(),
        a_principal("Admin", auth_typ="google"),
        a_principal("Admin", claims=[{"typ": "roles"}]),
    ],
)
def test_what_cannot_be_read_is_nobody(header: str):
    assert read_principal(header) is None
