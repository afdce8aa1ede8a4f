"""The name of a file in the inbox says whose it is and what it asks for."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import InvalidRequest
from domain.inbox import BesideImage, InboxFile, Kind, Missing


def a_file(name: str) -> InboxFile:
    file = InboxFile.at(f"inbox/acme/foxes/{name}")
    assert file
    return file


@pytest.mark.parametrize("blob", ["inbox/acme/fox.json", "inbox/acme/a/b/fox.json"])
def test_the_first_folder_is_the_tenant(blob: str):
    file = InboxFile.at(blob)
    assert file
    assert (file.tenant, file.blob) == ("acme", blob)


@pytest.mark.parametrize("blob", ["acme/video_1/input_reference.png", "dead-letter/x.json", "inboxes/acme/x.json", ""])
def test_what_lies_elsewhere_is_no_file_of_the_inbox(blob: str):
    assert InboxFile.at(blob) is None


@pytest.mark.parametrize(
    "blob", ["inbox", "inbox/", "inbox/fox.json", "inbox/acme/", "inbox//fox.json", "inbox/acme/../globex/fox.json"]
)
def test_a_file_without_a_tenants_folder_is_refused(blob: str):
    with pytest.raises(InvalidRequest):
        InboxFile.at(blob)


LONGEST = 1013


@pytest.mark.parametrize("character", ["x", "é", "🦊"])
def test_a_name_leaves_room_for_that_of_its_answer(character: str):
    """Azure takes 1,024 UTF-16 units."""
    units = len(character.encode("utf-16-le")) // 2
    name = character * ((LONGEST - len("inbox/acme/foxes/.png")) // units) + ".png"
    for request in a_file(name).requests():
        assert len(request.answer_blob.encode("utf-16-le")) // 2 <= 1024
    with pytest.raises(InvalidRequest, match="1013 characters"):
        a_file(character * units + name)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("fox.json", Kind.REQUEST),
        ("fox.png.json", Kind.REQUEST),
        ("FOX.JSON", Kind.REQUEST),
        ("clips.jsonl", Kind.BATCH),
        ("fox.JPG", Kind.IMAGE),
        ("fox.webp", Kind.IMAGE),
        ("fox.error.json", Kind.ANSWER),
        ("fox.png.error.json", Kind.ANSWER),
        ("fox.error.error.json", Kind.ANSWER),
        ("fox.gif", Kind.UNKNOWN),
        ("fox", Kind.UNKNOWN),
        (".json", Kind.UNKNOWN),
    ],
)
def test_the_suffix_says_what_it_is(name: str, kind: Kind):
    assert a_file(name).kind is kind


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("fox.json", "fox.error.json"),
        ("fox.png.json", "fox.png.error.json"),
        ("clips.jsonl", "clips.jsonl.error.json"),
        ("fox.gif", "fox.gif.error.json"),
        ("fox.JSON", "fox.JSON.error.json"),
        (".json", ".json.error.json"),
    ],
)
def test_the_answer_lies_beside_it_and_is_known_as_one(name: str, answer: str):
    assert a_file(name).answer_blob == a_file(answer).blob
    assert a_file(answer).kind is Kind.ANSWER


@pytest.mark.parametrize(
    ("name", "fields", "beside"),
    [
        ("fox.png.json", {}, (["fox.png"], Missing.WAIT)),
        ("fox.json", {}, (["fox.png", "fox.jpg", "fox.jpeg", "fox.webp"], Missing.GO_ON)),
        ("fox.json", {"input_reference": {"blob": "fox.PNG"}}, (["fox.PNG"], Missing.WAIT)),
        ("fox.png.json", {"input_reference": {"blob": "fox.png"}}, (["fox.png"], Missing.WAIT)),
        ("night.json", {"input_reference": {"blob": "fox.png"}}, (["fox.png"], Missing.REFUSE)),
    ],
)
def test_a_request_takes_its_image_from_beside_it(name: str, fields: dict[str, Any], beside: tuple[list[str], Missing]):
    names, missing = beside
    assert a_file(name).image(fields) == BesideImage([a_file(image).blob for image in names], missing)


@pytest.mark.parametrize(
    "reference", [{"image_url": "https://pictures.example/fox.png"}, {"file_id": "file-1"}, "fox", ""]
)
def test_a_request_whose_image_comes_from_elsewhere_takes_none(reference: object):
    assert a_file("fox.png.json").image({"input_reference": reference}) is None


@pytest.mark.parametrize(
    "name",
    ["../../globex/secret.png", "/globex/secret.png", "sub/fox.png", "..", ".", "", "fox\0.png", "\n", "x" * LONGEST],
)
def test_an_image_of_another_folder_or_of_no_possible_name_is_out_of_reach(name: str):
    with pytest.raises(InvalidRequest) as refused:
        a_file("fox.json").image({"input_reference": {"blob": name}})
    assert refused.value.param == "input_reference"


@settings(max_examples=40)
@given(name=st.text(min_size=1).filter(lambda name: "/" not in name and name not in {".", ".."}))
def test_whatever_it_is_called_it_is_some_kind_of_file_and_its_answer_is_none_of_them(name: str):
    file = a_file(name)
    assert file.blob == f"inbox/acme/foxes/{name}"
    assert InboxFile.at(file.answer_blob) == a_file(file.answer_blob.rpartition("/")[2])
    assert a_file(file.answer_blob.rpartition("/")[2]).kind is Kind.ANSWER
    assert all(request.kind is Kind.REQUEST for request in file.requests() if file.kind is Kind.IMAGE)
    assert file.image({})


def test_an_image_that_is_awaited_finds_its_request():
    for name in ("fox.png.json", "fox.json"):
        assert a_file(name) in a_file("fox.png").requests()
