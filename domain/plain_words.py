"""What a reader makes of a text, however it was written down."""

import re
from collections.abc import Sequence
from unicodedata import category, normalize

_NOT_SHOWN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Default_Ignorable_Code_Point of https://www.unicode.org/Public/16.0.0/ucd/DerivedCoreProperties.txt."""
_PARTING = frozenset("\t\n\v\f\r\x85")
"""The control characters that are seen, as white space."""
_MARKS_OF_ANY_SCRIPT = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
_MARKS_ARE_LETTERS_FROM = "\u0780"
"""In the scripts from here on, as in Hindi or Japanese, a mark makes another letter; in those before, an accent."""


def visible(text: str) -> str:
    """The text without the signs that nobody sees, and in the ordinary forms of its letters."""
    signs = _NOT_SHOWN.sub("", text)
    return normalize("NFKC", "".join(each for each in signs if each in _PARTING or category(each) not in {"Cc", "Cf"}))


def plain_words(text: str) -> Sequence[str]:
    """Its words, without case, accents and all that is no letter or digit."""
    letters = normalize("NFC", _without_accents(visible(text))).casefold()
    return "".join(each if category(each)[0] in "LMN" else " " for each in letters).split()


def _without_accents(text: str) -> str:
    kept, has_accents = list[str](), True
    for sign in _MARKS_OF_ANY_SCRIPT.sub("", normalize("NFKD", text)):
        is_mark = category(sign) in {"Mn", "Me"}
        if not is_mark:
            has_accents = sign < _MARKS_ARE_LETTERS_FROM
        if not is_mark or not has_accents:
            kept.append(sign)
    return "".join(kept)
