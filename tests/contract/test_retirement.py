"""What callers and the operator see of models that retire."""

# The clients mark every videos method as deprecated; our callers call them all the same.
# pyright: reportDeprecated=false

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI

from tests.contract.caller_kit import data_url, deployments, error_of, image
from tests.e2e.running_stack import RunningStack, running_stack, wait_until

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning")

TODAY = datetime.now(UTC).date()


def a_model(name: str, retires_in_days: int | None, *fallback_models: str, **changes: Any) -> dict[str, Any]:
    """A model of one deployment that can be reached by nobody."""
    last_day = None if retires_in_days is None else str(TODAY + timedelta(days=retires_in_days))
    deployment = {
        "name": f"{name}-east",
        "endpoint": "http://127.0.0.1:9/openai/v1/",
        "upstream_model": name,
        "auth": {"kind": "none"},
        "usd_per_second": {"*": "0.10"},
        "retires_on": last_day,
    }
    return {"deployments": [deployment | changes], "fallback_models": fallback_models}


MODELS = {
    "lives": a_model("lives", None),
    "blind": a_model("blind", None, input_reference=False),
    "retiring": a_model("retiring", 5),
    "retired": a_model("retired", -2),
    "replaced": a_model("replaced", -2, "lives"),
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_stack(tmp_path_factory.mktemp("retiring") / "state", REELAY_MODELS=json.dumps(MODELS)) as stack:
        yield stack


@pytest.fixture
def client(stack: RunningStack) -> Iterator[OpenAI]:
    with OpenAI(base_url=stack.base_url, api_key=stack.api_key) as client:
        yield client


def test_retired_model_is_gone_and_others_are_named(client: OpenAI):
    with pytest.raises(openai.APIStatusError) as refusal:
        client.videos.create(model="retired", prompt="a paper boat")

    assert (refusal.value.status_code, refusal.value.code, refusal.value.param) == (410, "model_retired", "model")
    assert str(TODAY - timedelta(days=2)) in refusal.value.message
    assert "lives, blind, retiring." in refusal.value.message


def test_model_lives_on_in_its_fallback_models(client: OpenAI, stack: RunningStack):
    assert client.videos.create(model="replaced", prompt="a paper boat").model == "replaced"

    wait_until(lambda: deployments(stack)["lives-east"]["last_error"], "the fallback model's deployment was asked")
    assert deployments(stack)["replaced-east"]["last_error"] is None


def test_caller_may_forbid_the_fallback(client: OpenAI):
    with pytest.raises(openai.APIStatusError) as refusal:
        client.videos.create(model="replaced", prompt="a paper boat", extra_headers={"X-Reelay-Fallback": "none"})

    assert (refusal.value.status_code, refusal.value.code) == (410, "model_retired")


def test_any_other_word_about_the_fallback_is_refused(client: OpenAI):
    with pytest.raises(openai.BadRequestError) as refusal:
        client.videos.create(prompt="a paper boat", extra_headers={"X-Reelay-Fallback": "maybe"})

    assert refusal.value.param == "x-reelay-fallback"


def test_model_that_takes_no_image_names_those_that_do(client: OpenAI):
    with pytest.raises(openai.BadRequestError) as refusal:
        client.videos.create(
            model="blind", prompt="a boat", extra_body={"input_reference": {"image_url": data_url(image(720, 1280))}}
        )

    assert refusal.value.param == "input_reference"
    assert "Models that do: lives, retiring." in refusal.value.message


def test_models_say_whether_they_are_retired(client: OpenAI):
    told: list[Any] = client.models.list().data

    assert {model.id: model.retired for model in told} == {name: name in {"retired", "replaced"} for name in MODELS}
    assert client.models.retrieve("retiring").to_dict()["retires_on"] == str(TODAY + timedelta(days=5))


def test_operator_is_warned(stack: RunningStack):
    told = httpx.get(f"{stack.host}/readyz", headers={"api-key": stack.api_key}).json()

    assert told["status"] == "ready"
    assert [warning.partition(" ")[0] for warning in told["warnings"]] == [
        "retiring-east",
        "retired-east",
        "replaced-east",
    ]
    log = (stack.state / "logs" / "host-0.log").read_text()
    assert all(log.count(warning) == 1 for warning in told["warnings"])


@pytest.mark.parametrize(("key", "status"), [("api_key", 403), ("admin_key", 404)])
def test_operators_rooms_open_to_the_admin_key_only(stack: RunningStack, key: str, status: int):
    answer = httpx.get(f"{stack.host}/v1/admin/nothing", headers={"api-key": getattr(stack, key)})

    assert answer.status_code == status
    assert error_of(answer)["code"] == {403: "admin_key_required", 404: "not_found"}[status]
