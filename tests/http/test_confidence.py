"""GET /v1/confidence/…: the report of one request, and statistics over many."""

import math
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from scipy import stats

from tests.support.approximate import near
from tests.support.client import Client, send
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
from tests.support.keys import ADMIN_KEY
from tests.support.posts import post_probs

NOISY = load_trace("noisy-logger")
DAY = datetime(2026, 3, 1, tzinfo=UTC)
PARTS = {"request_id", "k", "logprobs_mode", "alignment", "warnings", "sequence", "tokens", "interventions"}
PARTS |= {"p_correct", "calibrator"}
TOKEN_FIELDS = (
    "index step sequence_order token text forced forced_by discarded prob logprob surprisal cum_nll prob_upper_bound "
    "rank entropy entropy_lower entropy_upper missing_mass truncated unreliable negentropy flatness margin "
    "selected_margin logprob_gap varentropy token_confidence k top_p_count top_p_cutoff group_confidence"
)
SEQUENCE_FIELDS = (
    "sequence_confidence sequence_confidence_is_bound perplexity sequence_nll min_token_probability min_token_index "
    "mean_token_entropy mean_token_negentropy min_token_negentropy probability_margin mean_confidence tail_confidence "
    "lowest_group_confidence bottom_10pct_group_confidence window low_confidence_fraction coverage"
)


@pytest.mark.parametrize("name", trace_names())
def test_each_recorded_trace_has_exact_alignment(client: Client, name: str) -> None:
    document = load_trace(name)
    client.ingest(document)
    answer = client.get(f"/v1/confidence/{document['request']['request_id']}")
    assert answer.status == 200
    report = answer.json
    assert set(report) == PARTS
    assert (report["alignment"], report["warnings"]) == ("exact", [])
    assert (report["k"], report["logprobs_mode"]) == (20, "raw_logprobs")
    assert set(report["sequence"]) == set(SEQUENCE_FIELDS.split())
    for token in report["tokens"]:
        assert set(TOKEN_FIELDS.split()) <= set(token)


def test_a_text_that_differs_from_the_final_text_is_partial(client: Client) -> None:
    document = load_trace("plain-capital")
    document["request"]["final_token_ids"][3] += 1
    client.ingest(document)
    report = client.get("/v1/confidence/smollm2-plain-capital").json
    assert (report["alignment"], report["warnings"]) == (
        "partial",
        ["alignment: 59 of 60 tokens agree with final_token_ids"],
    )


def test_alignment_is_null_without_a_final_text(client: Client) -> None:
    post_probs(client, "no-final", [0.5])
    assert client.get("/v1/confidence/no-final").json["alignment"] is None


def test_the_size_of_the_vocabulary_comes_from_adjusted_logits(client: Client) -> None:
    client.ingest(load_trace("ban-the"))
    tokens = client.get("/v1/confidence/smollm2-ban-the").json["tokens"]
    assert all(token["entropy_lower"] <= token["entropy_upper"] for token in tokens)
    client.ingest(load_trace("plain-capital"))
    assert client.get("/v1/confidence/smollm2-plain-capital").json["tokens"][0]["entropy_upper"] is None


def test_the_window_is_a_parameter(client: Client) -> None:
    client.ingest(load_trace("plain-capital"))
    path = "/v1/confidence/smollm2-plain-capital"
    report = client.get(f"{path}?window=8").json
    groups = [token["group_confidence"] for token in report["tokens"]]
    assert [group is None for group in groups] == [True] * 7 + [False] * 53
    assert report["sequence"]["lowest_group_confidence"] == min(groups[7:])
    assert client.get(f"{path}?window=0").status == 400
    assert client.get("/v1/confidence/nobody").status == 404


def test_the_log_and_the_report_have_the_same_scores(client: Client) -> None:
    client.ingest(load_trace("force-prefix"))
    report = client.get("/v1/confidence/smollm2-force-prefix").json
    steps = client.log("smollm2-force-prefix")["steps"]
    for name in ("token", "prob", "logprob", "entropy", "flatness", "surprisal", "cum_nll", "forced_by", "discarded"):
        assert [token[name] for token in report["tokens"]] == [near(step[name]) for step in steps]


def test_a_summary_groups_and_interpolates(client: Client) -> None:
    for index, prob in enumerate([0.6, 0.7, 0.8, 0.9]):
        post_probs(client, f"a{index}", [prob], model="a", created_at=index)
    post_probs(client, "b", [0.5, 0.5, 0.5], model="b", created_at=10)
    client.ingest(make_document("empty", request={"model": "c", "created_at": 11}))
    first, second, third = client.get("/v1/confidence/summary?group_by=model").json["groups"]
    assert (first["key"], first["n"]) == ("a", 4)
    spread = first["sequence_confidence"]
    assert spread["mean"] == pytest.approx(0.75)
    assert (spread["p25"], spread["p50"]) == (pytest.approx(0.675), pytest.approx(0.75))
    assert spread["p5"] == pytest.approx(0.615)
    expected = math.exp(-sum(map(math.log, [0.6, 0.7, 0.8, 0.9])) / 4)
    assert first["perplexity"] == pytest.approx(expected)
    assert second["perplexity"] == pytest.approx(2)
    assert second["coverage"]["sampled"] == 3
    assert (third["n"], third["perplexity"], third["sequence_confidence"]["p50"]) == (1, None, None)
    assert third["forced_rate"] is None


def test_a_summary_counts_interventions_of_mods(client: Client) -> None:
    client.ingest(load_trace("backtrack"))
    client.ingest(load_trace("plain-capital"))
    groups = {group["key"]: group for group in client.get("/v1/confidence/summary?group_by=mod").json["groups"]}
    assert set(groups) == {"backtrack_sorry", None}
    assert groups["backtrack_sorry"]["intervention_rate"] == groups["backtrack_sorry"]["backtrack_rate"] == 1
    assert groups["backtrack_sorry"]["forced_rate"] == pytest.approx(16 / 86)
    assert groups[None]["intervention_rate"] == groups[None]["forced_rate"] == 0


@pytest.mark.parametrize(
    ("group_by", "keys"),
    [
        ("hour", ["2026-03-01T00:00:00Z", "2026-03-01T01:00:00Z", "2026-03-02T00:00:00Z"]),
        ("day", ["2026-03-01", "2026-03-02"]),
        ("user", ["an…", "bo…", None]),
    ],
)
def test_a_summary_groups_by_time_and_user(client: Client, group_by: str, keys: list[str | None]) -> None:
    moments = [DAY, DAY + timedelta(hours=1, minutes=59), DAY + timedelta(days=1)]
    for index, (moment, user) in enumerate(zip(moments, ["ann", "bob", None], strict=True)):
        post_probs(client, f"r{index}", [0.5], created_at=moment.isoformat(), user_api_key=user)
    groups = client.get(f"/v1/confidence/summary?group_by={group_by}").json["groups"]
    shown = [
        group["key"] and group["key"].partition("#")[0] if group_by == "user" else group["key"] for group in groups
    ]
    assert shown == keys


def test_days_and_hours_are_those_of_the_time_zone(client: Client) -> None:
    # 31 March: 00:30 in Kolkata. 25 October: the hour that Berlin repeats.
    for place, created in enumerate(("2026-03-30T19:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z")):
        assert client.ingest(make_document(f"r{place}", request={"created_at": created})).status == 201

    def list_keys(group_by: str, zone: str) -> list[str]:
        path = f"/v1/confidence/summary?group_by={group_by}&time_zone={zone}"
        return [group["key"] for group in client.get(path).json["groups"]]

    assert list_keys("day", "UTC") == ["2026-03-30", "2026-10-25"]
    assert list_keys("day", "Asia/Kolkata") == ["2026-03-31", "2026-10-25"]
    assert list_keys("day", "America/New_York") == ["2026-03-30", "2026-10-24"]
    assert list_keys("hour", "Asia/Kolkata")[0] == "2026-03-30T18:30:00Z"
    assert list_keys("hour", "Europe/Berlin")[1:] == ["2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z"]


def test_an_unknown_time_zone_is_refused(client: Client) -> None:
    """Postgres reads UTC+2 as POSIX does: two hours west of UTC."""
    for zone in ("Nowhere/City", "x", "Europe/Berlin'", "..", "%00", "a" * 65, "UTC%2B2", "GMT-3", "CET-1CEST"):
        answer = client.get(f"/v1/confidence/summary?time_zone={zone}")
        assert (answer.status, answer.json["message"].partition(";")[0]) == (400, "time_zone: unknown"), zone
    for zone in ("Etc/GMT%2B3", "EST5EDT", "America/Port-au-Prince", "America/Argentina/Buenos_Aires"):
        assert client.get(f"/v1/confidence/summary?time_zone={zone}").status == 200, zone


def test_from_is_inclusive_and_to_is_exclusive(client: Client) -> None:
    for index in range(3):
        post_probs(client, f"r{index}", [0.5], created_at=(DAY + timedelta(hours=index)).isoformat(), model="m")

    def count(**period: str) -> int:
        query = "&".join(f"{name.rstrip('_')}={value}" for name, value in period.items())
        groups = client.get(f"/v1/confidence/summary?group_by=model&{query}").json["groups"]
        return sum(group["n"] for group in groups)

    second = (DAY + timedelta(hours=1)).isoformat()
    assert count(from_=quote(second)) == 2
    assert count(to=quote(second)) == 1
    assert count(from_=second) == 2  # the plus sign is decoded as a space
    assert count(from_=str(DAY.timestamp()), to=quote(second)) == 1
    assert count(model="other") == 0
    assert client.get("/v1/confidence/summary?from=yesterday").status == 400
    assert client.get("/v1/confidence/summary?group_by=mood").status == 400


def test_the_mod_filter_matches_named_and_called_mods(client: Client) -> None:
    client.ingest(load_trace("force-prefix"))
    for mod, n in (("force_prefix", 1), ("wrapped_client_mod_force_prefix", 1), ("other", 0)):
        groups = client.get(f"/v1/confidence/summary?mod={mod}").json["groups"]
        assert sum(group["n"] for group in groups) == n, mod


def test_a_key_selects_the_favorites_of_its_name_as_in_the_feed(client: Client) -> None:
    for name in ("r", "other"):
        post_probs(client, name, [0.5])
    assert send(client, "POST", "/logs/r/favorite", ADMIN_KEY, name=ADMIN_KEY).json["favorited_by"] == ["admin"]
    for person in (ADMIN_KEY, "admin"):
        query = f"?favorited_by={person}"
        assert len(client.get(f"/logs{query}").json["data"]) == 1
        assert [group["n"] for group in client.get(f"/v1/confidence/summary{query}").json["groups"]] == [1]
        assert client.get(f"/v1/confidence/drift{query}").json["current"]["n"] == 1


def test_drift_equals_scipy(client: Client) -> None:
    before = [0.5 + 0.01 * index for index in range(30)]
    after = [0.6 + 0.011 * index for index in range(25)]
    for index, prob in enumerate(before):
        post_probs(client, f"b{index}", [prob], created_at=100 + index)
    for index, prob in enumerate(after):
        post_probs(client, f"c{index}", [prob], created_at=1000 + index)
    drift = client.get("/v1/confidence/drift?baseline_from=0&baseline_to=500&from=500").json
    expected = stats.ks_2samp(before, after)
    assert drift["score"] == "sequence_confidence"
    assert drift["ks_statistic"] == pytest.approx(expected.statistic, abs=1e-9)
    assert drift["ks_pvalue"] == pytest.approx(expected.pvalue, rel=1e-6)
    assert drift["wasserstein"] == pytest.approx(stats.wasserstein_distance(before, after), abs=1e-9)
    for side, n in (("baseline", 30), ("current", 25)):
        assert drift[side]["n"] == n == sum(one["n"] for one in drift[side]["histogram"])
    assert [one["lo"] for one in drift["baseline"]["histogram"]] == [one["lo"] for one in drift["current"]["histogram"]]


def test_drift_does_not_compare_lists_of_different_k(client: Client) -> None:
    post_probs(client, "two", [0.5], created_at=100)
    top = [{"token": 5, "prob": 0.5}, {"token": 6, "prob": 0.3}, {"token": 7, "prob": 0.1}]
    events = number([forward(top), sampled(), added(5)])
    client.ingest(make_document("three", events=events, request={"created_at": 1000}))
    path = "/v1/confidence/drift?baseline_to=500&from=500"
    drift = client.get(path).json
    assert 0 in (drift["baseline"]["n"], drift["current"]["n"])
    assert drift["ks_statistic"] is drift["ks_pvalue"] is drift["wasserstein"] is None
    assert drift["left_out"] == 1
    assert client.get(f"{path}&k=2").json["baseline"]["n"] == 1
    assert client.get(f"{path}&k=3").json["current"]["n"] == 1


def test_drift_without_requests_is_null(client: Client) -> None:
    drift = client.get("/v1/confidence/drift?score=perplexity").json
    assert (drift["k"], drift["baseline"]["n"], drift["current"]["n"]) == (None, 0, 0)
    assert drift["ks_statistic"] is None
    assert client.get("/v1/confidence/drift?score=luck").status == 400


def test_mods_are_listed_with_counts_per_handler(client: Client) -> None:
    for name in ("backtrack", "ban-the", "mod-exception", "noisy-logger"):
        client.ingest(load_trace(name))
    mods = {mod["name"]: mod for mod in client.get("/v1/mods").json["mods"]}
    assert len(mods) == 4
    backtrack = mods["wrapped_client_mod_backtrack_sorry"]
    (handler,) = backtrack["handlers"]
    assert (backtrack["requests"], handler["calls"], handler["exceptions"]) == (1, 2, 0)
    assert handler["actions"] == {"Backtrack": 2}
    assert handler["effect"]["discarded_tokens"] == 6
    assert handler["effect"]["forced_share"] == pytest.approx(16 / 86)
    report = client.get("/v1/confidence/smollm2-backtrack").json["interventions"]
    surprisals = [one["intervention_surprisal"] for one in report]
    assert handler["effect"]["mean_intervention_surprisal"] == pytest.approx(sum(surprisals) / 2)
    changes = [one["sequence_confidence_after"] - one["sequence_confidence_before"] for one in report]
    assert handler["effect"]["mean_confidence_change"] == pytest.approx(sum(changes) / 2)
    assert handler["execution_ms"] == {"p50": None, "p95": None}
    crashing = mods["wrapped_client_mod_crashing"]["handlers"][0]
    assert (crashing["exceptions"], crashing["execution_ms"]["p50"], crashing["actions"]) == (1, 1.5, {})
    noisy = [handler["block_key"] for handler in mods["wrapped_client_mod_noisy_logger"]["handlers"]]
    assert noisy == sorted({f"wrapped_client_mod_noisy_logger:{call['event_type']}" for call in NOISY["mod_calls"]})


def test_a_replaced_request_counts_once_per_mod(client: Client) -> None:
    document = make_document(
        events=number([forward(), sampled(), added(7, forced=True)]),
        mod_calls=[call(1)],
        actions=[action("ForceTokens")],
    )
    client.ingest(document)
    client.ingest(document)
    (mod,) = client.get("/v1/mods").json["mods"]
    assert (mod["requests"], mod["handlers"][0]["calls"]) == (1, 1)
    client.ingest(make_document())
    assert client.get("/v1/mods").json["mods"] == []
