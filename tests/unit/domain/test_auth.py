"""Ten ways to say who we are, none of which takes a secret as it is."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from domain.auth import TOKEN_SCOPE, Auth, secrets_of

APP = {"tenant_id": "t", "client_id": "c"}
KINDS: dict[str, dict[str, Any]] = {
    "none": {},
    "api_key": {"secret": "env:KEY"},
    "entra_token": {"secret": "file:/run/token"},
    "managed_identity": {},
    "client_secret": {**APP, "secret": "keyvault:https://v.vault.azure.net/secrets/app"},
    "client_certificate": {**APP, "certificate": "file:/run/app.pem", "password": "env:PEM_PASSWORD"},
    "workload_identity": {},
    "username_password": {"client_id": "c", "username": "ann@example.com", "password": "env:PASSWORD"},
    "azure_cli": {},
    "default": {},
}
WITHOUT_SCOPE = {"none", "api_key", "entra_token"}
SECRETS = [(kind, field) for kind, fields in KINDS.items() for field, value in fields.items() if ":" in value]
AUTH = TypeAdapter[Auth](Auth)


def read(kind: str, **changes: Any) -> Auth:
    return AUTH.validate_python({"kind": kind, **KINDS[kind], **changes})


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_read_and_written_back(kind: str):
    auth = read(kind)
    assert auth.kind == kind
    assert AUTH.validate_python(auth.model_dump()) == auth
    assert {str(reference) for reference in secrets_of(auth)} == {v for v in KINDS[kind].values() if ":" in v}


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - WITHOUT_SCOPE))
def test_a_token_has_a_scope_of_its_own(kind: str):
    assert read(kind).model_dump()["scope"] == TOKEN_SCOPE
    assert read(kind, scope="https://cognitiveservices.azure.com/.default") != read(kind)


@pytest.mark.parametrize(("kind", "field"), SECRETS)
def test_a_literal_secret_is_refused_says_how_to_do_it_and_is_not_repeated(kind: str, field: str):
    with pytest.raises(ValidationError) as refused:
        read(kind, **{field: "sk-very-secret"})
    (problem,) = refused.value.errors(include_input=False)
    assert problem["loc"] == (kind, field)
    assert "write env:NAME, file:PATH or keyvault:" in problem["msg"]
    assert "sk-very-secret" not in str(problem)


@pytest.mark.parametrize("kind", KINDS)
def test_a_word_that_is_not_known_is_a_mistake(kind: str):
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        read(kind, colour="blue")


def test_an_unknown_kind_is_answered_with_those_there_are():
    with pytest.raises(ValidationError) as refused:
        AUTH.validate_python({"kind": "smile"})
    assert all(f"'{kind}'" in str(refused.value) for kind in KINDS)
