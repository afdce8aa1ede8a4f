"""What may be made from a video, and by whom."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.catalog import Catalog, Operation
from domain.clip import Clip
from domain.derivation import read_wish, remake_of, remake_of_file
from domain.errors import InvalidRequest
from domain.source import Source
from domain.video import Variant, Video, VideoState
from domain.video_request import VideoRequest
from tests.unit.examples import NOW, a_deployment, a_model_catalog, a_stored_content, a_video

ALL = ["create", "remix", "edit", "extension"]
EAST = a_deployment(operations=ALL, content_lifetime_s=600)
WEST = a_deployment(name="west", operations=["create", "edit"])
PLAIN = a_deployment(name="plain")
CATALOG = a_model_catalog(sora=[EAST], pro=[WEST], basic=[PLAIN])
OURS = a_stored_content()
CLIP = Clip(b"", seconds=7, size="1280x720")


def a_parent(**changes: Any) -> Video:
    fields = {"state": "completed", "deployment": "east", "upstream_id": "job-1", "rendered_at": NOW}
    return a_video(**{"model": "sora", "contents": {Variant.VIDEO: OURS}, **fields, **changes})


def make(
    operation: Operation, parent: Video, *, catalog: Catalog = CATALOG, now: datetime = NOW, **fields: Any
) -> VideoRequest:
    wish = read_wish({"prompt": "At night.", **fields}, operation, may_fall_back=True)
    return remake_of(parent, wish, catalog, now)


def make_of_file(operation: Operation, **fields: Any) -> VideoRequest:
    wish = read_wish({"prompt": "At night.", **fields}, operation, may_fall_back=True)
    return remake_of_file(CLIP, wish, CATALOG, NOW.date())


def refusal_of(operation: Operation, parent: Video, **how: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as refused:
        make(operation, parent, **how)
    return refused.value


@pytest.mark.parametrize(
    ("operation", "fields", "seconds"), [("remix", {}, 4), ("edit", {}, 4), ("extension", {"seconds": "16"}, 16)]
)
def test_the_parents_deployment_works_from_what_it_holds(operation: Operation, fields: dict[str, Any], seconds: int):
    asked = make(operation, a_parent(), user="u", metadata={"k": "v"}, **fields)
    source = Source(video_id=a_parent().video_id, seconds=4, deployment="east", upstream_id="job-1", content=OURS)
    assert asked == VideoRequest(
        "sora",
        "At night.",
        seconds,
        "1280x720",
        "u",
        {"k": "v"},
        may_fall_back=True,
        operation=operation,
        source=source,
    )


def test_what_a_fallback_model_rendered_is_that_models_to_remix():
    assert make("edit", a_parent(deployment="west")).model == "pro"


def test_an_extension_is_as_long_as_both():
    parent = a_parent(operation="extension", seconds=8, source=Source(seconds=4))
    source = make("remix", parent).source
    assert source
    assert source.seconds == 12


LATE = NOW + timedelta(seconds=600)


@pytest.mark.parametrize(
    "how",
    [
        {"now": LATE},
        {"parent": a_parent(deployment="gone")},
        {"parent": a_parent(upstream_id=None)},
        {"catalog": a_model_catalog(sora=[EAST.model_copy(update={"delete_after_copy": True})])},
        {"catalog": a_model_catalog(sora=[WEST, PLAIN.model_copy(update={"name": "east"})])},
        {"catalog": a_model_catalog(sora=[WEST, EAST.model_copy(update={"retires_on": NOW.date() - timedelta(1)})])},
    ],
)
def test_where_it_cannot_our_copy_goes_to_whoever_can(how: dict[str, Any]):
    asked = make("edit", **{"parent": a_parent(), **how})
    assert asked.model == "sora"
    assert asked.source
    assert (asked.source.pinned_to, asked.source.upload) == (None, OURS)


def test_nobody_remixes_what_the_deployment_has_dropped():
    refused = refusal_of("remix", a_parent(), now=LATE)
    assert (refused.param, refused.code) == ("video", "source_expired")
    assert "edit" in refused.message


def test_what_is_gone_here_and_there_cannot_be_edited():
    refused = refusal_of("edit", a_parent(content_removed_at=NOW), now=LATE)
    assert (refused.param, refused.code) == ("video", "source_expired")


@pytest.mark.parametrize(
    ("operation", "deployment", "models"),
    [("remix", "west", "sora"), ("remix", "gone", "sora"), ("extension", "plain", "sora")],
)
def test_a_refusal_names_the_models_that_can(operation: Operation, deployment: str, models: str):
    parent = a_parent(deployment=deployment, model="basic")
    refused = refusal_of(operation, parent, seconds="4")
    assert (refused.param, refused.code) == ("model", "operation_not_offered")
    assert refused.message.endswith("Models that do: sora, pro." if operation == "edit" else "Models that do: sora.")


@pytest.mark.parametrize("state", [state for state in VideoState if state is not VideoState.COMPLETED])
def test_only_what_is_completed_can_be_worked_from(state: VideoState):
    refused = refusal_of("remix", a_parent(state=state))
    assert (refused.param, refused.code) == ("video", "video_not_completed")
    assert state in refused.message


@pytest.mark.parametrize("seconds", [None, "", "5", 0, "four"])
def test_an_extension_has_lengths_of_its_own(seconds: object):
    refused = refusal_of("extension", a_parent(), seconds=seconds)
    assert refused.param == "seconds"
    assert "4, 8, 12, 16, 20" in refused.message


def test_a_prompt_is_needed():
    assert refusal_of("edit", a_parent(), prompt=" ").param == "prompt"


@pytest.mark.parametrize(("fields", "model"), [({}, "sora"), ({"model": "pro"}, "pro")])
def test_a_file_goes_to_the_first_model_that_can_or_the_one_named(fields: dict[str, Any], model: str):
    asked = make_of_file("edit", **fields)
    assert (asked.model, asked.seconds, asked.size, asked.source) == (model, 7, "1280x720", Source(seconds=7))


def test_a_file_is_refused_where_nobody_takes_it():
    with pytest.raises(InvalidRequest) as refused:
        make_of_file("extension", model="pro", seconds=4)
    assert refused.value.code == "operation_not_offered"
    assert refused.value.message.endswith("Models that do: sora.")
