"""Parses Bicep's expressions, into functions that compute them: as much of the language as the templates use."""

import operator
import re
from collections import ChainMap
from collections.abc import Callable, Mapping
from typing import Any

from tests.unit.infra.text import Text

type Names = ChainMap[str, Any]
type Expression = Callable[[Names], Any]

_NUMBER = re.compile(r"\d+")
_LAMBDA = re.compile(r"(?:(?P<one>[A-Za-z_]\w*)|\((?P<many>[\w, ]*)\))\s*=>")
_LOOP = re.compile(r"for\s+(?:(?P<item>\w+)|\((?P<pair>\w+),\s*(?P<index>\w+)\))\s+in\b")
_CHOICE = re.compile(r"\s*[?](?![.?])")
_KEYWORDS = {"true": True, "false": False, "null": None}
_LEVELS: tuple[Mapping[str, Callable[[Any, Any], Any]], ...] = (
    {"??": lambda left, right: right if left is None else left},
    {"||": lambda left, right: left or right},
    {"&&": lambda left, right: left and right},
    {"==": operator.eq, "!=": operator.ne},
    {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt},
    {"+": operator.add, "-": operator.sub},
    {"*": operator.mul, "/": operator.floordiv, "%": operator.mod},
)


class Missing(LookupError):
    """Something is asked for that is not there."""


def member(value: Any, key: str | int) -> Any:
    """What `value.key` or `value[key]` is."""
    try:
        return value[key] if isinstance(value, Mapping | list) else getattr(value, str(key))
    except (LookupError, AttributeError):
        raise Missing(f"{key!r} is not in {value!r}") from None


def _safe_member(value: Any, key: str | int) -> Any:
    try:
        return None if value is None else member(value, key)
    except Missing:
        return None


class Bicep(Text):
    """Bicep, or an expression of a JSON template."""

    def expression(self) -> Expression:
        """Read an expression."""
        self.skip()
        if found := self.match(_LAMBDA):
            return self.function([found["one"]] if found["one"] else found["many"].replace(",", " ").split())
        condition = self._binary(0)
        self.skip(lines=False)
        if not self.match(_CHOICE):
            return condition
        yes = self.expression()
        self.need(":")
        no = self.expression()
        return lambda names: yes(names) if condition(names) else no(names)

    def function(self, parameters: list[str]) -> Expression:
        """Read the body of what has these parameters."""
        body = self.expression()
        return lambda names: lambda *values: body(names.new_child(dict(zip(parameters, values, strict=False))))

    def _binary(self, level: int) -> Expression:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while True:
            self.skip(lines=False)
            sign = next((sign for sign in _LEVELS[level] if self.take(sign)), None)
            if sign is None:
                return left
            left = _combined(_LEVELS[level][sign], left, self._binary(level + 1))

    def _unary(self) -> Expression:
        self.skip()
        if self.text.startswith("!", self.position):
            self.position += 1
            inner = self._unary()
            return lambda names: not inner(names)
        return self._postfix()

    def _postfix(self) -> Expression:
        value = self._primary()
        while True:
            if self.take(".?"):
                value = _access(_safe_member, value, _constant(self.word()))
            elif self.take("."):
                value = _access(member, value, _constant(self.word()))
            elif self.take("[?"):
                value = _access(_safe_member, value, self._closed("]"))
            elif self.take("["):
                value = _access(member, value, self._closed("]"))
            elif not (self.text[self.position : self.position + 2] != "!=" and self.take("!")):
                return value

    def _closed(self, end: str) -> Expression:
        inner = self.expression()
        self.need(end)
        return inner

    def _primary(self) -> Expression:
        brackets = {"'": self._string, "{": self._object, "[": self._array, "(": lambda: self._closed(")")}
        for bracket, read in brackets.items():
            if self.take(bracket):
                return read()
        if number := self.match(_NUMBER):
            return _constant(int(number[0]))
        name = self.word()
        if self.take("("):
            return self._call(name)
        return _constant(_KEYWORDS[name]) if name in _KEYWORDS else lambda names: names[name]

    def _call(self, name: str) -> Expression:
        arguments = self.members(")", self.expression)
        return lambda names: names[name](*(argument(names) for argument in arguments))

    def _string(self) -> Expression:
        parts = list[Expression]()
        while not self.take("'"):
            if self.take("${"):
                parts.append(self._closed("}"))
            else:
                self.take("\\")
                self.position += 1
                parts.append(_constant(self.text[self.position - 1]))
        return lambda names: "".join(str(part(names)) for part in parts)

    def _object(self) -> Expression:
        pairs = self.members("}", self._pair)
        return lambda names: {key(names): value(names) for key, value in pairs}

    def _pair(self) -> tuple[Expression, Expression]:
        key = self._string() if self.take("'") else _constant(self.word())
        self.need(":")
        return key, self.expression()

    def _array(self) -> Expression:
        self.skip()
        if found := self.match(_LOOP):
            return self._loop(found)
        items = self.members("]", self.expression)
        return lambda names: [item(names) for item in items]

    def _loop(self, head: re.Match[str]) -> Expression:
        """Read the rest of `for x in y: z]`."""
        source = self.expression()
        self.need(":")
        body = self._closed("]")
        item, index = head["item"] or head["pair"], head["index"] or ""
        return lambda names: [
            body(names.new_child({item: each, index: number})) for number, each in enumerate(source(names))
        ]


def _constant(value: Any) -> Expression:
    return lambda _: value


def _combined(sign: Callable[[Any, Any], Any], left: Expression, right: Expression) -> Expression:
    return lambda names: sign(left(names), right(names))


def _access(how: Callable[[Any, Any], Any], value: Expression, key: Expression) -> Expression:
    return lambda names: how(value(names), key(names))
