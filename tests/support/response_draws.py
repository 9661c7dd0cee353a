"""Strategies for responses."""

import math

from hypothesis import strategies as st

from tests.responses.render import Drawn


@st.composite
def draws(draw: st.DrawFn) -> Drawn:
    """Generate draws with unique ids and texts; the chosen token may be outside the list, which may be missing."""
    weights = draw(st.lists(st.integers(1, 1000), max_size=6))
    total = sum(weights) + draw(st.integers(1, 500))
    ids = draw(st.lists(st.integers(0, 10**5), min_size=len(weights) + 1, max_size=len(weights) + 1, unique=True))
    rows = [(token, f" t{token}", math.log(weight / total)) for token, weight in zip(ids, weights, strict=False)]
    outside = (ids[-1], f" t{ids[-1]}", math.log(1 / (2 * total)))
    return Drawn(draw(st.sampled_from([*rows, outside])), draw(st.permutations(rows)))
