"""Every error tells a caller what OpenAI's clients look for."""

from collections.abc import Iterator

import pytest

from domain import errors
from domain.errors import Busy, ConfigurationError, RangeNotSatisfiable, ReelayError, Unauthorized
from domain.rate import Rate

STATUS = {
    errors.ReelayError: 500,
    errors.InvalidRequest: 400,
    errors.ContentPolicyViolation: 400,
    errors.FetchFailed: 400,
    errors.ModelRetired: 410,
    errors.PayloadTooLarge: 413,
    errors.RequestConflict: 409,
    errors.UnsupportedMedia: 415,
    errors.Unauthorized: 401,
    errors.Forbidden: 403,
    errors.NotAllowed: 403,
    errors.NotFound: 404,
    errors.ContentNotReady: 404,
    errors.ContentRemoved: 410,
    errors.RangeNotSatisfiable: 416,
    errors.LimitReached: 429,
    errors.BudgetExceeded: 429,
    errors.RateLimited: 429,
    errors.TooManyInFlight: 429,
    errors.PerhapsDone: 502,
    errors.Busy: 503,
    errors.GuardrailUnavailable: 503,
}


def kinds(kind: type[ReelayError] = ReelayError) -> Iterator[type[ReelayError]]:
    yield kind
    for derived in kind.__subclasses__():
        yield from kinds(derived)


def test_every_error_has_a_known_status():
    assert {kind: int(kind.status) for kind in kinds()} == STATUS


@pytest.mark.parametrize("kind", STATUS)
def test_whose_fault_it_is_shows_in_the_type(kind: type[ReelayError]):
    if kind.status == 429:
        assert kind.type == ("insufficient_quota" if kind is errors.BudgetExceeded else "requests")
    else:
        assert kind.type == ("server_error" if kind.status >= 500 else "invalid_request_error")


def test_every_error_that_a_program_may_act_on_has_a_code_of_its_own():
    codes = [kind.code for kind in kinds() if kind is not ReelayError]
    assert None not in codes
    assert len(set(codes)) == len(codes)


def test_a_code_may_be_given():
    assert errors.NotFound("No.", code="video_not_found").code == "video_not_found"


def test_headers_belong_to_the_error():
    assert Unauthorized("No.").headers() == {"www-authenticate": "Bearer"}
    assert RangeNotSatisfiable(99).headers() == {"content-range": "bytes */99"}
    assert Busy("Later.", retry_after_s=2).headers() == {"retry-after": "2", "retry-after-ms": "2000"}
    assert errors.PerhapsDone("Maybe.").headers() == {"x-should-retry": "false"}
    assert errors.NotFound("No.").headers() == {}


def test_a_limit_says_whether_and_when_to_come_back():
    assert errors.BudgetExceeded("No money.").headers() == {"x-should-retry": "false"}
    assert errors.TooManyInFlight("Wait.", retry_after_s=10).headers()["retry-after"] == "10"
    assert errors.RateLimited("Wait.", rate=Rate(3, 0, 40.5), retry_after_s=0.5).headers() == {
        "retry-after": "1",
        "retry-after-ms": "500",
        "x-ratelimit-limit-requests": "3",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "40.500s",
    }


def test_a_configuration_error_lists_every_problem():
    error = ConfigurationError(["a: no", "b: never"])
    assert str(error).splitlines()[1:] == ["  - a: no", "  - b: never"]
    assert error.problems == ("a: no", "b: never")
