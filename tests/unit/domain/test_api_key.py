"""A key is known by its secrets, and by none that it has no more."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from domain.api_key import KEY_IDS, SECRET_BYTES, ApiKey, KeySecret, KeySettings, digest_of, is_secret, secret_of
from domain.errors import RequestConflict, Unauthorized
from domain.timed_id import ID_RANDOM_BYTES
from tests.unit.examples import NOW, TENANT

FIRST, SECOND, THIRD = (digest_of(name) for name in ("first", "second", "third"))
HOUR = timedelta(hours=1)
KEY = ApiKey(
    key_id=KEY_IDS.new(NOW, bytes(ID_RANDOM_BYTES)),
    tenant=TENANT,
    name="research",
    created_at=NOW,
    secrets=(KeySecret(sha256=FIRST),),
)


def test_a_secret_has_256_bits_and_a_form():
    secret = secret_of(bytes(range(SECRET_BYTES)))
    assert secret == "sk-AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
    assert is_secret(secret)
    for other in (secret[:-1], f"{secret}x", secret.replace("sk-", "pk-"), secret[:-1] + "+", f"{secret}\n", ""):
        assert not is_secret(other)


def test_after_a_rotation_the_one_before_is_accepted_for_a_while():
    rotated = KEY.rotated(SECOND, NOW, overlap=HOUR)
    rotated.check_secret(SECOND, NOW + 2 * HOUR)
    rotated.check_secret(FIRST, NOW + HOUR - timedelta(microseconds=1))
    with pytest.raises(Unauthorized, match="rotated"):
        rotated.check_secret(FIRST, NOW + HOUR)


def test_a_second_rotation_forgets_the_first_secret():
    rotated = KEY.rotated(SECOND, NOW, overlap=HOUR).rotated(THIRD, NOW, overlap=HOUR)
    assert [secret.sha256 for secret in rotated.secrets] == [THIRD, SECOND]
    with pytest.raises(Unauthorized):
        rotated.check_secret(FIRST, NOW)


def test_without_overlap_only_the_new_one_is_left():
    assert KEY.rotated(SECOND, NOW, overlap=timedelta()).secrets == (KeySecret(sha256=SECOND),)


def test_the_same_rotation_again_changes_nothing():
    rotated = KEY.rotated(SECOND, NOW, overlap=HOUR)
    assert rotated.rotated(SECOND, NOW + HOUR, overlap=HOUR) == rotated


def test_a_revoked_key_is_over():
    revoked = KEY.revoked(NOW)
    assert revoked.revoked(NOW + HOUR) == revoked
    for use in (
        lambda: revoked.rotated(SECOND, NOW, overlap=HOUR),
        lambda: revoked.with_settings(KeySettings(name="x")),
    ):
        with pytest.raises(RequestConflict):
            use()
    with pytest.raises(Unauthorized, match="revoked"):
        revoked.check(NOW)


def test_a_key_is_refused_from_its_expiry_on():
    key = KEY.model_copy(update={"expires_at": NOW})
    key.check(NOW - timedelta(microseconds=1))
    with pytest.raises(Unauthorized, match=r"expired at 2026-11-21T12:00"):
        key.check(NOW)


def test_a_record_comes_back_as_it_was_and_says_no_digest_when_shown():
    assert ApiKey.model_validate_json(KEY.model_dump_json()) == KEY
    assert FIRST not in repr(KEY)


@pytest.mark.parametrize("field", ["key_id", "tenant", "secrets", "colour"])
def test_settings_are_nothing_else(field: str):
    with pytest.raises(ValidationError):
        KeySettings.model_validate({"name": "x", field: "y"})
