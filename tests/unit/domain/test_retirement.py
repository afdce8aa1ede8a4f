"""Whoever runs this hears of a retirement a week before, and what it will mean."""

from datetime import date, timedelta

import pytest

from domain.catalog import Deployment
from domain.retirement import retirement_warnings
from tests.unit.examples import a_catalog, a_deployment, a_model_catalog

LAST_DAY = date(2026, 10, 15)


def retiring(name: str = "east", last_day: date = LAST_DAY) -> Deployment:
    return a_deployment(name=name, retires_on=last_day)


def warning(days_before: int, *others: Deployment) -> str:
    """The first warning so many days before the last day of `east`."""
    return retirement_warnings(a_catalog(retiring(), *others), LAST_DAY - timedelta(days=days_before))[0]


@pytest.mark.parametrize(
    ("days_before", "when"),
    [
        (7, "east retires on 2026-10-15, in 7 days: "),
        (2, "east retires on 2026-10-15, in 2 days: "),
        (1, "east retires on 2026-10-15, tomorrow: "),
        (0, "east retires on 2026-10-15, today: "),
        (-1, "east retired on 2026-10-15: "),
        (-99, "east retired on 2026-10-15: "),
    ],
)
def test_it_is_told_from_a_week_before_and_ever_after(days_before: int, when: str):
    assert warning(days_before).startswith(when)


def test_nothing_is_told_earlier_nor_of_a_deployment_without_a_last_day():
    catalog = a_catalog(retiring(), a_deployment(name="west"))
    assert retirement_warnings(catalog, LAST_DAY - timedelta(days=8)) == []
    assert len(retirement_warnings(catalog, LAST_DAY)) == 1


def test_who_is_left_are_those_who_live_the_day_after():
    others = retiring("with-it"), retiring("later", LAST_DAY + timedelta(days=1)), a_deployment(name="west")
    assert warning(3, *others).endswith(": sora-2 is left to later, west")


def test_of_a_retirement_long_past_those_are_left_who_live_today():
    assert warning(-30, retiring("later", LAST_DAY + timedelta(days=9)), a_deployment(name="west")).endswith(
        ": sora-2 is left to west"
    )


def test_fallback_models_are_named_when_they_are_all_that_is_left():
    catalog = a_model_catalog(
        a=[retiring()], b=[retiring("gone")], c=[a_deployment(name="alive")], fallbacks={"a": ["b", "c"]}
    )
    assert retirement_warnings(catalog, LAST_DAY)[0].endswith(": a is left to its fallback models c")


def test_it_is_told_that_nobody_is_left():
    assert "nobody is left to render sora-2, which is answered with 410" in warning(0)
