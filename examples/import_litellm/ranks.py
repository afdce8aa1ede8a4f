"""Who of a model's deployments comes first, and how they share the work."""

import math
from collections.abc import Sequence
from fractions import Fraction

from examples.import_litellm.report import Report
from examples.import_litellm.source import Params


def priorities(deployments: Sequence[Params]) -> list[int]:
    """LiteLLM's `order`, from 1 and without gaps; whoever has none, and whoever has no weight, comes after the rest."""
    keys = [(params.weight == 0, params.order is None, params.order or 0) for params in deployments]
    return [1 + sorted(set(keys)).index(key) for key in keys]


def weights(deployments: Sequence[Params], paths: Sequence[str], report: Report) -> list[int]:
    """LiteLLM's `weight` in the smallest whole numbers of the same proportions."""
    for params, path in zip(deployments, paths, strict=True):
        if params.weight == 0:
            report.decide(f"{path}.litellm_params.weight", "is 0: it is used when no other deployment has room")
        if params.weight is None and any(other.weight for other in deployments):
            report.decide(f"{path}.litellm_params.weight", "there is none beside deployments that have one: 1 is taken")
    shares = [Fraction(params.weight or 1) for params in deployments]
    scale = math.lcm(*(share.denominator for share in shares))
    divisor = math.gcd(*(int(share * scale) for share in shares))
    return [int(share * scale) // divisor for share in shares]
