"""Rules for prompts that need nobody's help: words, patterns, lengths, languages."""

from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, NamedTuple, Protocol, Self, cast

import re2  # pyright: ignore[reportMissingTypeStubs] - it has none
from pydantic import AfterValidator, Field, model_validator

from domain.configuration import Configuration
from domain.finding import CategoryName, Finding
from domain.plain_words import plain_words


class _Compiled(Protocol):
    def search(self, text: str) -> object | None: ...


def _compiled(pattern: str) -> _Compiled:
    """Have RE2 read a pattern, and not write to our standard error what is wrong with it."""
    options = re2.Options()
    options.log_errors = False
    return cast("_Compiled", re2.compile(pattern, options))


def _checked(pattern: str) -> str:
    try:
        _compiled(pattern)
    except re2.error as error:  # pyright: ignore[reportUnknownVariableType]
        reason = cast("bytes", error.args[0]).decode()
        raise ValueError(f"is no pattern of RE2: {reason}") from None
    return pattern


def _legible(term: str) -> str:
    if not plain_words(term):
        raise ValueError("has no letter or digit")
    return term


def _not_empty[T](entries: tuple[T, ...]) -> tuple[T, ...]:
    # A minimal length would count only the entries without problems, and so invent one more.
    if not entries:
        raise ValueError("must have at least one entry")
    return entries


type _Entries[T] = Annotated[tuple[T, ...], AfterValidator(_not_empty)]
type Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
type Term = Annotated[str, AfterValidator(_legible)]
type Pattern = Annotated[str, AfterValidator(_checked)]


class Spoken(NamedTuple):
    """What language a text seems to be in.

    Attributes:
        language: Its code in ISO 639.
        confidence: From 0 to 1.
    """

    language: str
    confidence: float


class Blocklist(Configuration):
    """Words and phrases that no prompt may have; see `plain_words` for what of them counts.

    Attributes:
        whole_words: Whether a term is left alone that begins or ends within a word; not for scripts without spaces.
        category: What a refusal calls it.
    """

    blocklist: _Entries[Term]
    whole_words: bool = True
    category: CategoryName = "blocklist"

    def find(self, prompt: str) -> Finding | None:
        """What a prompt has of them."""
        text = self._comparable(prompt)
        return Finding(self.category) if any(term in text for term in self._terms) else None

    @cached_property
    def _terms(self) -> Sequence[str]:
        return [self._comparable(term) for term in self.blocklist]

    def _comparable(self, text: str) -> str:
        words = plain_words(text)
        return f" {' '.join(words)} " if self.whole_words else "".join(words)


class Patterns(Configuration):
    """Patterns that no prompt may match, in RE2's syntax: it takes linear time, so no prompt makes it hang.

    Attributes:
        category: What a refusal calls it.
    """

    regex: _Entries[Pattern]
    category: CategoryName = "regex"

    def find(self, prompt: str) -> Finding | None:
        """What a prompt has of them."""
        return Finding(self.category) if any(each.search(prompt) for each in self._compiled) else None

    @cached_property
    def _compiled(self) -> Sequence[_Compiled]:
        return [_compiled(pattern) for pattern in self.regex]


class Length(Configuration):
    """How long a prompt may be.

    Attributes:
        category: What a refusal calls it.
    """

    max_characters: Annotated[int, Field(gt=0)]
    category: CategoryName = "length"

    def find(self, prompt: str) -> Finding | None:
        """Whether a prompt is longer."""
        return Finding(self.category) if len(prompt) > self.max_characters else None


class Languages(Configuration):
    """Which languages prompts may be in; a text too short to be sure of is let through.

    Attributes:
        allowed: No others; None for any.
        forbidden: Not these.
        confidence: How sure one must be of a language to refuse it.
    """

    allowed: frozenset[Language] | None = None
    forbidden: frozenset[Language] = frozenset()
    confidence: Annotated[float, Field(ge=0, le=1)] = 0.7

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.allowed is None and not self.forbidden:
            raise ValueError("needs 'allowed' or 'forbidden'")
        return self


class LanguageRule(Configuration):
    """See `Languages`.

    Attributes:
        category: What a refusal calls it.
    """

    languages: Languages
    category: CategoryName = "language"

    def judge(self, spoken: Spoken) -> Finding | None:
        """Whether a prompt in this language is refused."""
        if spoken.confidence < self.languages.confidence:
            return None
        is_missing = self.languages.allowed is not None and spoken.language not in self.languages.allowed
        return Finding(self.category) if is_missing or spoken.language in self.languages.forbidden else None
