"""Route templates answer what ASP.NET Core's would."""

import pytest

from local.functions_host.configuration import ConfigurationError
from local.functions_host.routes import Route, Router


def values(template: str, path: str) -> dict[str, str] | None:
    return Route(template, None, template).match("GET", path)


@pytest.mark.parametrize(
    ("template", "path", "expected"),
    [
        ("ping", "ping", {}),
        ("Ping", "pING/", {}),
        ("ping", "ping/x", None),
        ("videos/{id}", "videos/a%20b", {"id": "a b"}),
        ("videos/{id}", "videos/a%2Fb", {"id": "a/b"}),
        ("videos/{id}", "videos", None),
        ("videos/{id?}", "videos", {}),
        ("videos/{id=first}", "videos", {"id": "first"}),
        ("files/{name}.{ext}", "files/a.b.mp4", {"name": "a.b", "ext": "mp4"}),
        ("{*path}", "", {"path": ""}),
        ("{*path}", "a/b/c", {"path": "a/b/c"}),
        ("files/{**path}", "files", {}),
        ("files/{*path}", "files/a/b", {"path": "a/b"}),
    ],
)
def test_a_template_reads_its_parameters(template, path, expected):
    assert values(template, path) == expected


@pytest.mark.parametrize(
    ("constraint", "good", "bad"),
    [
        ("int", ["1", "-5"], ["x", "1.5", "99999999999"]),
        ("long", ["99999999999"], ["x"]),
        ("bool", ["true", "False"], ["1"]),
        ("guid", ["CD2C1638-1638-72D5-1638-DEADBEEF1638"], ["cd2c"]),
        ("alpha", ["abc"], ["ab1"]),
        ("datetime", ["2026-11-21T10:00:00Z", "2026-11-21"], ["soon"]),
        ("decimal", ["1.5"], ["1e3"]),
        ("double", ["1e3"], ["x"]),
        ("minlength(2)", ["ab"], ["a"]),
        ("maxlength(2)", ["ab"], ["abc"]),
        ("length(2)", ["ab"], ["a", "abc"]),
        ("length(2,3)", ["ab", "abc"], ["a", "abcd"]),
        ("min(3)", ["3"], ["2", "x"]),
        ("max(3)", ["3"], ["4", "x"]),
        ("range(3,5)", ["3", "5"], ["2", "6", "x"]),
        ("regex(^a(b|c)$)", ["ab", "ac"], ["abc"]),
        (r"regex(^\d{{3}}$)", ["123"], ["12"]),
        ("int:min(3)", ["3"], ["2"]),
    ],
)
def test_a_constraint_lets_only_its_values_pass(constraint, good, bad):
    template = f"x/{{value:{constraint}}}"
    assert [values(template, f"x/{value}") for value in good] == [{"value": value} for value in good]
    assert [values(template, f"x/{value}") for value in bad] == [None] * len(bad)


def test_the_most_specific_route_wins_whatever_the_order():
    templates = ["{*rest}", "items/{name}", "items/{number:int}", "items/special"]
    router = Router(Route(template, None, template) for template in templates)
    paths = ["/items/special", "/items/7", "/items/seven", "/items/a/b", "/"]
    found = [match[0] for path in paths if (match := router.match("GET", path))]
    assert found == ["items/special", "items/{number:int}", "items/{name}", "{*rest}", "{*rest}"]


def test_routes_of_the_same_path_are_told_apart_by_method():
    router = Router([Route("{*path}", ["GET", "HEAD"], "read"), Route("{*path}", ["POST"], "write")])
    found = {method: router.match(method, "/v1/videos") for method in ("GET", "POST", "PATCH")}
    assert {method: match and match[0] for method, match in found.items()} == {
        "GET": "read",
        "POST": "write",
        "PATCH": None,
    }


@pytest.mark.parametrize("template", ["{id:nonsense}", "{id", "{}"])
def test_a_template_that_cannot_be_read_is_refused(template):
    with pytest.raises(ConfigurationError):
        Route(template, None, template)
