"""The chain as the operator writes it down."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from domain.configuration import problems_in
from domain.errors import CheckImpossible
from domain.finding import Finding, Verdict
from domain.guardrails import Check, ContentSafetyCheck, Stage, Thresholds, worst


class Settings(BaseModel):
    guardrails: tuple[Check, ...]


def problems(*checks: Any) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"guardrails": checks})
    return problems_in(caught.value)


def test_each_check_is_known_by_its_own_field() -> None:
    checks = [
        {"blocklist": ["acme"]},
        {"regex": ["a+"]},
        {"max_characters": 9},
        {"languages": {"allowed": ["en"]}},
        {"content_safety": {}},
        {"python": "rules:check"},
        {"https": "https://rules.example", "bearer": "env:RULES"},
    ]
    parsed = Settings.model_validate({"guardrails": checks}).guardrails
    assert [type(each).__name__ for each in parsed] == [
        "Blocklist",
        "Patterns",
        "Length",
        "LanguageRule",
        "ContentSafetyCheck",
        "PythonCheck",
        "HttpsCheck",
    ]


@pytest.mark.parametrize(
    ("check", "problem"),
    [
        ({"blocklist": ["a", "!"]}, "guardrails[0].blocklist[1]: has no letter or digit"),
        ({"blocklist": ["a", "_\u115f"]}, "guardrails[0].blocklist[1]: has no letter or digit"),
        ({"regex": ["a", "(a"]}, "guardrails[0].regex[1]: is no pattern of RE2: missing )"),
        ({"content_safety": {"hate": 8}}, "guardrails[0].content_safety.hate: "),
        ({"content_safety": {}, "tenants": {"kids": {"rudeness": 2}}}, "guardrails[0].tenants.kids.rudeness: "),
        ({"python": "rules"}, "guardrails[0].python: "),
        ({"https": "rules.example"}, "guardrails[0].https: "),
        ({"https": "https://rules.example", "bearer": "s3cret"}, "guardrails[0].bearer: write env:NAME"),
        ({"max_characters": 9, "regex": ["a"]}, "guardrails[0].max_characters: "),
        ({"content_safety": {}, "at": []}, "guardrails[0].at: "),
        ({"languages": {}}, "guardrails[0].languages: needs 'allowed' or 'forbidden'"),
        ({"colour": "red"}, "guardrails[0]: needs one of blocklist, regex, "),
        ("blocklist", "guardrails[0]: needs one of blocklist, regex, "),
    ],
)
def test_every_problem_is_told_with_its_path(check: Any, problem: str) -> None:
    (told,) = problems(check)
    assert told.startswith(problem)
    assert "s3cret" not in told


def test_a_tenants_thresholds_leave_the_others_as_they_are() -> None:
    check = ContentSafetyCheck.model_validate(
        {"content_safety": {"violence": 6}, "tenants": {"kids": {"violence": 2, "hate": None}}}
    )
    assert check.thresholds("acme") == Thresholds(violence=6)
    assert check.thresholds("kids") == Thresholds(violence=2, hate=None)


@pytest.mark.parametrize(
    ("severities", "finding"),
    [
        ({"violence": 3, "hate": 0}, None),
        ({"violence": 4, "hate": 6}, Finding("hate", 6)),
        ({"sexual": 7}, None),
        ({"gambling": 0}, None),
        ({"gambling": 2}, Finding("gambling", 2)),
    ],
)
def test_the_severest_is_found(severities: dict[str, int], finding: Finding | None) -> None:
    assert worst(severities, Thresholds(sexual=None), "prompt") == finding


@pytest.mark.parametrize(("threshold", "fine"), [(4, False), (None, False), (3, True)])
def test_all_eight_levels_are_asked_for_only_if_a_threshold_needs_them(threshold: int | None, *, fine: bool) -> None:
    assert Thresholds(violence=threshold).are_fine is fine


def test_checks_of_others_are_made_at_both_stages_and_let_nothing_through_unless_told() -> None:
    check = ContentSafetyCheck()
    assert (check.at, check.on_error) == (frozenset(Stage), "fail_closed")


@pytest.mark.parametrize(
    ("finding", "message", "param"),
    [
        (Finding("hate", 4), "The prompt is against the content policy: category 'hate', severity 4.", "prompt"),
        (Finding("logos", None, "video"), "The video is against the content policy: category 'logos'.", None),
        (
            Finding("sexual", 6, "input_reference"),
            "The input_reference is against the content policy: category 'sexual', severity 6.",
            "input_reference",
        ),
        (Finding("custom", None, "request"), "The request is against the content policy: category 'custom'.", None),
    ],
)
def test_a_refusal_says_what_and_how_bad(finding: Finding, message: str, param: str | None) -> None:
    error = finding.refusal()
    assert (error.status, error.code, error.message, error.param) == (400, "content_policy_violation", message, param)


@pytest.mark.parametrize(
    ("answer", "finding"),
    [
        (None, None),
        ({"allowed": True}, None),
        ({"allowed": False}, Finding("custom", None, "request")),
        ({"allowed": False, "category": "logos", "severity": 3}, Finding("logos", 3, "request")),
    ],
)
def test_an_operators_own_check_gives_a_verdict(answer: Any, finding: Finding | None) -> None:
    assert Verdict.read(answer).finding("request") == finding


@pytest.mark.parametrize(
    "answer", [{}, [], "yes", True, {"allowed": "no"}, {"allowed": False, "category": "<b>"}, {"error": "busy"}]
)
def test_what_is_no_verdict_is_no_consent(answer: Any) -> None:
    with pytest.raises(CheckImpossible, match="the answer is no verdict"):
        Verdict.read(answer)
