"""Money is exact."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from domain.pricing import cost_usd
from tests.unit.examples import a_deployment, usd

SORA_2_PRO = a_deployment(sizes=["1280x720", "1792x1024"], usd_per_second={"1280x720": "0.30", "1792x1024": "0.50"})


def test_a_render_costs_its_seconds_times_the_price_of_its_size():
    assert cost_usd(SORA_2_PRO, size="1280x720", seconds=12) == usd("3.60")
    assert cost_usd(SORA_2_PRO, size="1792x1024", seconds=12) == usd("6.00")


@given(st.decimals(0, 100, places=6), st.integers(1, 10_000))
def test_not_a_millionth_is_lost(price: Decimal, seconds: int):
    deployment = a_deployment(usd_per_second={"*": str(price)})
    assert cost_usd(deployment, size="1280x720", seconds=seconds) == sum([price] * seconds, Decimal(0))
