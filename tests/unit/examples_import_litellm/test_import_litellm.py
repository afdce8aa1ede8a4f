"""A LiteLLM configuration becomes models that load; what is not in them is told, and no key is."""

import runpy
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from domain.catalog import Catalog, Deployment
from examples.import_litellm.__main__ import main
from examples.import_litellm.conversion import convert
from examples.import_litellm.report import Report
from examples.import_litellm.source import SECRETS, ModelInfo, Params

CONFIG = Path(__file__).with_name("config.yaml")
EAST = "https://east.openai.azure.com"


def converted(
    *params: Mapping[str, Any], environment: Mapping[str, str] = {}, info: Mapping[str, Any] = {}, **sections: Any
) -> tuple[tuple[Deployment, ...], Report]:
    """The deployments of sora-2 that these `litellm_params` become."""
    usual = {"model": "azure/sora-2", "api_base": EAST, "api_key": "os.environ/KEY", "max_parallel_requests": 2}
    entries = [{"model_name": "sora-2", "litellm_params": usual | each, "model_info": info} for each in params]
    models, report = convert({"model_list": entries} | sections, environment)
    return Catalog.model_validate({"models": models}).deployments(), report


def only(params: Mapping[str, Any], **others: Any) -> Deployment:
    ((deployment,), _) = converted(params, **others)
    return deployment


@pytest.fixture
def whole() -> tuple[Catalog, Report]:
    models, report = convert(yaml.safe_load(CONFIG.read_text()), {"APP_ID": "app"})
    return Catalog.model_validate({"models": models}), report


def test_the_video_models_are_carried_over(whole: tuple[Catalog, Report]):
    catalog, _ = whole
    assert {name: [each.name for each in model.deployments] for name, model in catalog.models.items()} == {
        "sora-2": ["east", "sora-2-west", "sora-2-other"],
        "sora-2-pro": ["sora-2-pro-api"],
        "wan": ["wan-vllm"],
    }
    assert catalog.models["sora-2"].fallback_models == ("sora-2-pro",)
    assert catalog.models["sora-2-pro"].fallback_models == ("wan",)
    assert catalog.models["wan"].fallback_models == ()


def test_a_deployment_keeps_its_limits_price_and_place(whole: tuple[Catalog, Report]):
    east, west, other = whole[0].models["sora-2"].deployments
    assert (east.requests_per_minute, east.max_concurrent, east.api_version) == (2, 2, "preview")
    assert (east.sizes, east.usd_per_second) == (("1280x720",), {"*": east.price_per_second("1280x720")})
    assert format(east.price_per_second("1280x720"), "f") == "0.12"
    assert [each.priority for each in (east, west, other)] == [1, 1, 2]
    assert (east.weight, west.weight) == (7, 3)
    assert [str(each.endpoint) for each in (east, west, other)] == [
        "https://east.openai.azure.com/openai/v1/",
        "https://west.openai.azure.com/openai/v1/",
        "https://other.cognitiveservices.azure.com/openai/v1/",
    ]
    assert [each.upstream_model for each in (east, west, other)] == ["sora-2-east", "sora-2-west", "my-sora-2"]


def test_all_that_is_left_out_or_to_be_decided_is_told(whole: tuple[Catalog, Report]):
    report = whole[1]
    assert [item.partition(": ")[0] for item in report.losses] == [
        "model_list[5] (gpt-4o)",
        "model_list[6] (veo)",
        "model_list[7] (azure/*)",
        "router_settings.fallbacks.sora-2[1]",
        "router_settings.fallbacks.gpt-4o",
        "model_list[0].litellm_params.timeout",
        "model_list[2].litellm_params.api_version",
        "model_list[3].litellm_params.organization",
        "model_list[3].litellm_params.extra_headers",
        "router_settings.routing_strategy",
        "router_settings.num_retries",
        "router_settings.allowed_fails",
        "router_settings.cooldown_time",
        "litellm_settings.drop_params",
        "litellm_settings.success_callback",
        "general_settings.database_url",
    ]
    assert [item.partition(": ")[0] for item in report.decisions] == [
        "model_list[1].model_info.output_cost_per_video_per_second",
        "model_list[2].model_info.output_cost_per_video_per_second",
        "model_list[2].litellm_params.weight",
        "model_list[3].litellm_params.api_key",
        "model_list[3].litellm_params.max_parallel_requests",
        "model_list[3].model_info.output_cost_per_video_per_second",
        "model_list[4].litellm_params.api_key",
        "model_list[4].litellm_params.max_parallel_requests",
        "model_list[4].model_info.output_cost_per_video_per_second",
        "environment_variables.AZURE_WEST_BASE",
        "environment_variables.AZURE_WEST_KEY",
        "router_settings.model_group_alias.sora",
        "general_settings.master_key",
    ]


APP = {"tenant_id": "t", "client_id": "c"}
SCOPE = {"scope": "https://cognitiveservices.azure.com/.default"}


@pytest.mark.parametrize(
    ("params", "auth"),
    [
        ({"api_key": "os.environ/KEY"}, {"kind": "api_key", "secret": "env:KEY", "sent_as": "api-key"}),
        ({}, {"kind": "api_key", "secret": "env:AZURE_API_KEY", "sent_as": "api-key"}),
        ({"azure_ad_token": "os.environ/TOKEN"}, {"kind": "entra_token", "secret": "env:TOKEN"}),
        (
            {**APP, "client_secret": "os.environ/APP"},
            {"kind": "client_secret", **APP, "secret": "env:APP", **SCOPE},
        ),
        (
            {**APP, "client_secret": "os.environ/APP", "azure_scope": "https://ai.azure.com/.default"},
            {"kind": "client_secret", **APP, "secret": "env:APP", "scope": "https://ai.azure.com/.default"},
        ),
        (
            {"client_id": "c", "azure_username": "ann", "azure_password": "os.environ/PASSWORD"},
            {"kind": "username_password", "client_id": "c", "username": "ann", "password": "env:PASSWORD"}
            | {"tenant_id": None, **SCOPE},
        ),
        (
            {**APP, "azure_ad_token": "oidc/google/https://audience"},
            {"kind": "workload_identity", **APP, "token_file": None, **SCOPE},
        ),
        (
            {"model": "openai/sora-2", "api_key": "os.environ/KEY"},
            {"kind": "api_key", "secret": "env:KEY", "sent_as": "bearer"},
        ),
        (
            {"model": "sora-2", "api_base": None},
            {"kind": "api_key", "secret": "env:OPENAI_API_KEY", "sent_as": "bearer"},
        ),
        ({"model": "openai/sora-2", "api_base": "http://vllm:8000/v1"}, {"kind": "none"}),
    ],
)
def test_a_deployment_is_told_who_we_are_as_litellm_does(params: Mapping[str, Any], auth: Mapping[str, Any]):
    found = only({"api_key": None, **params}).auth.model_dump()
    secrets = {name: f"{value['kind']}:{value['target']}" for name, value in found.items() if isinstance(value, dict)}
    assert found | secrets == auth


def test_where_litellm_fetches_tokens_by_itself_so_do_we():
    auth = only({"api_key": None}, litellm_settings={"enable_azure_ad_token_refresh": True}).auth
    assert auth.kind == "default"


def test_a_credential_that_litellm_would_not_use_is_told():
    _, report = converted({**APP, "client_secret": "os.environ/APP"})
    assert [loss.partition(": ")[0].rpartition(".")[2] for loss in report.losses] == [
        "tenant_id",
        "client_id",
        "client_secret",
    ]


@pytest.mark.parametrize(
    ("model", "base", "endpoint"),
    [
        ("azure/s", EAST, f"{EAST}/openai/v1/"),
        ("azure/s", f"{EAST}/openai/v1/videos", f"{EAST}/openai/v1/"),
        ("azure/s", "https://gateway.example/east/", "https://gateway.example/east/openai/v1/"),
        ("azure/s", "https://ann:pw@gateway.example/?sig=abc", "https://gateway.example/openai/v1/"),
        ("openai/s", None, "https://api.openai.com/v1/"),
        ("openai/s", "http://127.0.0.1:8000/v1/", "http://127.0.0.1:8000/v1/"),
        ("azure/s", "os.environ/BASE", f"{EAST}/openai/v1/"),
        ("azure/s", "os.environ/NOT_SET", "https://fill-in.invalid/openai/v1/"),
        ("azure/s", "https://[", "https://fill-in.invalid/openai/v1/"),
    ],
)
def test_the_endpoint_is_where_litellm_calls(model: str, base: str | None, endpoint: str):
    assert str(only({"model": model, "api_base": base}, environment={"BASE": EAST}).endpoint) == endpoint


@pytest.mark.parametrize(
    ("orders", "priorities"),
    [([None, None], [1, 1]), ([1, 2], [1, 2]), ([2, 7], [1, 2]), ([0, -1], [2, 1]), ([None, 3], [2, 1])],
)
def test_order_becomes_priority(orders: list[int | None], priorities: list[int]):
    deployments, _ = converted(*({"order": order} for order in orders))
    assert [deployment.priority for deployment in deployments] == priorities


@pytest.mark.parametrize(
    ("given_weights", "weights"),
    [([0.7, 0.3], [7, 3]), ([2, 4], [1, 2]), ([1.5, None], [3, 2]), ([None, None], [1, 1]), (["0.5", 1], [1, 2])],
)
def test_weights_become_whole_numbers_of_the_same_proportions(given_weights: list[Any], weights: list[int]):
    deployments, _ = converted(*({"weight": weight} for weight in given_weights))
    assert [deployment.weight for deployment in deployments] == weights


def test_a_weight_of_nothing_is_a_stand_by():
    deployments, report = converted({"weight": 0}, {"weight": 5})
    assert [deployment.priority for deployment in deployments] == [2, 1]
    assert any("model_list[0].litellm_params.weight: is 0" in decision for decision in report.decisions)


def test_a_value_that_cannot_be_is_left_out_and_told():
    (deployment,), report = converted({"rpm": "any", "max_parallel_requests": 0, "order": "os.environ/NOT_SET"})
    assert (deployment.requests_per_minute, deployment.max_concurrent, deployment.priority) == (None, 10, 1)
    told = [decision.partition(": ")[0].rpartition(".")[2] for decision in report.decisions]
    assert {"rpm", "max_parallel_requests", "order"} <= set(told)


@pytest.mark.parametrize(
    ("info", "prices"),
    [
        ({"output_cost_per_second": 0.2}, {"*": "0.2"}),
        ({"output_cost_per_second": 0.2, "output_cost_per_video_per_second": 0.3}, {"*": "0.3"}),
        ({}, {"*": "0.10"}),
        ({"base_model": "azure/sora-2-pro"}, {"*": "0.30", "1024x1792": "0.50", "1792x1024": "0.50"}),
    ],
)
def test_a_price_is_that_of_the_configuration_or_the_list(info: Mapping[str, Any], prices: Mapping[str, str]):
    found = only({}, info=info).usd_per_second
    assert {size: str(price) for size, price in found.items()} == prices


def test_names_are_unique_though_the_resource_is_one():
    deployments, _ = converted({}, {}, {})
    assert [deployment.name for deployment in deployments] == ["sora-2-east", "sora-2-east-2", "sora-2-east-3"]


WORDS = st.sampled_from(["sora-2", "os.environ/A", "", "1"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["sora-2", "*"]), inner, max_size=2),
    max_leaves=3,
)


def some(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(names), ANYTHING)


@example(params={}, info={"output_cost_per_video_per_second": 1_000_000}, settings={}, any_section=None)
@example(params={"output_cost_per_second": "0.0000001"}, info={}, settings={}, any_section=None)
@given(
    params=some(*Params.model_fields, "tpm"),
    info=some(*ModelInfo.model_fields),
    settings=some("fallbacks", "default_fallbacks"),
    any_section=ANYTHING,
)
def test_whatever_is_written_there_the_result_can_be_loaded(
    params: dict[str, Any], info: dict[str, Any], settings: dict[str, Any], any_section: Any
):
    usual = {"model": "azure/sora-2", "api_base": EAST}
    entries = [{"model_name": "sora-2", "litellm_params": each, "model_info": info} for each in (usual, usual | params)]
    sections = dict.fromkeys(("credential_list", "general_settings", "environment_variables"), any_section)
    models, _ = convert({"model_list": [*entries, any_section], "router_settings": settings, **sections}, {"A": "1"})
    assert not models or Catalog.model_validate({"models": models})


KEYS = st.text("abcdefABCDEF0123456789-/+=", min_size=8).map(lambda text: f"zQ{text}")


@given(st.dictionaries(st.sampled_from(SECRETS), KEYS, min_size=1), KEYS, st.sampled_from(["azure", "openai"]))
def test_no_key_that_is_written_out_ever_shows(secrets: dict[str, str], other: str, provider: str):
    params = {
        "model": f"{provider}/sora-2",
        "api_base": f"https://ann:{other}@east.openai.azure.com/?key={other}",
        **APP,
        "azure_username": "ann",
        **secrets,
        "extra_headers": {"x-key": other},
        "rpm": other,
        "weight": other,
        "unknown": other,
    }
    info = {"output_cost_per_second": other, "supported_resolutions": [other], "key": other}
    config = {
        "model_list": [{"model_name": "sora-2", "litellm_params": params, "model_info": info, "key": other}],
        "general_settings": {"master_key": other, "database_url": other},
        "router_settings": {"redis_password": other, "fallbacks": [{"sora-2": [other]}]},
        "environment_variables": {"KEY": other},
        "more": other,
    }
    models, report = convert(config, {})
    Catalog.model_validate({"models": models})
    shown = yaml.safe_dump(models) + str(report)
    assert not any(key in shown for key in (other, *secrets.values()))


def test_command_writes_the_models_and_tells_the_rest(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    output = tmp_path / "models.yaml"
    assert main([str(CONFIG)]) == 0
    printed = capsys.readouterr()
    assert main([str(CONFIG), "--output", str(output)]) == 0
    assert output.read_text() == printed.out
    assert printed.err.endswith("The result can be loaded: sora-2, sora-2-pro, wan.\n")
    assert "sk-" not in printed.out + printed.err


def test_what_is_not_there_is_to_be_filled_in():
    (deployment,), report = converted({"api_key": None, "client_secret": "os.environ/APP", "client_id": "c"})
    assert deployment.auth.model_dump()["tenant_id"] == "FILL-IN"
    assert "model_list[0].litellm_params.tenant_id: there is none: replace FILL-IN" in report.decisions


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"model_list: [sk-secret", "is no YAML: see line 1"),
        (b"", "has no model_list"),
        (b"sk-secret", "has no model_list"),
        (b"model_list: {}", "has no model_list"),
        (b"- model_list", "has no model_list"),
        ("model_list: ü".encode("latin-1"), "is no text in UTF-8"),
        (b"model_list: [sk-secret, null, {litellm_params: 3}]", "has no video models"),
        (None, "cannot be opened: No such file or directory"),
    ],
)
def test_a_file_that_is_none_is_told_in_a_line(
    content: bytes | None, complaint: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    config = tmp_path / "config.yaml"
    if content is not None:
        config.write_bytes(content)
    assert main([str(config)]) == 2
    told = capsys.readouterr()
    assert complaint in told.err.splitlines()[-1]
    assert (told.out, "sk-" in told.err) == ("", False)


def test_it_is_a_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(sys, "argv", ["import_litellm", str(CONFIG)])
    monkeypatch.delitem(sys.modules, main.__module__)
    with pytest.raises(SystemExit, match="0"):
        runpy.run_module("examples.import_litellm", run_name="__main__")
    assert list(yaml.safe_load(capsys.readouterr().out)) == ["sora-2", "sora-2-pro", "wan"]
