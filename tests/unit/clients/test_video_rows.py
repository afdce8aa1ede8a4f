"""A record comes back from its row as it went in."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from clients import video_rows as rows
from domain.character import Cast
from domain.claim import Claim
from domain.failures import Failure
from domain.video import StoredContent, Variant, Video
from tests.unit.examples import NOW, a_video, an_id, usd

texts = st.text(st.characters(exclude_categories=["Cs"]))
moments = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - as asked
contents = st.builds(StoredContent, blob=texts, content_type=texts, size_bytes=st.integers(0), sha256=texts)
videos = st.builds(
    a_video,
    prompt=texts,
    user=st.none() | texts,
    metadata=st.none() | st.dictionaries(texts, texts, max_size=16),
    cast=st.none() | st.builds(Cast, deployment=texts, character_ids=st.tuples(texts)),
    input_reference=st.none() | contents,
    progress=st.integers(0, 100),
    submitting_since=st.none() | moments,
    contents=st.none() | st.dictionaries(st.sampled_from(Variant), contents),
    usd_per_second=st.none() | st.decimals(0, 1000, places=4),
    cost_usd=st.none() | st.decimals(0, 1000, places=4),
    failure=st.none() | st.builds(Failure, code=texts, message=texts),
    deleted_at=st.none() | moments,
)


@given(videos)
def test_nothing_is_lost_on_the_way(video: Video):
    assert rows.to_video(json.loads(json.dumps(rows.to_entity(video)))) == video


@given(videos)
def test_a_row_is_flat_and_knows_whether_its_tenant_sees_it(video: Video):
    entity = rows.to_entity(video)
    assert all(isinstance(value, str | int | float | bool) for value in entity.values())
    assert entity["visible"] == (video.deleted_at is None)


def test_the_longest_prompt_fits_whatever_its_characters():
    video = a_video(prompt="🦊" * 32_000)
    entity = rows.to_entity(video)
    assert all(len(str(value).encode("utf-16-le")) <= 64 * 1024 for value in entity.values())
    assert rows.to_video(entity) == video


def test_money_is_exact_in_a_row():
    assert rows.to_video(rows.to_entity(a_video(cost_usd=usd("0.10")))).cost_usd == usd("0.10")


def test_a_row_of_an_older_version_is_read():
    entity: dict[str, Any] = dict(rows.to_entity(a_video())) | {"a_field_of_another_version": 1}
    assert rows.to_video(entity) == a_video()


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=2, unique=True))
def test_both_orders_list_the_same_videos_the_other_way_round(moments_and_numbers: list[tuple[int, int]]):
    ids = [an_id(number, NOW + timedelta(milliseconds=moment)) for moment, number in moments_and_numbers]
    assert sorted(ids, key=rows.record_key) == sorted(ids, key=rows.order_key, reverse=True)


@given(st.integers(0, 2**40), st.integers(0, 2**64))
def test_a_place_in_the_order_leads_to_its_record(moment: int, number: int):
    video_id = an_id(number, datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=moment))
    assert rows.record_key_of(rows.order_key(video_id)) == rows.record_key(video_id)


def test_rows_of_one_kind_never_mix_with_those_of_another():
    keys = [rows.record_key(an_id()), rows.order_key(an_id()), rows.alarm_key(an_id())]
    spans = [rows.RECORDS, rows.ORDERS, rows.ALARMS]
    found = [[start <= key < end for start, end in spans] for key in keys]
    assert found == [[True, False, False], [False, True, False], [False, False, True]]


def test_keys_that_strangers_choose_become_safe_row_keys():
    """An Idempotency-Key or an upstream's id may hold what a row key must not: / \\ # ?"""
    entity = rows.idempotency_entity(a_video().ref, "a/b\\c#d?e", "0" * 64)
    claim = rows.claim_entity("east", "task/1?x#y", Claim(an_id()))
    assert str(entity["RowKey"]).isalnum()
    assert str(claim["RowKey"]).isalnum()


def test_metadata_of_any_script_fits_into_a_property():
    """Sixteen values of 512 letters; a property holds 32,768 UTF-16 units."""
    video = a_video(metadata={f"{number:064}": "Ж" * 512 for number in range(16)})
    assert len(rows.to_entity(video)["metadata"]) < 32_768
