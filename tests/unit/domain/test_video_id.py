"""An id tells when its video was made, and sorts by it both ways."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.timed_id import first_key_at
from domain.video_id import VIDEO_IDS, created_at, is_video_id, new_video_id, newest_first_key, oldest_first_key

MILLISECOND = timedelta(milliseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

moments = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - as asked
randomness = st.binary(min_size=10, max_size=10)
ids = st.builds(new_video_id, moments, randomness)


@given(moments, randomness)
def test_carries_its_creation_time_to_the_millisecond(moment: datetime, random: bytes):
    exact = EPOCH + (moment - EPOCH) // MILLISECOND * MILLISECOND
    assert created_at(new_video_id(moment, random)) == exact


@given(ids, ids)
def test_keys_sort_by_creation_and_against_it(one: str, other: str):
    older_first = oldest_first_key(one) < oldest_first_key(other)
    assert older_first == (newest_first_key(one) > newest_first_key(other))
    if created_at(one) < created_at(other):
        assert older_first


@given(ids)
def test_keys_have_one_length_and_no_two_ids_share_one(video_id: str):
    assert len(oldest_first_key(video_id)) == len(newest_first_key(video_id)) == 32
    assert video_id == VIDEO_IDS.of_key(oldest_first_key(video_id)) == f"video_{oldest_first_key(video_id)}"


@given(ids, moments)
def test_moment_parts_what_was_made_before_it_from_what_was_made_since(video_id: str, moment: datetime):
    assert (oldest_first_key(video_id) < first_key_at(moment)) == (
        created_at(video_id) < EPOCH + (moment - EPOCH) // MILLISECOND * MILLISECOND
    )


@given(ids)
def test_knows_its_own(video_id: str):
    assert is_video_id(video_id)


@given(st.text())
def test_refuses_every_other_text(text: str):
    assert not is_video_id(text)
    with pytest.raises(ValueError, match="not a video id"):
        oldest_first_key(text)


@pytest.mark.parametrize("near_miss", ["video_", "video_" + "g" * 32, "video_" + "0" * 31, "video_" + "A" * 32])
def test_refuses_what_only_looks_like_one(near_miss: str):
    assert not is_video_id(near_miss)
