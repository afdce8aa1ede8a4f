"""A request names characters by their ids, and one deployment must have them all."""

from typing import Any

import pytest

from domain.character import CAST_LIMIT, Cast, Character, read_character_ids
from domain.errors import InvalidRequest
from tests.unit.examples import NOW, TENANT


def a_character(name: str, deployment: str = "east") -> Character:
    return Character(character_id=f"char_{name}", tenant=TENANT, name=name, created_at=NOW, deployment=deployment)


@pytest.mark.parametrize(
    ("sent", "ids"),
    [
        (None, []),
        ("", []),
        ([], []),
        ([{"id": "char_1"}], ["char_1"]),
        ([{"id": "char_1"}, {"id": "char_2", "name": "fox"}], ["char_1", "char_2"]),
    ],
)
def test_they_are_named_by_their_ids(sent: object, ids: list[str]):
    assert list(read_character_ids({"characters": sent})) == ids


@pytest.mark.parametrize(
    "sent", ["char_1", {"id": "char_1"}, ["char_1"], [{"id": 1}], [{"id": ""}], [{}], [{"id": "c"}] * (CAST_LIMIT + 1)]
)
def test_what_names_none_is_refused(sent: Any):
    with pytest.raises(InvalidRequest) as refused:
        read_character_ids({"characters": sent})
    assert refused.value.param == "characters"


def test_those_of_one_deployment_are_a_cast():
    assert Cast.of([]) is None
    assert Cast.of([a_character("fox"), a_character("owl")]) == Cast(
        deployment="east", character_ids=("char_fox", "char_owl")
    )


def test_those_of_two_deployments_are_refused_with_who_is_where():
    with pytest.raises(InvalidRequest, match="'fox' at east, 'owl' at west"):
        Cast.of([a_character("fox"), a_character("owl", "west")])
