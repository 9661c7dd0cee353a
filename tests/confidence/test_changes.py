"""Changes of the served model: the permutation test, against an independent implementation and in a simulation."""

import itertools
import math
import random
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.statistics import changes
from core.statistics.changes import Changes, detect_change
from core.statistics.store import FirstListRow
from tests.confidence.builders import moderate

BATCH_NOISE = 0.085
"""Standard deviation of a logprob, in nats. The median of the largest difference between two lists of 20 is then 0.26
nats, as measured in two runs of one model."""


def make_rows(
    seed: int, *, prompts: int, before: int, after: int, shift: float = 0.0, vocabulary: int = 40, k: int = 20
) -> Iterator[FirstListRow]:
    """Draw requests whose lists differ by batch noise, and by a shift of every logit after the baseline."""
    noise = np.random.default_rng(seed)
    ids = itertools.count(1)
    for prompt in range(prompts):
        logits = -noise.exponential(3.0, vocabulary)
        moved = logits + noise.normal(0.0, shift, vocabulary) if shift else logits
        for is_baseline in [True] * before + [False] * after:
            drawn = (logits if is_baseline else moved) + noise.normal(0.0, BATCH_NOISE, vocabulary)
            logprobs = drawn - math.log(np.exp(drawn).sum())
            top = np.argsort(-logprobs)[:k]
            yield FirstListRow(next(ids), is_baseline, "m", prompt, top.tolist(), logprobs[top].tolist())


def count_alarms(draws: int, level: float, **layout: float) -> int:
    found = [detect_change([*make_rows(seed, **layout)]).pvalue for seed in range(draws)]  # pyrefly: ignore
    assert None not in found
    return sum(pvalue <= level for pvalue in found if pvalue is not None)


@pytest.fixture
def few_permutations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enough for a level of 5 %, so that a simulation is quick."""
    monkeypatch.setattr(changes, "PERMUTATIONS", 199)


@pytest.mark.usefixtures("few_permutations")
@pytest.mark.parametrize(
    "layout",
    [
        {"prompts": 5, "before": 3, "after": 2},
        {"prompts": 20, "before": 4, "after": 1},
        {"prompts": 1, "before": 10, "after": 5},
        {"prompts": 8, "before": 4, "after": 4, "k": 3},
    ],
)
def test_batch_noise_raises_at_most_five_percent_false_alarms(layout: dict[str, float]) -> None:
    # 600 draws at 5 %: 30 alarms expected, and at most 46 with a probability of 99.8 %.
    assert count_alarms(600, 0.05, **layout) <= 46


@pytest.mark.usefixtures("few_permutations")
def test_a_changed_model_is_detected() -> None:
    layout = {"prompts": 10, "before": 5, "after": 5}
    assert count_alarms(100, 0.05, shift=BATCH_NOISE, **layout) >= 95
    assert count_alarms(100, 0.05, shift=BATCH_NOISE / 2, **layout) >= 60
    assert count_alarms(100, 0.05, prompts=20, before=4, after=1, shift=2 * BATCH_NOISE) >= 95


def make_row(number: int, logprobs: dict[int, float], *, baseline: bool, prompt: int = 1) -> FirstListRow:
    return FirstListRow(number, baseline, None, prompt, [*logprobs], [*logprobs.values()])


def measure_slowly(rows: list[tuple[bool, dict[int, float]]]) -> float:
    """Compute the statistic of one prompt as the paper's authors define it, with plain loops."""
    seen = {token for _, logprobs in rows for token in logprobs}
    differences = []
    for token in seen:
        sides = [
            [logprobs.get(token, min(logprobs.values())) for side, logprobs in rows if side == is_baseline]
            for is_baseline in (True, False)
        ]
        one, other = (math.fsum(values) / len(values) for values in sides)
        differences.append(abs(one - other))
    return math.fsum(differences) / len(differences)


lists = st.dictionaries(st.integers(0, 5), st.floats(-20, 0), min_size=2, max_size=2)


@moderate
@given(st.lists(lists, min_size=2, max_size=4), st.lists(lists, min_size=1, max_size=3), st.randoms())
@example([{0: -1e-10, 1: 0.0}, {0: -3e-11, 1: 0.0}], [{0: 0.0, 1: 0.0}], random.Random(0))
def test_statistic_and_pvalue_equal_those_of_all_relabelings(
    before: list[dict[int, float]], after: list[dict[int, float]], shuffler: random.Random
) -> None:
    labelled = [(True, one) for one in before] + [(False, one) for one in after]
    rows = [make_row(i, logprobs, baseline=side) for i, (side, logprobs) in enumerate(labelled)]
    found = detect_change(rows)
    observed = measure_slowly(labelled)
    assert found.statistic == pytest.approx(observed, abs=1e-9)
    shuffler.shuffle(rows)
    assert detect_change(rows) == found
    _, sampled = changes._permute([table for table in map(changes._tabulate, changes._group(rows)) if table])
    every = [
        measure_slowly([(i in chosen, logprobs) for i, (_, logprobs) in enumerate(labelled)])
        for chosen in itertools.combinations(range(len(labelled)), len(before))
    ]
    # Relative, as in the product: an absolute tolerance would count every relabeling of tiny differences.
    exact = sum(one >= observed * (1 - changes.NOISE) for one in every) / len(every)
    assert sampled == pytest.approx(exact, abs=0.06)


def test_a_server_that_repeats_itself_exactly_has_not_changed_until_it_does() -> None:
    first, second = {1: -0.5, 2: -1.5}, {1: -0.5001, 2: -1.5}
    same = [make_row(i, first, baseline=i < 8) for i in range(12)]
    assert (detect_change(same).statistic, detect_change(same).pvalue) == (0.0, 1.0)
    moved = [make_row(i, first if i < 8 else second, baseline=i < 8) for i in range(12)]
    found = detect_change(moved)
    assert found.statistic == pytest.approx(0.00005)
    assert found.pvalue is not None
    assert found.pvalue < 0.01
    assert "has changed" in found.message


def test_too_few_requests_give_no_pvalue() -> None:
    empty = Changes(prompts=0, statistic=None, pvalue=None, message=detect_change([]).message)
    assert detect_change([]) == empty
    once = [make_row(1, {1: -1.0}, baseline=True), make_row(2, {1: -1.0}, baseline=False)]
    assert detect_change(once) == empty
    assert "no prompt has 2 requests" in empty.message
    few = detect_change([*make_rows(1, prompts=2, before=2, after=2)])
    assert (few.prompts, few.pvalue) == (2, None)
    assert few.statistic is not None
    assert "8 requests of 2 prompts are too few" in few.message
    assert detect_change([*make_rows(1, prompts=5, before=2, after=1)]).pvalue is not None


def test_lists_of_another_length_and_model_are_other_prompts() -> None:
    rows = [*make_rows(1, prompts=1, before=9, after=3)]
    shorter = [row._replace(tokens=row.tokens[:5], logprobs=row.logprobs[:5]) for row in rows if not row.is_baseline]
    other = [row._replace(model="n") for row in rows if not row.is_baseline]
    assert detect_change([*rows, *shorter, *other]) == detect_change(rows)
