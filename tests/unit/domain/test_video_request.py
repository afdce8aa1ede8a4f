"""A request is refused with the parameter at fault and what is allowed instead."""

from datetime import timedelta
from typing import Any

import pytest

from domain.catalog import Catalog
from domain.errors import InvalidRequest, ModelRetired
from domain.video_request import VideoRequest, read_video_request
from tests.unit.examples import NOW, a_catalog, a_deployment, a_model_catalog

CATALOG = a_catalog(
    a_deployment(name="portrait", sizes=["720x1280"], seconds=[4, 8]),
    a_deployment(name="landscape", sizes=["1280x720"], seconds=[12]),
)


TODAY = NOW.date()


def read(catalog: Catalog = CATALOG, *, may_fall_back: bool = True, **fields: Any) -> VideoRequest:
    return read_video_request({"prompt": "A fox.", **fields}, catalog, may_fall_back=may_fall_back, today=TODAY)


def refusal_of(catalog: Catalog = CATALOG, *, may_fall_back: bool = True, **fields: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as refused:
        read(catalog, may_fall_back=may_fall_back, **fields)
    return refused.value


def test_only_a_prompt_is_needed():
    assert read() == VideoRequest("sora-2", "A fox.", 4, "720x1280", None, None, may_fall_back=True)


def test_everything_asked_for_is_kept():
    fields = {
        "prompt": "A fox.",
        "model": "sora-2",
        "seconds": "12",
        "size": "1280x720",
        "user": "u-1",
        "metadata": {"scene": "7"},
    }
    asked = read(**fields, may_fall_back=False)
    assert asked == VideoRequest("sora-2", "A fox.", 12, "1280x720", "u-1", {"scene": "7"}, may_fall_back=False)


@pytest.mark.parametrize("seconds", ["8", 8, " 8 "])
def test_seconds_may_be_a_text_or_a_number(seconds: object):
    assert read(seconds=seconds).seconds == 8


@pytest.mark.parametrize("field", ["model", "size", "seconds"])
def test_an_empty_form_field_means_the_default(field: str):
    assert read(**{field: ""}) == read()


@pytest.mark.parametrize(
    ("fields", "param", "told"),
    [
        ({"model": "veo-9"}, "model", "Available: sora-2"),
        ({"size": "640x480"}, "size", "Allowed: 720x1280, 1280x720"),
        ({"seconds": "5"}, "seconds", "'5' seconds are not offered. Allowed: 4, 8, 12"),
        ({"seconds": 0}, "seconds", "Allowed: 4, 8, 12"),
        ({"seconds": "4.5"}, "seconds", "Allowed: 4, 8, 12"),
        ({"seconds": ["4"]}, "seconds", "Allowed: 4, 8, 12"),
        ({"seconds": True}, "seconds", "Allowed: 4, 8, 12"),
        ({"seconds": 12, "size": "720x1280"}, "seconds", "renders 12 seconds at 720x1280"),
        ({"prompt": ""}, "prompt", "empty"),
        ({"prompt": " \n\t"}, "prompt", "empty"),
        ({"prompt": None}, "prompt", "empty"),
        ({"prompt": "x" * 32_001}, "prompt", "32001 characters; at most 32000"),
        ({"prompt": 7}, "prompt", "must be text"),
        ({"model": ["sora-2"]}, "model", "must be text"),
        ({"size": 720}, "size", "must be text"),
        ({"user": "u" * 513}, "user", "513 characters; at most 512"),
        ({"metadata": "scene 7"}, "metadata", "object of texts"),
        ({"metadata": {str(n): "x" for n in range(17)}}, "metadata", "17 pairs; at most 16"),
        ({"metadata": {"scene": 7}}, "metadata", "'scene' that is no text"),
        ({"metadata": {"k" * 65: "v"}}, "metadata", "keys of 64"),
        ({"metadata": {"k": "v" * 513}}, "metadata", "values of 512"),
    ],
)
def test_a_refusal_names_the_parameter_and_says_what_is_allowed(fields: dict[str, Any], param: str, told: str):
    refusal = refusal_of(**fields)
    assert refusal.param == param
    assert told in refusal.message


def test_the_limits_themselves_are_allowed():
    fields = {
        "prompt": "x" * 32_000,
        "user": "u" * 512,
        "metadata": {f"{n:064}": "v" * 512 for n in range(16)},
    }
    assert read(**fields).prompt == fields["prompt"]


def test_a_long_value_is_not_repeated_at_length():
    assert len(refusal_of(seconds="9" * 100_000).message) < 300


ABLE = {"sizes": ["1280x720"], "seconds": [4]}
OVER, LAST_DAY = TODAY - timedelta(days=1), TODAY


def models(**changes: Any) -> Catalog:
    """Model `a`, changed, with two fallback models, and a model that has nothing to do with it."""
    first = a_deployment(name="of-a", **ABLE | changes)
    second = a_deployment(name="of-b", sizes=["720x1280"], seconds=[8], retires_on=OVER)
    third = a_deployment(name="of-c", sizes=["1280x720", "1024x1792"], seconds=[12], input_reference=False)
    return a_model_catalog(a=[first], b=[second], c=[third], d=[a_deployment(name="of-d")], fallbacks={"a": ["b", "c"]})


@pytest.mark.parametrize("fields", [{"seconds": 12}, {"size": "1024x1792", "seconds": 12}])
def test_what_only_a_fallback_model_renders_is_accepted_if_the_caller_allows_it(fields: dict[str, Any]):
    asked = read(models(), model="a", **fields)
    assert (asked.model, asked.seconds, asked.may_fall_back) == ("a", 12, True)
    assert refusal_of(models(), model="a", may_fall_back=False, **fields).param in {"size", "seconds"}


def test_a_retired_deployment_offers_nothing():
    assert refusal_of(models(), model="a", seconds=8).message.endswith("Allowed: 4, 12.")


def test_defaults_are_those_of_the_first_living_deployment():
    assert read(models(), model="a")[2:4] == (4, "1280x720")
    assert read(models(retires_on=OVER), model="a")[2:4] == (12, "1280x720")


def test_a_model_lives_on_its_last_day_and_is_retired_the_day_after():
    assert read(models(retires_on=LAST_DAY), model="a", may_fall_back=False).model == "a"
    retired = refusal_of(models(retires_on=OVER), model="a", may_fall_back=False)
    assert isinstance(retired, ModelRetired)
    assert (retired.param, retired.code) == ("model", "model_retired")
    assert retired.message == "The model 'a' is retired: its last day was 2026-11-20. Models to ask for instead: c, d."


def test_fallback_models_of_fallback_models_are_not_asked():
    lone = a_model_catalog(
        a=[a_deployment(name="of-a", retires_on=OVER)],
        b=[a_deployment(name="of-b", retires_on=LAST_DAY - timedelta(days=9))],
        c=[a_deployment(name="of-c")],
        fallbacks={"a": ["b"], "b": ["c"]},
    )
    assert isinstance(refusal_of(lone, model="a"), ModelRetired)
    assert read(lone, model="b").model == "b"


def test_a_retired_model_is_told_when_nobody_is_left():
    alone = a_catalog(a_deployment(retires_on=OVER))
    assert refusal_of(alone).message.endswith("Models to ask for instead: none is left.")


@pytest.mark.parametrize(("seconds", "takers"), [(4, "d"), (12, "d")])
def test_a_model_that_takes_no_image_names_those_that_do(seconds: int, takers: str):
    catalog = models(input_reference=False)
    assert read(catalog, model="a", seconds=seconds).seconds == seconds
    refusal = refusal_of(catalog, model="a", seconds=seconds, input_reference={"image_url": "x"})
    assert refusal.param == "input_reference"
    assert refusal.message.endswith(f"renders {seconds} seconds at 1280x720 from an image. Models that do: {takers}.")


def test_a_fallback_model_may_take_the_image():
    catalog = a_model_catalog(
        a=[a_deployment(name="of-a", input_reference=False)], b=[a_deployment()], fallbacks={"a": ["b"]}
    )
    image = {"input_reference": {"image_url": "x"}}
    assert read(catalog, model="a", **image).model == "a"
    assert "Models that do: b." in refusal_of(catalog, model="a", may_fall_back=False, **image).message
