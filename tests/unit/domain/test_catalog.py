"""The catalog says who renders what, and a bad one names the place of every problem."""

from typing import Any

import pytest
from pydantic import ValidationError

from domain.catalog import Catalog
from domain.errors import InvalidRequest
from tests.unit.examples import NOW, a_catalog, a_deployment, a_model_catalog, usd


def a_configuration(**changes: Any) -> dict[str, Any]:
    """A catalog as it is configured, its one deployment changed."""
    deployment = a_deployment().model_dump(mode="json") | {"auth": {"kind": "managed_identity"}} | changes
    return {"models": {"sora-2": {"deployments": [deployment]}}}


def problems_of(configuration: dict[str, Any]) -> dict[str, str]:
    """The messages by path."""
    with pytest.raises(ValidationError) as refused:
        Catalog.model_validate(configuration)
    return {".".join(map(str, error["loc"])): error["msg"] for error in refused.value.errors()}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "no spaces allowed"),
        ("endpoint", "not a url"),
        ("sizes", ["1280 x 720"]),
        ("seconds", [0]),
        ("operations", ["sing"]),
        ("usd_per_second", {"*": "-1"}),
        ("usd_per_second", {"*": "0.0000001"}),
        ("usd_per_second", {"*": "1000000"}),
        ("expected_render_s", 0),
        ("render_timeout_s", -1),
        ("content_lifetime_s", 0),
        ("colour", "blue"),
    ],
)
def test_a_problem_names_its_path(field: str, value: Any):
    paths = problems_of(a_configuration(**{field: value}))
    assert [path for path in paths if path.startswith(f"models.sora-2.deployments.0.{field}")] == list(paths)


def test_all_problems_are_told_at_once():
    paths = problems_of(a_configuration(name="no spaces allowed", seconds=[0], expected_render_s=0))
    assert {path.split(".")[4] for path in paths} == {"name", "seconds", "expected_render_s"}


def test_a_size_without_a_price_is_named():
    (message,) = problems_of(a_configuration(usd_per_second={"720x1280": "0.10"})).values()
    assert "no price for 1280x720" in message


@pytest.mark.parametrize(("price", "written"), [("1E+3", "1000"), ("0E-6", "0.000000"), ("0.10", "0.10")])
def test_a_price_prints_as_people_write_it(price: str, written: str):
    deployment = a_deployment(usd_per_second={"*": price})
    assert str(deployment.price_per_second("1280x720")) == written


@pytest.mark.parametrize("field", ["sizes", "seconds"])
def test_a_deployment_renders_something(field: str):
    (message,) = problems_of(a_configuration(**{field: []})).values()
    assert "at least one entry" in message


def test_deployment_names_are_unique():
    with pytest.raises(ValidationError, match="repeated: east"):
        a_catalog(a_deployment(), a_deployment())


def test_a_catalog_has_a_model_and_a_model_a_deployment():
    assert list(problems_of({"models": {}})) == ["models"]
    assert list(problems_of({"models": {"sora-2": {"deployments": []}}})) == ["models.sora-2.deployments"]


def test_a_literal_key_is_refused_and_not_repeated():
    configuration = a_configuration(auth={"kind": "api_key", "secret": "sk-very-secret"})
    (message,) = problems_of(configuration).values()
    assert "env:NAME" in message
    assert "sk-very-secret" not in message


@pytest.mark.parametrize(
    ("prices", "size", "price"),
    [
        ({"*": "0.10"}, "1280x720", "0.10"),
        ({"1280x720": "0.30", "*": "0.10"}, "1280x720", "0.30"),
        ({"1280x720": "0", "*": "0.10"}, "1280x720", "0"),
        ({"1280x720": "0.30", "*": "0.10"}, "1792x1024", "0.10"),
    ],
)
def test_a_size_has_its_own_price_or_that_of_any(prices: dict[str, str], size: str, price: str):
    assert a_deployment(usd_per_second=prices, sizes=["1280x720"]).price_per_second(size) == usd(price)


@pytest.mark.parametrize(
    ("asked", "able"),
    [
        ({"size": "720x1280", "seconds": 4}, True),
        ({"size": "1280x720", "seconds": 4}, False),
        ({"size": "720x1280", "seconds": 8}, False),
        ({"size": "720x1280", "seconds": 4, "with_image": True}, False),
        ({"size": "720x1280", "seconds": 4, "operation": "remix"}, False),
    ],
)
def test_a_deployment_renders_what_it_is_able_to(asked: dict[str, Any], able: bool):
    assert a_deployment(sizes=["720x1280"], seconds=[4], input_reference=False).renders(**asked) is able


def test_a_deployment_that_does_not_create_renders_nothing_new():
    assert not a_deployment(operations=["remix"]).renders(size="1280x720", seconds=4)


@pytest.mark.parametrize(
    ("last_days", "last_day", "living"),
    [
        (["2026-11-20", "2026-11-21"], "2026-11-21", ["d1"]),
        (["2026-11-20", None], "None", ["d1"]),
        (["2026-11-22", "2026-11-20"], "2026-11-22", ["d0"]),
    ],
)
def test_a_model_lives_as_long_as_its_last_deployment(last_days: list[str | None], last_day: str, living: list[str]):
    model = a_catalog(*(a_deployment(name=f"d{n}", retires_on=day) for n, day in enumerate(last_days))).model("sora-2")
    assert str(model.last_day()) == last_day
    assert [deployment.name for deployment in model.living(NOW.date())] == living


def test_an_unknown_model_is_refused_with_those_there_are():
    with pytest.raises(InvalidRequest, match=r"'veo-9'.*Available: sora-2") as refused:
        a_catalog().model("veo-9")
    assert (refused.value.param, refused.value.code) == ("model", "model_not_found")


def test_expected_render_time_is_that_of_the_chosen_deployment_else_of_the_first():
    catalog = a_catalog(a_deployment(expected_render_s=30), a_deployment(name="west", expected_render_s=90))
    assert catalog.expected_render_s("sora-2", "west") == 90
    assert catalog.expected_render_s("sora-2", None) == 30
    assert catalog.expected_render_s("a model that was removed", "a deployment too") == 30


@pytest.mark.parametrize("name", ["", "so@ra"])
def test_a_model_has_a_name_that_its_pool_can_have_as_a_key(name: str):
    with pytest.raises(ValidationError, match=r"name|key"):
        a_model_catalog(**{name: [a_deployment()]})
