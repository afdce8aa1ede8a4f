"""Money is exact."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.examples import NOW, a_deployment, a_video, usd

SORA_2_PRO = a_deployment(sizes=["1280x720", "1792x1024"], usd_per_second={"1280x720": "0.30", "1792x1024": "0.50"})


def cost(price: Decimal, rendered_s: int) -> Decimal | None:
    rendering = a_video().submitting("east", NOW, usd_per_second=price).in_progress("job-1", NOW)
    return rendering.copying(NOW, rendered_s=rendered_s).cost_usd


def test_a_render_costs_its_seconds_times_the_price_of_its_size():
    assert cost(SORA_2_PRO.price_per_second("1280x720"), 12) == usd("3.60")
    assert cost(SORA_2_PRO.price_per_second("1792x1024"), 12) == usd("6.00")


@given(st.decimals(0, 100, places=6), st.integers(1, 10_000))
def test_not_a_millionth_is_lost(price: Decimal, seconds: int):
    assert cost(price, seconds) == sum([price] * seconds, Decimal(0))
