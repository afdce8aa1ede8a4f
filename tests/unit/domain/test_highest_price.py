"""What is set aside is never less than the render will cost, whoever does it."""

from typing import Any

import pytest

from domain.pricing import highest_price_usd
from domain.video_request import read_video_request
from tests.unit.examples import NOW, a_deployment, a_model_catalog, usd

TODAY = NOW.date()
CATALOG = a_model_catalog(
    fallbacks={"fast": ("slow",)},
    fast=[
        a_deployment(name="cheap", usd_per_second={"*": "0.10"}),
        a_deployment(name="dear", usd_per_second={"1280x720": "0.20", "*": "0.50"}),
        a_deployment(name="short", seconds=[4], usd_per_second={"*": "0.90"}),
        a_deployment(name="gone", retires_on="2020-01-01", usd_per_second={"*": "9"}),
    ],
    slow=[a_deployment(name="other", usd_per_second={"*": "0.30"})],
)


@pytest.mark.parametrize(
    ("asked", "may_fall_back", "price"),
    [
        ({"seconds": "8"}, True, "2.40"),
        ({"seconds": "8"}, False, "1.60"),
        ({"seconds": "8", "size": "720x1280"}, False, "4.00"),
        ({"seconds": "4"}, False, "3.60"),
        ({"model": "slow"}, True, "1.20"),
    ],
)
def test_the_dearest_that_may_render_it_counts(asked: dict[str, Any], may_fall_back: bool, price: str):
    fields = {"prompt": "A fox.", "model": "fast", "size": "1280x720", **asked}
    wanted = read_video_request(fields, CATALOG, may_fall_back=may_fall_back, today=TODAY)
    assert highest_price_usd(wanted, CATALOG, TODAY) == usd(price)
