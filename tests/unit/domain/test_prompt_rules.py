"""Rules for prompts."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.prompt_rules import Blocklist, LanguageRule, Length, Patterns, Spoken


def blocks(prompt: str, **rule: Any) -> bool:
    return Blocklist.model_validate(rule).find(prompt) is not None


@pytest.mark.parametrize(
    "prompt", ["An ACME van.", "acme", "(Acme)", "an \uff41cme sign", "an ac\u200bme sign", "acme's van", "new\nacme"]
)
def test_a_term_is_found_however_it_is_written(prompt: str) -> None:
    assert blocks(prompt, blocklist=["Acme"])


@pytest.mark.parametrize("prompt", ["acmeist poets", "pacme", "ac me", "a boat"])
def test_a_term_is_not_found_within_another_word(prompt: str) -> None:
    assert not blocks(prompt, blocklist=["acme"])


@pytest.mark.parametrize(("prompt", "found"), [("the Big, bad  Wolf", True), ("bad big wolf", False)])
def test_a_phrase_is_found_as_a_whole(prompt: str, *, found: bool) -> None:
    assert blocks(prompt, blocklist=["big bad wolf"]) is found


def test_scripts_without_spaces_are_searched_within_words() -> None:
    assert not blocks("雪の中の狐です", blocklist=["狐"])
    assert blocks("雪の中の狐です", blocklist=["狐"], whole_words=False)


def test_a_refusal_names_the_category_and_nothing_of_the_prompt() -> None:
    finding = Blocklist(blocklist=("Acme",), category="trademarks").find("an acme van")
    assert finding
    assert finding.refusal().message == "The prompt is against the content policy: category 'trademarks'."


@pytest.mark.parametrize(("prompt", "found"), [("call 555-0100", True), ("call 5550100", False)])
def test_a_pattern_is_found_anywhere(prompt: str, *, found: bool) -> None:
    assert (Patterns(regex=(r"nothing", r"\b\d{3}-\d{4}\b")).find(prompt) is not None) is found


def test_a_pattern_that_explodes_elsewhere_takes_linear_time() -> None:
    assert Patterns(regex=(r"^(a+)+$",)).find("a" * 30_000 + "!") is None


@pytest.mark.parametrize("pattern", ["(a", r"(?=a)", r"(a)\1"])
def test_what_re2_cannot_do_is_no_pattern(pattern: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="is no pattern of RE2"):
        Patterns(regex=(pattern,))
    assert capfd.readouterr().err == ""


@given(st.text())
def test_whatever_the_prompt_rules_come_to_an_end(prompt: str) -> None:
    Blocklist(blocklist=("acme", "big wolf")).find(prompt)
    Length(max_characters=5).find(prompt)


def test_a_prompt_may_be_just_so_long() -> None:
    assert Length(max_characters=3).find("abc") is None
    assert Length(max_characters=3).find("abcd")


@pytest.mark.parametrize(
    ("languages", "spoken", "found"),
    [
        ({"allowed": ["en"]}, Spoken("en", 0.9), False),
        ({"allowed": ["en"]}, Spoken("de", 0.9), True),
        ({"allowed": ["en"]}, Spoken("de", 0.6), False),
        ({"allowed": ["en"], "confidence": 0.5}, Spoken("de", 0.6), True),
        ({"forbidden": ["de"]}, Spoken("de", 0.9), True),
        ({"forbidden": ["de"]}, Spoken("fr", 0.9), False),
    ],
)
def test_a_language_is_refused_if_one_is_sure_of_it(languages: Any, spoken: Spoken, *, found: bool) -> None:
    rule = LanguageRule.model_validate({"languages": languages})
    assert (rule.judge(spoken) is not None) is found
