"""All lines of a batch are accepted, or none; and every bad one is named."""

import base64
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from domain.batch import ERRORS_SHOWN, BatchStatus
from domain.batch_line import Line, look_at
from domain.batch_survey import BatchSurvey, Known
from domain.batch_workflow import BatchRequest, BatchStep
from domain.caller import Allowance, Caller
from domain.catalog import Catalog
from domain.character import Character
from domain.input_reference import ImageLimits
from tests.unit.activities.batch_world import BatchWorld, a_line, as_jsonl
from tests.unit.callers import OneCaller, a_key, an_administration, an_entry, callers_of
from tests.unit.examples import NOW, TENANT, a_catalog, a_deployment, a_file, a_model_catalog, an_image, usd


async def test_good_lines_are_counted_and_the_batch_begins():
    world = BatchWorld(as_jsonl([a_line(1), a_line(2)]))
    result = await world.run(BatchRequest(batch=world.ref))
    assert (result.following, result.waits) == (BatchStep.ADVANCE, False)
    assert (world.batch.status, world.batch.total) == (BatchStatus.IN_PROGRESS, 2)
    assert world.batch.models == ("sora-2",)


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (b"{", "invalid_json_line"),
        (b"[1]", "invalid_json_line"),
        (as_jsonl([a_line(2, custom_id="")]), "invalid_custom_id"),
        (as_jsonl([a_line(2, custom_id="shot-1")]), "duplicate_custom_id"),
        (as_jsonl([a_line(2, method="GET")]), "invalid_method"),
        (as_jsonl([a_line(2, url="/v1/images")]), "invalid_url"),
        (as_jsonl([a_line(2, body=[])]), "invalid_type"),
        (as_jsonl([a_line(2, body={"prompt": "p", "model": "gone"})]), "model_not_found"),
        (as_jsonl([a_line(2, body={"prompt": "p", "seconds": "5"})]), "invalid_value"),
        (as_jsonl([a_line(2, body={"prompt": "p", "characters": "fox"})]), "invalid_value"),
    ],
)
async def test_one_bad_line_and_none_is_asked_for(bad: bytes, code: str):
    world = BatchWorld(as_jsonl([a_line(1)]) + b"\n" + bad.rstrip() + b"\n" + as_jsonl([a_line(4)]))
    result = await world.run(BatchRequest(batch=world.ref))
    assert result.following is None
    assert (world.batch.status, world.batch.total) == (BatchStatus.FAILED, 3)
    assert [(error.line, error.code) for error in world.batch.errors] == [(3, code)]
    assert [(line["error"]["line"], line["error"]["code"]) for line in world.errors()] == [(3, code)]
    assert world.told == ["batch.failed"]
    assert not world.videos.records


async def test_what_the_key_may_not_ask_for_is_a_bad_line():
    world, records = BatchWorld(as_jsonl([a_line(1), a_line(2)])), an_administration()
    key = a_key(allowance=Allowance(operations=["remix"]))
    await records.keys.insert(key, an_entry())
    world.services = replace(world.services, callers=callers_of(records=records))
    world.batches.records[world.ref] = world.batch.model_copy(update={"key_id": key.key_id})
    await world.run(BatchRequest(batch=world.ref))
    assert [(error.line, error.code) for error in world.batch.errors] == [(1, "not_allowed"), (2, "not_allowed")]


def with_image(number: int, **reference: Any) -> Any:
    body = {"prompt": "p", "seconds": "4", "size": "1280x720", "input_reference": reference}
    return a_line(number, body=body)


def data_url(content: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


GOOD_REFERENCES: list[dict[str, Any]] = [
    {"image_url": data_url(an_image())},
    {"image_url": {"url": "https://pictures.example/fox.png"}},
    {"file_id": a_file(1).file_id},
]
BAD_REFERENCES: list[tuple[dict[str, Any], str]] = [
    ({"url": "https://pictures.example/fox.png"}, "invalid_value"),
    ({"image_url": "data:image/png;base64,!!"}, "invalid_image_url"),
    ({"image_url": "data:image/png;base64,ä"}, "invalid_image_url"),
    ({"image_url": data_url(b"no picture")}, "invalid_image"),
    ({"image_url": data_url(an_image(width=8, height=8))}, "invalid_image_size"),
    ({"image_url": "http://pictures.example/fox.png"}, "invalid_image_url"),
    ({"image_url": "https:///fox.png"}, "invalid_image_url"),
    ({"image_url": "https://[fox.png"}, "invalid_image_url"),
    ({"image_url": "fox.png"}, "invalid_image_url"),
    ({"file_id": a_file(2).file_id}, "invalid_value"),
    ({"file_id": a_file(3).file_id}, "payload_too_large"),
    ({"file_id": a_file(4).file_id}, "file_not_found"),
    ({"file_id": a_file(5).file_id}, "file_not_found"),
    ({"file_id": "x"}, "file_not_found"),
]


async def a_world_with_uploads(references: Sequence[dict[str, Any]]) -> BatchWorld:
    world = BatchWorld(as_jsonl([with_image(number, **each) for number, each in enumerate(references, start=1)]))
    limit = world.services.intake.remote_files.limits.max_bytes
    for file in (
        a_file(1, size_bytes=limit),
        a_file(2, size_bytes=limit, purpose="batch"),
        a_file(3, size_bytes=limit + 1),
        a_file(4, size_bytes=limit, tenant=f"not-{TENANT}"),
    ):
        await world.records.insert(file)
    return world


async def test_lines_may_start_from_images_of_every_kind():
    world = await a_world_with_uploads(GOOD_REFERENCES * 100)
    await world.run(BatchRequest(batch=world.ref))
    assert (world.batch.status, world.batch.errors, world.batch.total) == (BatchStatus.IN_PROGRESS, (), 300)
    assert not world.inputs.blobs


async def test_every_image_that_can_never_be_used_is_named_before_anything_begins():
    world = await a_world_with_uploads([*GOOD_REFERENCES, *(reference for reference, _ in BAD_REFERENCES)])
    await world.run(BatchRequest(batch=world.ref))
    assert world.batch.status is BatchStatus.FAILED
    assert [(error.line, error.code) for error in world.batch.errors] == [
        (line, code) for line, (_, code) in enumerate(BAD_REFERENCES, start=len(GOOD_REFERENCES) + 1)
    ]
    assert {error.param for error in world.batch.errors} == {"input_reference"}
    assert not world.videos.records


def showing(*character_ids: str, number: int = 1, **body: Any) -> Any:
    named = [{"id": each} for each in character_ids]
    return a_line(number, body={"prompt": "p", "seconds": "4", "characters": named, **body})


async def a_world_with_a_fox(*lines: Any) -> BatchWorld:
    """Its fox is known to the deployment of the second model, which renders what the first one does not."""
    pro = a_deployment(name="p", sizes=["1280x720", "1792x1024"], usd_per_second={"*": "0.50"})
    world = BatchWorld(as_jsonl(lines), catalog=a_model_catalog(**{"sora-2": [a_deployment()], "pro": [pro]}))
    fox = Character(character_id="char_1", tenant=TENANT, name="Fox", created_at=NOW, deployment="p")
    await world.services.intake.characters.insert(fox)
    return world


async def test_who_is_shown_says_which_model_a_line_asks_for():
    world = await a_world_with_a_fox(showing("char_1", size="1792x1024"))
    world.services = replace(
        world.services, callers=OneCaller(Caller(tenant=TENANT, allowance=Allowance(models=["pro"]))).as_callers()
    )
    await world.run(BatchRequest(batch=world.ref))
    assert (world.batch.errors, world.batch.models) == ((), ("pro",))


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (showing("char_2"), "character_not_found"),
        (showing("char_1", model="sora-2"), "invalid_value"),
        (showing(*(["char_1"] * 9)), "invalid_value"),
    ],
)
async def test_who_cannot_be_shown_is_named_before_anything_begins(line: Any, code: str):
    world = await a_world_with_a_fox(line)
    await world.run(BatchRequest(batch=world.ref))
    assert [(error.line, error.param, error.code) for error in world.batch.errors] == [(1, "characters", code)]


def test_who_is_shown_says_what_it_costs():
    fox = Character(character_id="char_1", tenant=TENANT, name="Fox", created_at=NOW, deployment="second")
    first, second = a_deployment(name="first"), a_deployment(name="second", usd_per_second={"*": "0.50"})
    survey = BatchSurvey(a_catalog(first, second), NOW.date(), ImageLimits(1_000))
    line = look_at(Line(1, 0, as_jsonl([showing("char_1")])))
    assert survey.add(1, line, Known(characters={"char_1": fox})) is None
    assert survey.cost_usd == usd("2.00")


async def test_the_error_file_names_all_and_the_record_the_first():
    world = BatchWorld(b"?\n" * 250)
    await world.run(BatchRequest(batch=world.ref))
    assert len(world.batch.errors) == ERRORS_SHOWN
    assert [line["error"]["line"] for line in world.errors()] == list(range(1, 251))


@pytest.mark.parametrize("letter", ["m", "😀", '"', "\x01"])
async def test_what_is_wrong_fits_into_the_record_however_long_it_is(letter: str):
    world = BatchWorld(as_jsonl([a_line(n, body={"prompt": "p", "model": letter * 5_000}) for n in range(1, 151)]))
    await world.run(BatchRequest(batch=world.ref))
    assert world.batch.status is BatchStatus.FAILED
    written = json.dumps([error.model_dump(exclude_none=True) for error in world.batch.errors], ensure_ascii=False)
    assert len(written.encode("utf-16-le")) < 2 * 32_768
    assert [line["error"]["line"] for line in world.errors()] == list(range(1, 151))


def test_no_more_is_kept_of_bad_lines_than_is_shown():
    survey = a_survey_of([b"?"] * 250)
    assert (len(survey.errors), survey.error_count) == (ERRORS_SHOWN, 250)


async def test_an_empty_file_is_no_batch():
    world = BatchWorld(b"\n\n")
    await world.run(BatchRequest(batch=world.ref))
    assert [error.code for error in world.batch.errors] == ["empty_file"]


async def test_a_batch_whose_file_is_gone_fails():
    world = BatchWorld(as_jsonl([a_line(1)]))
    world.records.records.clear()
    await world.run(BatchRequest(batch=world.ref))
    assert [error.code for error in world.batch.errors] == ["input_file_gone"]


async def test_looking_twice_changes_nothing():
    world = BatchWorld(as_jsonl([a_line(1)]))
    await world.run(BatchRequest(batch=world.ref))
    before = world.batch
    assert (await world.run(BatchRequest(batch=world.ref))).following is BatchStep.ADVANCE
    assert world.batch == before


async def test_a_batch_that_was_cancelled_meanwhile_goes_on_to_report_its_lines():
    world = BatchWorld(as_jsonl([a_line(1)]))
    world.batches.records[world.ref] = world.batch.cancelling(NOW)
    await world.run_to_the_end()
    assert world.batch.status is BatchStatus.CANCELLED
    assert [line["error"]["code"] for line in world.errors()] == ["batch_cancelled"]
    assert world.told == ["batch.cancelled"]


def test_too_many_lines_are_said_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("domain.batch_survey.LINES_LIMIT", 2)
    survey = a_survey_of(good_lines(5))
    assert [(error.line, error.code) for error in survey.errors] == [(3, "too_many_lines")]


async def test_too_many_blank_lines_are_said_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("domain.batch_survey.LINES_LIMIT", 2)
    world = BatchWorld(b"\n" * 9 + as_jsonl([a_line(10)]))
    await world.run(BatchRequest(batch=world.ref))
    assert [(error.line, error.code) for error in world.batch.errors] == [(5, "too_many_lines")]


def test_the_price_is_the_models_own_before_its_fallbacks():
    own = a_deployment(name="own", priority=2, usd_per_second={"*": "0.10"})
    fallback = a_deployment(name="fallback", priority=1, usd_per_second={"*": "0.50"})
    catalog = a_model_catalog(fallbacks={"sora-2": ["pro"]}, **{"sora-2": [own], "pro": [fallback]})
    survey = a_survey_of(good_lines(1), catalog)
    assert survey.cost_usd == usd("0.40")


def test_the_cost_is_exact():
    assert a_survey_of(good_lines(3)).cost_usd == usd("1.20")


def good_lines(count: int) -> list[bytes]:
    return [as_jsonl([a_line(number)]) for number in range(1, count + 1)]


def a_survey_of(lines: Sequence[bytes], catalog: Catalog | None = None) -> BatchSurvey:
    survey = BatchSurvey(catalog or BatchWorld(b"").catalog, NOW.date(), ImageLimits(1_000))
    for number, text in enumerate(lines, start=1):
        survey.add(number, look_at(Line(number, 0, text)), Known())
    survey.finish()
    return survey
