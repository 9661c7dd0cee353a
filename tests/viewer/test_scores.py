"""The scores that the page computes from a log equal those of the API."""

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.support.browser import ICON, sign_in
from tests.support.client import Client
from tests.support.documents import (
    action,
    added,
    call,
    forward,
    load_trace,
    make_document,
    number,
    sampled,
    trace_names,
)

READ = """async (id) => {
    const { readTrace } = await import("/viewer/lib/scores.js")
    const { api, requestPath } = await import("/viewer/lib/api.js")
    const { tokens, lowest } = readTrace(await api(requestPath(id)))
    return { tokens: tokens.map(({ pass, list, ...token }) => ({ ...token, pass: pass?.index ?? null })), lowest }
}"""
SAME = {
    "text": "text",
    "rank": "rank",
    "margin": "margin",
    "missing": "missing_mass",
    "confidence": "token_confidence",
    "entropyLower": "entropy_lower",
    "entropyUpper": "entropy_upper",
    "group": "group_confidence",
    "prob": "prob",
    "bound": "prob_upper_bound",
    "surprisal": "surprisal",
    "pass": "step",
}


def check(client: Client, page: Page, document: dict[str, Any]) -> None:
    assert client.ingest(document).status == 201
    request_id = document["request"]["request_id"]
    read = page.evaluate(READ, request_id)
    report = client.get(f"/v1/confidence/{request_id}").json
    assert len(read["tokens"]) == len(report["tokens"])
    for ours, theirs in zip(read["tokens"], report["tokens"], strict=True):
        for name, other in SAME.items():
            wanted = theirs[other]
            if isinstance(wanted, float):
                wanted = pytest.approx(wanted, rel=1e-9, abs=1e-12)
            assert ours[name] == wanted, (request_id, ours["index"], name)
    check_lowest(client, request_id, read["lowest"], report["sequence"]["lowest_group_confidence"])


def check_lowest(client: Client, request_id: str, ours: dict[str, Any] | None, theirs: float | None) -> None:
    """Check the least confident window, or the least confident quarter of a short answer."""
    if ours is None or ours["kind"] == "token":
        assert theirs is None or ours is not None
        return
    report = client.get(f"/v1/confidence/{request_id}?window={ours['size']}").json
    assert ours["confidence"] == pytest.approx(report["sequence"]["lowest_group_confidence"], rel=1e-9)
    assert (ours["kind"] == "window") == (ours["size"] == 32)


def test_each_score_of_a_recorded_trace_is_equal(client: Client, page: Page) -> None:
    sign_in(page, client.key, ICON)
    for name in trace_names():
        check(client, page, load_trace(name))


def test_masked_repeated_unsorted_unlisted_and_bounded_tokens_are_equal(client: Client, page: Page) -> None:
    masked = [{"token": 5, "logprob": -0.5}, {"token": 6, "logprob": None}, {"token": 7, "logprob": -2000.0}]
    unsorted = [{"token": 6, "logprob": -1.5}, {"token": 5, "logprob": -0.5}, {"token": 6, "logprob": -3.0}]
    tied = [{"token": token, "logprob": -1.5, "token_str": str(token)} for token in (5, 6, 7)]
    texts = [{"logprob": -0.7, "token_str": "five"}, {"prob": 0.2, "token_str": "six"}]
    events: list[dict[str, Any]] = []
    for top in (masked, unsorted, tied, texts, [{"token": 9, "prob": 0.0}], None):
        events += [forward(top) if top else {"event_type": "ForwardPass"}, sampled(5, "five"), added(5)]
    adjusted = [action("AdjustedLogits", logits_shape=[1, 1000])]
    sign_in(page, client.key, ICON)
    check(client, page, make_document("odd", number(events), mod_calls=[call(1)], actions=adjusted))
