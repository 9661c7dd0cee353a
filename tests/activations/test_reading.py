"""Stored runs: their list with its cursor and filters, and the rows and statistics of one."""

from typing import Any

import pytest

from tests.activations.conftest import SUMMARY, TOKENS, Place
from tests.support.hf_server import PROMPT_IDS, make_timeline


def test_runs_are_listed_newest_first_without_gaps_and_repeats(place: Place) -> None:
    ids = [place.run(request_id=f"run-{number}")["request_id"] for number in range(7)]
    # Equal times are ordered by the id.
    place.sql.execute("update activation_runs set created_at = '2026-01-02T03:04:05.678901Z' where id % 3 > 0")
    rows = place.sql.execute(
        "select request_id from activation_runs order by created_at desc, request_id desc"
    ).fetchall()
    seen: list[str] = []
    cursor, pages = "", 0
    while pages == 0 or cursor:
        page = place.read(f"/runs?limit=2&cursor={cursor}")
        seen += [one["request_id"] for one in page["items"]]
        cursor, pages = page["next_cursor"] or "", pages + 1
        assert all(set(one) == SUMMARY for one in page["items"])
        if pages == 1:
            place.run(request_id="later")  # a run that arrives in the meantime is not in older pages
    assert seen == [row[0] for row in rows]
    assert (set(seen), pages) == (set(ids), 4)
    page = place.read("/runs?limit=200")
    assert (len(page["items"]), page["next_cursor"]) == (8, None)
    moment, _, last = place.read("/runs?limit=1")["next_cursor"].partition("|")
    assert (moment[-1], last) == ("Z", "later")
    with_offset = moment.replace("Z", "+00:00")
    assert place.read(f"/runs?cursor={with_offset}|{last}")["items"] == page["items"][1:]


def test_runs_are_filtered(place: Place) -> None:
    place.run(model_id="a", request_id="one")
    place.run(model_id="b", inline_sae=False, request_id="two")
    place.hf.change = lambda answer: {**answer, "output_text": None}
    assert place.ask("POST", "/run", prompt="x", request_id="three").status == 502

    def select(query: str) -> list[str]:
        return [one["request_id"] for one in place.read(f"/runs?{query}")["items"]]

    assert select("") == ["three", "two", "one"]
    assert select("status=ok") == ["two", "one"]
    assert select("status=error") == ["three"]
    assert select("model_id=a") == ["one"]
    assert select("sae_enabled=false") == ["two"]
    assert select("status=ok&sae_enabled=true&limit=1") == ["one"]
    assert select("limit=0") == ["three"]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("status=done", "status"),
        ("cursor=x", "cursor"),
        ("cursor=2026-01-01T00:00:00Z", "cursor"),
        ("cursor=2026-01-01T00:00:00Z|%00", "cursor"),
        ("cursor=%7Cx", "cursor"),
        ("limit=x", "limit"),
        ("offset=3", "offset"),
        ("sae_enabled=maybe", "sae_enabled"),
    ],
)
def test_wrong_parameters_are_named(place: Place, query: str, named: str) -> None:
    assert place.fail(f"/runs?{query}", 400, "INVALID_ARGUMENT")["message"].removeprefix("query.").startswith(named)


def test_rows_are_ordered_and_filtered(place: Place) -> None:
    run = f"/{place.run()['request_id']}"
    rows = place.read(f"{run}/rows")["rows"]
    timeline = make_timeline(TOKENS, 20)
    expected = [
        {
            "step": 0,
            "token_position": one["position"],
            "feature_id": feature["id"],
            "activation_value": feature["activation"],
            "rank": rank,
            "token_id": one["token"],
        }
        for one in timeline
        for rank, feature in enumerate(one["top_features"], 1)
    ]
    assert rows == expected

    def select(query: str) -> list[Any]:
        answer = place.read(f"{run}/rows?{query}")
        assert answer["row_count"] == len(answer["rows"])
        return answer["rows"]

    assert select("feature_id=7") == [row for row in rows if row["feature_id"] == 7]
    assert select("token_start=2&token_end=4") == [row for row in rows if 2 <= row["token_position"] <= 4]
    assert select("token_start=5&token_end=4") == []
    assert select("rank_max=2&sae_layer=3") == [row for row in rows if row["rank"] <= 2]
    assert select("limit=3") == rows[:3]
    assert select("limit=0") == rows[:1]
    assert select("feature_id=424242") == []


def test_top_features_are_by_maximum_then_hits_then_id(place: Place) -> None:
    def entry(position: int, *features: tuple[int, float]) -> dict[str, Any]:
        tops = [{"id": number, "activation": activation} for number, activation in features]
        return {"position": position, "token": 1, "token_str": "", "top_features": tops}

    timeline = [entry(1, (5, 2.0), (9, 1.0)), entry(0, (9, 3.0), (4, 2.0)), entry(2, (4, 1.5), (3, 2.0), (3, 0.5))]
    place.hf.change = lambda answer: {**answer, "feature_timeline": timeline}
    run = f"/{place.run()['request_id']}"
    items = place.read(f"{run}/top-features")["items"]
    assert items == [
        {"feature_id": 9, "max_activation": 3.0, "hits": 2},
        {"feature_id": 4, "max_activation": 2.0, "hits": 2},
        {"feature_id": 3, "max_activation": 2.0, "hits": 1},
        {"feature_id": 5, "max_activation": 2.0, "hits": 1},
    ]
    assert place.read(f"{run}/top-features?n=2&sae_layer=1")["items"] == items[:2]
    assert place.read(f"{run}/top-features?n=0")["items"] == items[:1]
    positions = [row["token_position"] for row in place.read(f"{run}/rows")["rows"]]
    assert positions == sorted(positions)


def test_deltas_follow_one_feature(place: Place) -> None:
    run = f"/{place.run()['request_id']}"
    deltas = place.read(f"{run}/feature-deltas?feature_id=7")
    doubt = len(PROMPT_IDS)
    assert deltas == {
        "request_id": run[1:],
        "feature_id": 7,
        "rows": [
            {"step": 0, "token_position": doubt, "activation_value": 3.5, "delta": None, "token_id": 11},
            {"step": 0, "token_position": doubt + 2, "activation_value": 3.5, "delta": 0.0, "token_id": 13},
        ],
    }
    assert [row["delta"] for row in place.read(f"{run}/feature-deltas?feature_id=1&limit=3")["rows"]] == [None, 1, 1]
    assert place.read(f"{run}/feature-deltas?feature_id=55")["rows"] == []
    assert "feature_id" in place.fail(f"{run}/feature-deltas", 400, "INVALID_ARGUMENT")["message"]


def test_incomplete_entries_are_left_out(place: Place) -> None:
    good = make_timeline([1], 1)[0]
    wrong: list[Any] = [None, 5, [], {}, {**good, "position": "1"}, {**good, "position": True}, {**good, "token": None}]
    wrong += [{**good, "top_features": None}, {**good, "token_str": 5}]
    wrong += [{**good, "position": position} for position in (2**80, -1)]
    broken: list[Any] = [{"id": 1}, {"activation": 2}, None, {"id": "x"}, {"id": -1, "activation": 2}]
    half = {**good, "position": 8, "top_features": [*good["top_features"], *broken]}
    place.hf.change = lambda answer: {**answer, "feature_timeline": [*wrong, good, {**good, "token": 7}, half]}
    rows = place.read(f"/{place.run()['request_id']}/rows")["rows"]
    assert [(row["token_position"], row["feature_id"], row["token_id"]) for row in rows] == [(0, 1, 1), (8, 1, 1)]
