"""Strategies for top-k lists and traces, regular and irregular."""

import json
import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from core.confidence import (
    ListTable,
    decode_distribution,
    decode_lists,
)

logs = st.floats(-12.0, 0.0) | st.sampled_from([-0.0, -1.0, -745.2, -760.0, -999.0]) | st.floats(-999.0, -0.0)
roundings = st.sampled_from(["none", "float32", "3 digits", "above 1"])


@st.composite
def regular_lists(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Generate a list as engines send it: rounded probabilities with ties that sum to 1 or slightly more."""
    raw = draw(st.lists(logs, min_size=1, max_size=8))
    total = max(0.0, math.log(math.fsum(map(math.exp, raw)) or 1.0))
    rounding = draw(roundings)
    shift = total - (9e-7 if rounding == "above 1" else 0.0)
    logprobs = sorted((max(-999.0, min(log - shift, 0.0)) for log in raw), reverse=True)
    if rounding == "float32":
        logprobs = [float(np.float32(logprob)) for logprob in logprobs]
    if rounding == "3 digits":
        logprobs = [round(logprob, 3) for logprob in logprobs]
    tokens = draw(st.lists(st.integers(0, 9) | st.just(2**31 - 1), min_size=len(raw), max_size=len(raw), unique=True))
    name = draw(st.sampled_from(["token_str", "text", "neither"]))
    named = {} if name == "neither" else {name: draw(st.sampled_from(["a", "b", None]))}
    return [{"token": token, "logprob": log, **named} for token, log in zip(tokens, logprobs, strict=True)]


@st.composite
def tables(draw: st.DrawFn) -> ListTable:
    drawn = draw(st.lists(regular_lists(), max_size=6))
    texts = [json.dumps(entries).encode() for entries in drawn]
    table = decode_lists([text for text in texts if decode_distribution(text)])  # rounding may have exceeded the limit
    assert table is not None
    return table
