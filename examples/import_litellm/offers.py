"""What a deployment renders, and what a second of it costs: stated, or else as known of Sora."""

import re
from decimal import Decimal
from typing import Any, Final, NamedTuple

from examples.import_litellm.report import Report
from examples.import_litellm.source import ModelInfo, Params

_PORTRAIT_AND_LANDSCAPE: Final = ("720x1280", "1280x720")
_LARGE: Final = ("1024x1792", "1792x1024")


class Known(NamedTuple):
    """A model whose list price is known, in USD a second."""

    sizes: tuple[str, ...]
    prices: dict[str, str]


_SORA: Final = {
    "sora-2-pro": Known((*_PORTRAIT_AND_LANDSCAPE, *_LARGE), {"*": "0.30", "1024x1792": "0.50", "1792x1024": "0.50"}),
    "sora-2": Known(_PORTRAIT_AND_LANDSCAPE, {"*": "0.10"}),
}


def offer(names: tuple[str | None, ...], params: Params, info: ModelInfo, path: str, report: Report) -> dict[str, Any]:
    """The `sizes`, if not the usual ones, and `usd_per_second` of a deployment.

    Args:
        names: What the model is called, the surest first.
        params: May hold a price.
        info: May hold a price and sizes.
        path: Of the entry.
        report: Told what is assumed.
    """
    known = next((sora for name in names for key, sora in _SORA.items() if name and key in name.lower()), None)
    sizes = info.supported_resolutions or (known.sizes if known else ())
    if any(not re.fullmatch(r"\d{2,5}x\d{2,5}", size) for size in sizes):
        report.lose(f"{path}.model_info.supported_resolutions", "these are not WIDTHxHEIGHT in pixels")
        sizes = known.sizes if known else ()
    stated = _stated_price(params, info)
    report_sizes = {"sizes": list(sizes)} if sizes and sizes != _PORTRAIT_AND_LANDSCAPE else {}
    return report_sizes | {"usd_per_second": _prices(stated, known, path, report)}


def _prices(stated: Decimal | None, known: Known | None, path: str, report: Report) -> dict[str, str]:
    place = f"{path}.model_info.output_cost_per_video_per_second"
    if stated is not None:
        if known and len(known.prices) > 1:
            report.decide(place, "one price for all sizes; add those of the large ones to usd_per_second")
        return {"*": format(stated, "f")}
    if known:
        report.decide(place, f"there is no price; Sora's list price is taken, {known.prices['*']} USD: check it")
        return dict(known.prices)
    report.decide(place, "there is no price; 0 is taken, so its videos look free: set usd_per_second")
    return {"*": "0"}


def _stated_price(params: Params, info: ModelInfo) -> Decimal | None:
    prices = (
        params.output_cost_per_video_per_second,
        info.output_cost_per_video_per_second,
        params.output_cost_per_second,
        info.output_cost_per_second,
    )
    return next((price for price in prices if price is not None), None)
