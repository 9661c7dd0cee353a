"""Features over HTTP: the tokens and timelines that the SAE server gets, and the answers to the caller."""

from typing import Any

import pytest

from tests.http.playground.conftest import TIMELINE, Playground


def test_features_are_extracted(playground: Playground) -> None:
    key = playground.make_key()
    entry = {"position": 1, "token": 6, "token_str": "b"}
    features = [{"id": 1, "activation": 1}, {"id": 2, "activation": 2.5, "more": 1}, {"id": 3}, {"activation": 1}, None]
    broken: list[Any] = [{**TIMELINE[0], name: None} for name in TIMELINE[0]] + [
        {},
        None,
        {**TIMELINE[0], "position": True},
    ]
    whole = {**entry, "top_features": [{"id": 2, "activation": 2.5}, {"id": 1, "activation": 1}]}
    given = {**entry, "top_features": features, "x": 1}
    playground.sae.scripts["/extract_features"] = {
        "feature_timeline": [TIMELINE[0], *broken, given],
        "comparisons": [
            {"position": 1, "before": TIMELINE[0], "injection": given, "after": None},
            {"position": 2, "injection": None},
            {"injection": given},
            7,
        ],
        "trace": "/srv",
    }
    answer = playground.extract(key, top_k=20, layer=16, injection_positions=[1])
    assert answer.status == 200
    comparison = {"position": 1, "before": TIMELINE[0], "injection": whole}
    assert answer.json == {"feature_timeline": [TIMELINE[0], whole], "comparisons": [comparison]}
    (call,) = playground.sae.calls
    assert call.body == {"tokens": [5, 6], "top_k": 20, "layer": 16, "injection_positions": [1]}
    assert "x-user-api-key" not in call.headers


def test_absent_fields_of_features_are_not_sent(playground: Playground) -> None:
    key = playground.make_key()
    assert playground.extract(key, top_k=None, layer=None, injection_positions=None).json == {
        "feature_timeline": TIMELINE
    }
    assert playground.sae.calls[-1].body == {"tokens": [5, 6]}
    assert playground.analyze(key, layer=None, context=None, injection_positions=None).status == 200
    assert playground.sae.calls[-1].body == {"feature_timeline": TIMELINE}


def test_features_are_analyzed(playground: Playground) -> None:
    feature: dict[str, Any] = {"id": 7, "activation": 1.5, "description": "letters"}
    playground.sae.scripts["/analyze_features"] = {
        "analysis": "It is about a.",
        "top_features": [{**feature, "x": 1}, {**feature, "description": None}, {"id": 1, "description": "x"}],
    }
    answer = playground.analyze(playground.make_key(), layer=16, context="A log. 😀", injection_positions=[0])
    assert answer.json == {"analysis": "It is about a.", "top_features": [feature]}
    (call,) = playground.sae.calls
    expected = {"feature_timeline": TIMELINE, "layer": 16, "context": "A log. 😀", "injection_positions": [0]}
    assert call.body == expected


def test_a_long_timeline_is_analyzed_and_a_huge_one_refused(playground: Playground) -> None:
    key = playground.make_key()
    features = [{"id": 10_000 + number, "activation": number / 7} for number in range(20)]
    timeline = [{"position": n, "token": n, "token_str": "a", "top_features": features} for n in range(1500)]
    assert playground.analyze(key, feature_timeline=timeline).status == 200
    assert len(playground.sae.calls[0].body["feature_timeline"]) == 1500
    refused = playground.analyze(key, feature_timeline=[{**timeline[0], "token_str": "a" * 8 * 1024**2}])
    assert (refused.status, refused.json["message"].partition(":")[0]) == (400, "feature_timeline")
    assert len(playground.sae.calls) == 1


@pytest.mark.parametrize(
    ("route", "fields"),
    [
        ("extract", {"model": "qwen-14b"}),
        ("analyze", {"model": "qwen-14b"}),
        ("extract", {"tokens": []}),
        ("extract", {"tokens": [-1]}),
        ("extract", {"tokens": [0] * 4097}),
        ("extract", {"tokens": ["1"]}),
        ("extract", {"top_k": 0}),
        ("extract", {"top_k": 201}),
        ("extract", {"layer": -1}),
        ("analyze", {"layer": 256}),
        ("extract", {"injection_positions": [1.5]}),
        ("analyze", {"feature_timeline": []}),
        ("analyze", {"feature_timeline": [{"position": 1}]}),
        ("analyze", {"feature_timeline": "x"}),
        ("analyze", {"context": 5}),
    ],
)
def test_features_that_are_not_valid_are_refused(playground: Playground, route: str, fields: dict[str, Any]) -> None:
    call = playground.extract if route == "extract" else playground.analyze
    answer = call(playground.make_key(), **fields)
    assert answer.status == 400
    assert answer.json["message"].startswith(next(iter(fields)))
    assert playground.sae.calls == []
