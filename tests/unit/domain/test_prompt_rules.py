"""Rules for prompts."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.plain_words import plain_words, visible
from domain.prompt_rules import Blocklist, LanguageRule, Length, Patterns, Spoken

UNSEEN = st.characters(categories=["Cf", "Cc"], exclude_characters="\t\n\v\f\r\x85") | st.sampled_from(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180d\u180f\u2065\u3164\ufe00\ufe0f\uffa0\ufff0\U000e0100\U000e01ef\U000e0fff"
)


def blocks(prompt: str, **rule: Any) -> bool:
    return Blocklist.model_validate(rule).find(prompt) is not None


@pytest.mark.parametrize(
    "prompt",
    [
        "An ACME van.",
        "acme",
        "(Acme)",
        "an \uff41cme sign",
        "acme's van",
        "new\nacme",
        "an _acme_ sign",
        "acme_van",
        "an \u00e4cm\u0113 sign",
        "a\u0338c\u20dfme",
        "ac\u0e38me",
    ],
)
def test_a_term_is_found_however_it_is_written(prompt: str) -> None:
    assert blocks(prompt, blocklist=["Acme"])


@given(signs=st.lists(UNSEEN, min_size=4, max_size=4), whole_words=st.booleans())
def test_signs_that_nobody_sees_hide_nothing(signs: list[str], *, whole_words: bool) -> None:
    prompt = "an " + "".join(letter + sign for letter, sign in zip("Acme", signs, strict=True))
    assert blocks(prompt, blocklist=["acme"], whole_words=whole_words)
    assert visible(prompt) == "an Acme"


@given(st.text())
def test_what_is_plain_does_not_become_plainer(text: str) -> None:
    words = plain_words(text)
    assert plain_words(" ".join(words)) == words


@pytest.mark.parametrize("term", ["caf\u00e9", "cafe\u0301", "CAF\u00c9"])
@pytest.mark.parametrize("prompt", ["un caf\u00e9 noir", "un cafe\u0301 noir", "un cafe\u200b\u0301 noir"])
def test_a_letter_is_the_same_in_one_sign_or_two(term: str, prompt: str) -> None:
    assert blocks(prompt, blocklist=[term])


@pytest.mark.parametrize(
    ("term", "other"), [("\u304b", "\u304c"), ("\u0915\u0941\u0932", "\u0915\u0932"), ("\uac00", "\uac01")]
)
def test_marks_that_make_another_letter_count(term: str, other: str) -> None:
    assert blocks(f"{term} {other}", blocklist=[term], whole_words=False)
    assert not blocks(other, blocklist=[term], whole_words=False)
    assert not blocks(term, blocklist=[other], whole_words=False)


@pytest.mark.parametrize("prompt", ["a.c.m.e", "a c m e", "ac-me", "ac\nme", "pacmen"])
def test_what_stands_between_letters_does_not_count_where_words_do_not(prompt: str) -> None:
    assert blocks(prompt, blocklist=["acme"], whole_words=False)


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
