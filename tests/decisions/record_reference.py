"""Record reference.json: the values of reference implementations for the tests in this folder.

Run in an environment of its own. lm-polygraph and deepconf depend on torch and vLLM, which these functions don't use:

    pip install --no-deps lm-polygraph==0.7.0 deepconf==0.1.0
    pip install numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1
    python tests/decisions/record_reference.py > tests/decisions/reference.json
"""

import importlib.metadata
import importlib.util
import itertools
import json
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

SEED = 18
CONFIDENCES = (0.9, 0.95, 0.99)


def skip_init(package: str) -> None:
    """Make the modules of a package importable without its __init__, which would import torch or vLLM."""
    spec = importlib.util.find_spec(package)
    module = types.ModuleType(package)
    module.__path__ = list(spec.submodule_search_locations)
    sys.modules[package] = module


for name in ("lm_polygraph", "lm_polygraph.ue_metrics", "deepconf"):
    skip_init(name)

from deepconf.utils import filter_top_confidence  # noqa: E402
from lm_polygraph.ue_metrics.ece import ECE  # noqa: E402
from lm_polygraph.ue_metrics.pred_rej_area import PredictionRejectionArea  # noqa: E402
from lm_polygraph.ue_metrics.risk_cov_curve import RiskCoverageCurveAUC  # noqa: E402
from lm_polygraph.ue_metrics.roc_auc import ROCAUC  # noqa: E402
from lm_polygraph.ue_metrics.ue_metric import normalize_metric  # noqa: E402
from scipy.stats import beta  # noqa: E402
from sklearn.metrics import brier_score_loss  # noqa: E402

Metric = Callable[[Sequence[float], Sequence[float]], float]


def make_labels(generator: np.random.Generator, n: int, digits: int) -> tuple[list[float], list[int]]:
    """Make scores in 0…1, rounded so that few digits give ties, and outcomes that they predict more or less."""
    scores = generator.beta(2, 1.5, n).round(digits)
    return scores.tolist(), (generator.random(n) < scores**2).astype(int).tolist()


def order_ties(scores: Sequence[float]) -> Iterator[list[float]]:
    """Yield the ranks of labels by certainty, for every order of the labels with the same score."""
    groups = [[i for i, score in enumerate(scores) if score == one] for one in sorted(set(scores), reverse=True)]
    for order in itertools.product(*map(itertools.permutations, groups)):
        ranks = [0.0] * len(scores)
        for rank, index in enumerate(itertools.chain.from_iterable(order)):
            ranks[index] = float(rank)
        yield ranks


def average(metric: Metric, scores: Sequence[float], right: Sequence[int]) -> float:
    """Average a metric that depends on the order of ties over all of them. lm-polygraph takes uncertainties."""
    return float(np.mean([metric(ranks, right) for ranks in order_ties(scores)]))


def measure(scores: list[float], right: list[int]) -> dict[str, Any]:
    uncertainty = [-score for score in scores]
    area = PredictionRejectionArea(max_rejection=1.0)
    best, chance = float(area([-one for one in right], right)), float(np.mean(right))
    bins = {str(n): float(ECE(n_bins=n)(uncertainty, right)) for n in (5, 10, 15)}
    return {
        "scores": scores,
        "right": right,
        "aurc": average(RiskCoverageCurveAUC(), scores, right),
        "prr": float(normalize_metric(average(area, scores, right), best, chance)),
        "auroc": float(ROCAUC()(np.array(scores), right)),
        "brier": float(brier_score_loss(right, scores)),
        "ece": bins,
    }


def bound(n: int) -> list[dict[str, Any]]:
    wrong = sorted({0, 1, n // 10, n // 3, n - 1, n} & set(range(n + 1)))
    return [
        {
            "n": n,
            "wrong": one,
            "confidence": level,
            "bound": 1.0 if one == n else float(beta.ppf(level, one + 1, n - one)),
        }
        for one in wrong
        for level in CONFIDENCES
    ]


def warm_up(values: list[float], keep: float) -> dict[str, Any]:
    traces = [{"confs": [value]} for value in values]
    kept = [trace["confs"][0] for trace in filter_top_confidence(traces, "min_window", keep)]
    return {"values": values, "keep": keep, "threshold": float(np.percentile(values, (1 - keep) * 100)), "kept": kept}


def main() -> None:
    generator = np.random.default_rng(SEED)
    shapes = [(500, 12), (60, 12), (9, 1), (8, 1), (7, 1), (2, 12)]
    cases = [make_labels(generator, n, digits) for n, digits in shapes]
    cases = [case if len(set(case[1])) == 2 else (case[0], [0, *[1] * (len(case[1]) - 1)]) for case in cases]
    document = {
        "versions": {
            one: importlib.metadata.version(one) for one in ("lm-polygraph", "scikit-learn", "scipy", "deepconf")
        },
        "labels": [measure(*case) for case in cases],
        "bounds": [one for n in (1, 14, 50, 333) for one in bound(n)],
        "warm_up": [warm_up(generator.gamma(9, 1, n).tolist(), keep) for n in (1, 16, 101) for keep in (0.1, 0.9)],
    }
    sys.stdout.write(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
