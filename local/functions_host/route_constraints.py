"""Inline route constraints of ASP.NET Core: `{id:int}`, `{name:length(1,8)}`.

https://learn.microsoft.com/aspnet/core/fundamentals/routing#route-constraints
"""

import math
import re
from collections.abc import Callable
from datetime import datetime

from local.functions_host.configuration import ConfigurationError

type Constraint = Callable[[str], bool]

_INTEGER = re.compile(r"[+-]?[0-9]+")


def constraint(name: str, arguments: str) -> Constraint:
    """What a value must satisfy to match.

    Args:
        name: The constraint's name, for example `range`.
        arguments: What stands in its brackets, for example `1,10`; empty without brackets.

    Raises:
        ConfigurationError: There is no constraint of that name.
    """
    try:
        return _CONSTRAINTS[name](arguments)
    except KeyError:
        raise ConfigurationError(f"unknown route constraint '{name}'; known are {sorted(_CONSTRAINTS)}") from None


def _pattern(pattern: str) -> Callable[[str], Constraint]:
    compiled = re.compile(pattern, re.IGNORECASE)
    return lambda _arguments: lambda value: compiled.fullmatch(value) is not None


def _integer_in(low: float, high: float) -> Constraint:
    return lambda value: _INTEGER.fullmatch(value) is not None and low <= int(value) <= high


def _between(arguments: str) -> Constraint:
    low, high = (int(limit) for limit in arguments.split(","))
    return _integer_in(low, high)


def _length(arguments: str) -> Constraint:
    limits = [int(limit) for limit in arguments.split(",")]
    return lambda value: limits[0] <= len(value) <= limits[-1]


def _matches(arguments: str) -> Constraint:
    # Braces and brackets are doubled in a template, as in the .NET format strings it comes from.
    compiled = re.compile(arguments.replace("{{", "{").replace("}}", "}").replace("[[", "[").replace("]]", "]"))
    return lambda value: compiled.search(value) is not None


def _is_datetime(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


_DECIMAL = r"[+-]?(\d+\.?\d*|\.\d+)"

_CONSTRAINTS: dict[str, Callable[[str], Constraint]] = {
    "alpha": _pattern("[a-z]*"),
    "bool": _pattern("true|false"),
    "datetime": lambda _arguments: _is_datetime,
    "decimal": _pattern(_DECIMAL),
    "double": _pattern(_DECIMAL + r"(e[+-]?\d+)?"),
    "float": _pattern(_DECIMAL + r"(e[+-]?\d+)?"),
    "guid": _pattern(r"\{?[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\}?"),
    "int": lambda _arguments: _integer_in(-(2**31), 2**31 - 1),
    "length": _length,
    "long": lambda _arguments: _integer_in(-(2**63), 2**63 - 1),
    "max": lambda arguments: _integer_in(-math.inf, int(arguments)),
    "maxlength": lambda arguments: lambda value: len(value) <= int(arguments),
    "min": lambda arguments: _integer_in(int(arguments), math.inf),
    "minlength": lambda arguments: lambda value: len(value) >= int(arguments),
    "range": _between,
    "regex": _matches,
    "required": lambda _arguments: bool,
}
