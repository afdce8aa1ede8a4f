"""A secret is pointed to, never written down."""

from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from domain.secret_reference import SecretRef, SecretReference

parse = TypeAdapter[SecretReference](Annotated[SecretRef, ...]).validate_python


@pytest.mark.parametrize(
    ("text", "kind", "target"),
    [
        ("env:EAST_KEY", "env", "EAST_KEY"),
        ("file:/run/secrets/east", "file", "/run/secrets/east"),
        ("keyvault:https://v.vault.azure.net/secrets/east", "keyvault", "https://v.vault.azure.net/secrets/east"),
        ("keyvault:https://v.vault.azure.net/secrets/east/1f", "keyvault", "https://v.vault.azure.net/secrets/east/1f"),
    ],
)
def test_a_reference_is_read_and_written(text: str, kind: str, target: str):
    reference = parse(text)
    assert (reference.kind, reference.target, str(reference)) == (kind, target, text)
    assert parse(reference) == reference


@pytest.mark.parametrize(
    "text",
    [
        "sk-very-secret",
        "env:",
        "keyvault:sk-very-secret",
        "keyvault:http://v.vault.azure.net/secrets/east",
        "keyvault:https://v.vault.azure.net/keys/east",
        "keyvault:https://v.vault.azure.net/secrets/",
        "keyvault:https://v.vault.azure.net?x=/secrets/east",
    ],
)
def test_what_is_no_reference_is_refused(text: str):
    with pytest.raises(ValidationError):
        parse(text)


@given(st.text(min_size=12).filter(lambda text: text.partition(":")[0] not in {"env", "file"}))
def test_a_literal_secret_is_refused_and_not_repeated(secret: str):
    with pytest.raises(ValidationError) as refused:
        parse(secret)
    assert all(secret not in problem["msg"] for problem in refused.value.errors())
