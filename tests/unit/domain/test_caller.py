"""What a key may ask for."""

import pytest

from domain.caller import Allowance
from domain.errors import NotAllowed
from domain.video_request import VideoRequest

ASKED = VideoRequest("sora-2", "A fox.", 8, "1280x720", None, None, may_fall_back=True)


def test_everything_may_be_asked_for_unless_something_is_said():
    Allowance().check(ASKED)


def test_what_is_in_every_list_may_be_asked_for():
    Allowance(models={"sora-2"}, operations={"create"}, max_seconds=8, sizes={"1280x720"}).check(ASKED)


@pytest.mark.parametrize(
    ("allowance", "param", "allowed"),
    [
        (Allowance(models={"wan", "other"}), "model", "other, wan"),
        (Allowance(operations={"remix"}), "operation", "remix"),
        (Allowance(max_seconds=4), "seconds", "up to 4"),
        (Allowance(sizes=set()), "size", "none"),
    ],
)
def test_what_is_not_allowed_is_named_and_what_is_too(allowance: Allowance, param: str, allowed: str):
    with pytest.raises(NotAllowed) as refusal:
        allowance.check(ASKED)
    assert refusal.value.param == param
    assert refusal.value.message.endswith(f"Allowed: {allowed}.")
