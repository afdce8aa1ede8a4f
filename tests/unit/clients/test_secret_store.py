"""A secret is read where its reference says, once in a while, and shows in no error."""

import asyncio
from contextlib import nullcontext
from pathlib import Path
from unittest.mock import Mock

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError, ServiceRequestError

from clients import secret_store
from clients.secret_store import SecretStore, read_here
from domain.errors import CredentialUnavailable
from domain.secret_reference import SecretReference
from tests.unit.fakes import FakeVault, FakeVaults, keyvault_secret

VALUE = "sk-very-secret"
RENEWED_S, RETRIED_S = 300, 10


class Stopwatch:
    """Stands still unless told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def refused(status: int) -> HttpResponseError:
    error = HttpResponseError("refused")
    error.status_code = status
    return error


def env(name: str) -> SecretReference:
    return SecretReference(kind="env", target=name)


def file(path: Path) -> SecretReference:
    return SecretReference(kind="file", target=str(path))


@pytest.fixture
def vault() -> FakeVault:
    return FakeVault(east=VALUE)


@pytest.fixture
def vaults(vault: FakeVault) -> FakeVaults:
    return FakeVaults(v=vault)


@pytest.fixture
def watch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def store(vaults: FakeVaults, watch: Stopwatch) -> SecretStore:
    return SecretStore(vaults, watch)


async def test_reads_the_environment(store: SecretStore, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EAST_KEY", VALUE)
    assert await store.get(env("EAST_KEY")) == VALUE


async def test_reads_a_file_without_its_last_line_break(store: SecretStore, tmp_path: Path):
    (tmp_path / "key").write_text(f"{VALUE}\n")
    assert await store.get(file(tmp_path / "key")) == VALUE


async def test_reads_a_vault_at_the_version_asked_for(store: SecretStore, vault: FakeVault):
    newest = keyvault_secret("east")
    pinned = SecretReference(kind="keyvault", target=f"{newest.target}/1f2e")
    assert [await store.get(newest), await store.get(pinned)] == [VALUE, VALUE]
    assert vault.reads == [("east", None), ("east", "1f2e")]


async def test_a_secret_is_read_once_however_many_want_it_at_once(store: SecretStore, vault: FakeVault):
    values = await asyncio.gather(*(store.get(keyvault_secret("east")) for _ in range(20)))
    assert values == [VALUE] * 20
    assert len(vault.reads) == 1


async def test_a_refused_secret_is_read_anew(store: SecretStore, vault: FakeVault, vaults: FakeVaults):
    await store.get(keyvault_secret("east"))
    vault.secrets["east"] = "rotated"
    store.forget(keyvault_secret("east"))
    assert await store.get(keyvault_secret("east")) == "rotated"
    assert vaults.opened == ["https://v.vault.azure.net"]


async def test_forgetting_what_was_never_read_is_harmless(store: SecretStore):
    store.forget(keyvault_secret("east"))
    assert await store.get(keyvault_secret("east")) == VALUE


async def test_many_who_want_what_cannot_be_read_wait_for_one_read_and_try_again_later(
    store: SecretStore, vault: FakeVault, watch: Stopwatch
):
    vault.error = ServiceRequestError("the vault is down")
    answers = await asyncio.gather(*(store.get(keyvault_secret("east")) for _ in range(20)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {CredentialUnavailable}
    assert len(vault.reads) == 1
    vault.error, watch.now = None, RETRIED_S
    assert await store.get(keyvault_secret("east")) == VALUE


@pytest.mark.parametrize("error", [ServiceRequestError("nobody is there"), refused(503), refused(429), refused(401)])
async def test_a_vault_that_is_down_does_not_make_a_known_secret_unknown(
    store: SecretStore, vault: FakeVault, watch: Stopwatch, error: Exception
):
    await store.get(keyvault_secret("east"))
    vault.error, watch.now = error, RENEWED_S
    assert [await store.get(keyvault_secret("east")) for _ in range(2)] == [VALUE, VALUE]
    assert len(vault.reads) == 2
    vault.error, watch.now = None, RENEWED_S + RETRIED_S
    vault.secrets["east"] = "rotated"
    assert await store.get(keyvault_secret("east")) == "rotated"


@pytest.mark.parametrize("status", [403, 404])
async def test_a_secret_that_was_taken_away_is_not_believed_any_more(
    store: SecretStore, vault: FakeVault, watch: Stopwatch, status: int
):
    await store.get(keyvault_secret("east"))
    vault.error, watch.now = refused(status), RENEWED_S
    with pytest.raises(CredentialUnavailable):
        await store.get(keyvault_secret("east"))
    vault.error, watch.now = ServiceRequestError("nobody is there"), RENEWED_S + RETRIED_S
    with pytest.raises(CredentialUnavailable):
        await store.get(keyvault_secret("east"))


async def test_a_secret_that_was_emptied_is_not_believed_any_more(
    store: SecretStore, vault: FakeVault, watch: Stopwatch
):
    await store.get(keyvault_secret("east"))
    vault.secrets["east"], watch.now = "", RENEWED_S
    with pytest.raises(CredentialUnavailable, match="is empty"):
        await store.get(keyvault_secret("east"))


@pytest.mark.parametrize(
    ("error", "is_believed"), [(FileNotFoundError(), False), (PermissionError(), False), (TimeoutError(), True)]
)
async def test_a_file_that_is_gone_is_not_believed_any_more_but_one_on_a_share_that_is_away_is(
    store: SecretStore,
    tmp_path: Path,
    watch: Stopwatch,
    monkeypatch: pytest.MonkeyPatch,
    *,
    error: OSError,
    is_believed: bool,
):
    (tmp_path / "key").write_text(VALUE)
    await store.get(file(tmp_path / "key"))
    watch.now = RENEWED_S
    monkeypatch.setattr(Path, "read_text", Mock(side_effect=error))
    with nullcontext() if is_believed else pytest.raises(CredentialUnavailable):
        assert await store.get(file(tmp_path / "key")) == VALUE


async def test_a_vault_that_does_not_answer_is_given_up(
    store: SecretStore, vault: FakeVault, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(secret_store, "_LIMIT_S", 0.001)
    monkeypatch.setattr(vault, "get_secret", lambda *_: asyncio.Event().wait())
    with pytest.raises(CredentialUnavailable, match="TimeoutError"):
        await store.get(keyvault_secret("east"))


async def test_what_cannot_be_read_is_named_by_its_reference(store: SecretStore, vault: FakeVault, tmp_path: Path):
    (tmp_path / "empty").touch()
    (tmp_path / "utf16").write_text(VALUE, encoding="utf-16")
    vault.error = ResourceNotFoundError(f"the answer repeated {VALUE}")
    unreadable = [
        env("NOT_SET"),
        file(tmp_path / "missing"),
        file(tmp_path / "empty"),
        file(tmp_path / "utf16"),
        keyvault_secret("east"),
    ]
    for reference in unreadable:
        with pytest.raises(CredentialUnavailable) as failed:
            await store.get(reference)
        assert str(reference) in str(failed.value)
        assert VALUE not in str(failed.value)


def test_what_a_vault_holds_is_not_held_here():
    with pytest.raises(CredentialUnavailable, match="use env: or file:"):
        read_here(keyvault_secret("east"))


async def test_closes_the_vaults_it_opened(store: SecretStore, vault: FakeVault):
    await store.get(keyvault_secret("east"))
    await store.close()
    assert vault.closed
