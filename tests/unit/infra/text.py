"""A text that is read from left to right."""

import re
from collections.abc import Callable

_BLANK = re.compile(r"(?:[ \t]|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_BLANKS = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_]\w*")


class Text:
    """A text and how far it is read.

    Args:
        text: All of it.
    """

    def __init__(self, text: str) -> None:
        self.text, self.position = text, 0

    def skip(self, *, lines: bool = True) -> None:
        """Read over blanks and comments, and ends of lines unless they matter."""
        self.position = (_BLANKS if lines else _BLANK).match(self.text, self.position).end()  # type: ignore[union-attr]

    def take(self, token: str) -> bool:
        """Read this token if it is next."""
        if found := self.text.startswith(token, self.position):
            self.position += len(token)
        return found

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Read what matches if it is next."""
        if found := pattern.match(self.text, self.position):
            self.position = found.end()
        return found

    def need(self, token: str) -> None:
        """Read this token."""
        self.skip()
        assert self.take(token), f"{token!r} should be here: {self.text[self.position :][:60]!r}"

    def word(self) -> str:
        """Read a name."""
        found = self.match(_WORD)
        assert found, f"a name should be here: {self.text[self.position :][:60]!r}"
        return found[0]

    def members[T](self, end: str, read: Callable[[], T]) -> list[T]:
        """Read everything until this bracket; a comma or the end of a line is between each and the next."""
        found = list[T]()
        self.skip()
        while not self.take(end):
            found.append(read())
            ended = self.position
            self.skip()
            is_alone = "\n" in self.text[ended : self.position] or self.text.startswith(end, self.position)
            assert self.take(",") or is_alone, f"a comma should be here: {self.text[ended:][:60]!r}"
            self.skip()
        return found
