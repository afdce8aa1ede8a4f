"""Route templates as ASP.NET Core reads them: parameters, constraints, catch-alls and precedence.

https://learn.microsoft.com/aspnet/core/fundamentals/routing#route-templates
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from local.functions_host.configuration import ConfigurationError
from local.functions_host.route_constraints import Constraint, constraint

_ARGUMENTS = r"\((?P<arguments>(?:[^()]|\([^()]*\))*)\)"
_CONSTRAINT = re.compile(rf":(?P<name>\w+)(?:{_ARGUMENTS})?")
_PARAMETER = re.compile(
    r"\{(?P<catch_all>\*{0,2})(?P<name>\w+)"
    rf"(?P<constraints>(?::\w+(?:{_ARGUMENTS})?)*)"
    r"(?:(?P<optional>\?)|=(?P<default>[^}]*))?\}"
)

# The more specific a segment, the earlier its route is tried.
_LITERAL, _CONSTRAINED, _PLAIN, _CATCH_ALL = range(4)


@dataclass(frozen=True, slots=True)
class _Parameter:
    name: str
    catch_all: bool
    optional: bool
    default: str | None
    constraints: tuple[Constraint, ...]

    @property
    def rank(self) -> int:
        return _CATCH_ALL if self.catch_all else _CONSTRAINED if self.constraints else _PLAIN


@dataclass(frozen=True, slots=True)
class _Segment:
    pattern: str
    parameters: tuple[_Parameter, ...]

    @property
    def optional(self) -> bool:
        return len(self.parameters) == 1 and self.parameters[0].optional

    @property
    def rank(self) -> int:
        return max((parameter.rank for parameter in self.parameters), default=_LITERAL)


class Route[E]:
    """One template with the methods it answers and what it leads to.

    Args:
        template: For example `videos/{id:guid}/{*rest}`.
        methods: Upper-case HTTP methods; None answers every method.
        endpoint: What a match leads to.

    Raises:
        ConfigurationError: The template cannot be read.
    """

    def __init__(self, template: str, methods: Iterable[str] | None, endpoint: E) -> None:
        segments = [_read_segment(segment) for segment in _split(template)]
        self.endpoint = endpoint
        self.precedence = [segment.rank for segment in segments]
        self._methods = None if methods is None else frozenset(methods)
        self._pattern = _compile(segments)
        self._parameters = [parameter for segment in segments for parameter in segment.parameters]

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """The values of the template's parameters in a path as sent, or None if the route does not answer it."""
        if self._methods is not None and method not in self._methods:
            return None
        found = self._pattern.fullmatch(path)
        return None if found is None else self._read_values(found)

    def _read_values(self, found: re.Match[str]) -> dict[str, str] | None:
        values: dict[str, str] = {}
        for parameter in self._parameters:
            sent: str | None = found[parameter.name]
            value = parameter.default if sent is None else unquote(sent)
            if value is None:
                continue
            if not all(holds(value) for holds in parameter.constraints):
                return None
            values[parameter.name] = value
        return values


class Router[E]:
    """Finds the one route that answers a request, the most specific first."""

    def __init__(self, routes: Iterable[Route[E]]) -> None:
        self._routes = sorted(routes, key=lambda route: route.precedence)

    def match(self, method: str, path: str) -> tuple[E, dict[str, str]] | None:
        """The endpoint for a request and its route's parameters.

        Args:
            method: Upper-case HTTP method.
            path: The path as sent, percent-encoded, with its leading slash.
        """
        path = path[1:]
        for route in self._routes:
            values = route.match(method, path)
            if values is not None:
                return route.endpoint, values
        return None


def _split(template: str) -> list[str]:
    """Cut a template at the slashes outside of its braces: a `regex(...)` may hold some."""
    segments, depth = [""], 0
    for character in template.strip("/"):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if character == "/" and depth == 0:
            segments.append("")
        else:
            segments[-1] += character
    return [segment for segment in segments if segment]


def _read_segment(segment: str) -> _Segment:
    pattern, parameters, end = "", list[_Parameter](), 0
    for found in _PARAMETER.finditer(segment):
        value = ".*" if found["catch_all"] else "[^/]+"
        pattern += re.escape(segment[end : found.start()]) + f"(?P<{found['name']}>{value})"
        parameters.append(_read_parameter(found))
        end = found.end()
    rest = segment[end:]
    if "{" in rest:
        raise ConfigurationError(f"route segment '{segment}' cannot be read")
    return _Segment(pattern + re.escape(rest), tuple(parameters))


def _read_parameter(found: re.Match[str]) -> _Parameter:
    constraints = _CONSTRAINT.finditer(found["constraints"])
    return _Parameter(
        name=found["name"],
        catch_all=bool(found["catch_all"]),
        optional=bool(found["optional"] or found["catch_all"]) or found["default"] is not None,
        default=found["default"],
        constraints=tuple(constraint(each["name"], each["arguments"] or "") for each in constraints),
    )


def _compile(segments: list[_Segment]) -> re.Pattern[str]:
    pattern = ""
    for segment in segments:
        part = f"/{segment.pattern}" if pattern else segment.pattern
        pattern += f"(?:{part})?" if segment.optional else part
    return re.compile(pattern + "/?", re.IGNORECASE | re.DOTALL)
