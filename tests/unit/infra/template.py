"""Reads a Bicep file into its declarations."""

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tests.unit.infra.expression import Bicep, Expression

INFRA = Path(__file__).parents[3] / "infra"
FILES = sorted(INFRA.rglob("*.bicep"))

_STATEMENT = re.compile(r"(param|var|resource|module|output|func|type|import)\b")
_TYPE = re.compile(r"[^=\n]*?(?=\s*(?:=|\n|$))")
_FUNCTION = re.compile(r"\((?P<parameters>[^)]*)\)[^=]*=>")
_HEAD = re.compile(r"\s*'(?P<target>[^'@]+)(?:@(?P<version>[^']+))?'(?P<existing> existing)?\s*=\s*")
_IMPORT = re.compile(r"\s*\{(?P<names>[^}]*)\}\s*from\s*'(?P<file>[^']+)'")
_OBJECT_TYPE = re.compile(r"\s*=\s*\{[^}]*\}")
_IF = re.compile(r"if\s*\(")
_LOOP = re.compile(r"\[\s*(?=for\b)")


@dataclass(frozen=True)
class Declaration:
    """Something a template declares.

    Attributes:
        kind: `param`, `var`, `resource`, `module`, `output` or `func`.
        name: Its symbol.
        decorators: What they are given, by their names.
        value: What it is set to; None if nothing.
        target: A resource's type, a module's file, a parameter's or an output's type.
        version: A resource's API version.
        is_existing: Whether a resource is only referred to.
        condition: When there is such a resource or module; None for always.
        is_loop: Whether there is one for each of several.
    """

    kind: str
    name: str
    decorators: dict[str, list[Expression]]
    value: Expression | None = None
    target: str = ""
    version: str = ""
    is_existing: bool = False
    condition: Expression | None = None
    is_loop: bool = False


@dataclass
class Template:
    """A Bicep file.

    Attributes:
        file: Where it is.
        declarations: In order.
        imports: Names of other files, by file.
    """

    file: Path
    declarations: list[Declaration] = field(default_factory=list)
    imports: dict[str, list[str]] = field(default_factory=dict)

    def of(self, kind: str) -> list[Declaration]:
        """The declarations of a kind."""
        return [each for each in self.declarations if each.kind == kind]


@cache
def read(file: Path) -> Template:
    """Read a file."""
    text, template = Bicep(file.read_text()), Template(file)
    while text.position < len(text.text):
        text.skip()
        decorators = _decorators(text)
        statement = text.match(_STATEMENT)
        assert statement or text.position == len(text.text), text.text[text.position :][:60]
        if statement and statement[1] == "import":
            found = text.match(_IMPORT)
            assert found
            template.imports[found["file"]] = [name.strip() for name in found["names"].split(",")]
        elif statement:
            text.skip()
            template.declarations.append(_declaration(text, statement[1], text.word(), decorators))
        text.skip()
    return template


def _decorators(text: Bicep) -> dict[str, list[Expression]]:
    found = dict[str, list[Expression]]()
    while text.take("@"):
        name = text.word()
        text.need("(")
        found[name] = text.members(")", text.expression)
        text.skip()
    return found


def _declaration(text: Bicep, kind: str, name: str, decorators: dict[str, Any]) -> Declaration:
    match kind:
        case "resource" | "module":
            return _deployed(text, kind, name, decorators)
        case "func":
            head = text.match(_FUNCTION)
            assert head
            parameters = [parameter.split()[0] for parameter in head["parameters"].split(",") if parameter.strip()]
            return Declaration(kind, name, decorators, text.function(parameters))
        case "type":
            assert text.match(_OBJECT_TYPE)
            return Declaration(kind, name, decorators)
        case _:
            text.skip(lines=False)
            found = text.match(_TYPE)
            text.skip(lines=False)
            value = text.expression() if text.take("=") else None
            return Declaration(kind, name, decorators, value, target=(found[0] if found else "").strip())


def _deployed(text: Bicep, kind: str, name: str, decorators: dict[str, Any]) -> Declaration:
    head = text.match(_HEAD)
    assert head, name
    condition = None
    if text.match(_IF):
        condition = text.expression()
        text.need(")")
        text.skip()
    is_loop = bool(_LOOP.match(text.text, text.position))
    return Declaration(
        kind=kind,
        name=name,
        decorators=decorators,
        value=text.expression(),
        target=head["target"],
        version=head["version"] or "",
        is_existing=bool(head["existing"]),
        condition=condition,
        is_loop=is_loop,
    )
