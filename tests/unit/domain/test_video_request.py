"""A request is refused with the parameter at fault and what is allowed instead."""

from typing import Any

import pytest

from domain.errors import InvalidRequest
from domain.video_request import read_video_request
from tests.unit.examples import a_catalog, a_deployment

CATALOG = a_catalog(
    a_deployment(name="portrait", sizes=["720x1280"], seconds=[4, 8]),
    a_deployment(name="landscape", sizes=["1280x720"], seconds=[12]),
)


def refusal_of(**fields: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as refused:
        read_video_request({"prompt": "A fox.", **fields}, CATALOG)
    return refused.value


def test_only_a_prompt_is_needed():
    asked = read_video_request({"prompt": "A fox."}, CATALOG)
    assert asked == ("sora-2", "A fox.", 4, "720x1280", None, None)


def test_everything_asked_for_is_kept():
    fields = {
        "prompt": "A fox.",
        "model": "sora-2",
        "seconds": "12",
        "size": "1280x720",
        "user": "u-1",
        "metadata": {"scene": "7"},
    }
    asked = read_video_request(fields, CATALOG)
    assert asked == ("sora-2", "A fox.", 12, "1280x720", "u-1", {"scene": "7"})


@pytest.mark.parametrize("seconds", ["8", 8, " 8 "])
def test_seconds_may_be_a_text_or_a_number(seconds: object):
    assert read_video_request({"prompt": "A fox.", "seconds": seconds}, CATALOG).seconds == 8


@pytest.mark.parametrize("field", ["model", "size", "seconds"])
def test_an_empty_form_field_means_the_default(field: str):
    assert read_video_request({"prompt": "A fox.", field: ""}, CATALOG) == (
        "sora-2",
        "A fox.",
        4,
        "720x1280",
        None,
        None,
    )


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
    assert read_video_request(fields, CATALOG).prompt == fields["prompt"]


def test_a_long_value_is_not_repeated_at_length():
    assert len(refusal_of(seconds="9" * 100_000).message) < 300
