"""A run and its trace: their link, the features in the log, and the features where the model was unsure."""

import math
import statistics
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.activations.conftest import OWNER, STRANGER, TOKENS, Place
from tests.support.client import send
from tests.support.hf_server import GENERATED, PROMPT_IDS, make_timeline
from tests.support.keys import ADMIN_KEY


def read_log(place: Place, request_id: str, key: str = ADMIN_KEY) -> Any:
    answer = send(place.client, "GET", f"/logs/{request_id}", key)
    assert answer.status == 200, answer.data
    return answer.json


def check_linked(place: Place, run_id: str) -> None:
    trace_id = place.read(f"/{run_id}/summary")["trace_request_id"]
    activations = read_log(place, trace_id)["activations"]
    assert {name: activations[name] for name in ("request_id", "sae_id", "sae_layer")} == {
        "request_id": run_id,
        "sae_id": "llama_scope_lxr_8x",
        "sae_layer": 16,
    }
    timeline = make_timeline(TOKENS, 20)
    assert activations["steps"] == [
        {"step_index": index, "features": timeline[len(PROMPT_IDS) + index]["top_features"][:5]}
        for index in range(len(GENERATED))
    ]


def test_a_log_has_the_strongest_features_of_its_tokens(place: Place) -> None:
    check_linked(place, place.run()["request_id"])


def test_a_trace_that_comes_later_is_linked(place: Place) -> None:
    place.hf.post_to = None
    ran = place.run()
    trace_id = ran["run_summary"]["trace_request_id"]
    doubt = place.read(f"/{ran['request_id']}/features-by-confidence")
    assert doubt == {
        "request_id": ran["request_id"],
        "trace_request_id": None,
        "positions": 0,
        "mean_entropy": None,
        "items": [],
    }
    place.hf.post_to = place.client
    place.hf.post_trace(trace_id)
    check_linked(place, ran["request_id"])


def test_traces_and_runs_that_are_stored_at_the_same_time_are_linked(place: Place) -> None:
    place.hf.post_to = None
    with ThreadPoolExecutor(8) as pool:
        # The ids of the traces that the server will name next are known.
        first = next(place.hf.numbers) + 1
        runs = [pool.submit(place.run) for _ in range(12)]
        place.hf.post_to = place.client
        posts = [pool.submit(place.hf.post_trace, f"hf-{first + index}") for index in range(12)]
        for one in posts:
            one.result()
    for one in runs:
        check_linked(place, one.result()["request_id"])


def test_a_log_that_the_client_has_changes_with_its_run(place: Place) -> None:
    place.hf.post_trace("hf-early")
    answer = send(place.client, "GET", "/logs/hf-early", ADMIN_KEY)
    assert answer.json["activations"] is None
    place.hf.post_to = None
    place.hf.change = lambda given: {**given, "request_id": "hf-early"}
    run_id = place.run()["request_id"]

    def ask(etag: str) -> Any:
        return place.client.request("GET", "/logs/hf-early", x_api_key=ADMIN_KEY, if_none_match=etag)

    second = ask(answer.headers["ETag"])
    assert (second.status, second.json["activations"]["request_id"]) == (200, run_id)
    assert ask(second.headers["ETag"]).status == 304
    place.sql.execute("delete from activation_runs")
    third = ask(second.headers["ETag"])
    assert (third.status, third.json["activations"]) == (200, None)


def test_only_the_owner_of_a_log_sees_its_run(place: Place, owner_key: str) -> None:
    place.hf.user_key = OWNER
    trace_id = place.run(owner_key)["run_summary"]["trace_request_id"]
    assert read_log(place, trace_id, owner_key)["activations"]["steps"]
    link = send(place.client, "POST", f"/logs/{trace_id}/public", owner_key).json["public_url"]
    assert send(place.client, "GET", link).json["activations"] is None
    assert send(place.client, "GET", f"/logs/{trace_id}").json["activations"] is None


def test_a_run_is_not_linked_to_the_trace_of_another_user(place: Place, owner_key: str) -> None:
    place.hf.user_key = STRANGER
    for key in (owner_key, None):
        ran = place.run(key)
        doubt = place.read(f"/{ran['request_id']}/features-by-confidence", key)
        assert (doubt["trace_request_id"], doubt["items"]) == (None, [])
        assert read_log(place, ran["run_summary"]["trace_request_id"])["activations"] is None


@pytest.mark.parametrize("is_early", [True, False])
def test_a_second_run_of_a_trace_is_not_linked(place: Place, *, is_early: bool) -> None:
    place.hf.change = lambda given: {**given, "request_id": "hf-same"}
    place.hf.post_to = None

    def post_trace() -> None:
        place.hf.post_to = place.client
        place.hf.post_trace("hf-same")
        place.hf.post_to = None

    if is_early:
        post_trace()
    place.run(request_id="first")
    place.run(request_id="second")
    if not is_early:
        post_trace()
    assert read_log(place, "hf-same")["activations"]["request_id"] == "first"
    assert place.read("/second/features-by-confidence")["trace_request_id"] is None


def test_a_trace_that_changes_owner_keeps_only_a_run_of_the_new_owner(place: Place, owner_key: str) -> None:
    keys = {"keyless": None, "owned": owner_key}
    traces = {name: place.run(key, request_id=name)["run_summary"]["trace_request_id"] for name, key in keys.items()}
    for user, linked in ((OWNER, ["owned"]), (None, ["owned"]), (STRANGER, list[str]())):
        place.hf.user_key = user
        for trace_id in traces.values():
            place.hf.post_trace(trace_id)
        logs = [read_log(place, trace_id)["activations"] for trace_id in traces.values()]
        assert [log["request_id"] for log in logs if log] == linked


@pytest.mark.parametrize("cut", [0, 1])
def test_the_last_token_may_be_missing_on_either_side(place: Place, cut: int) -> None:
    def change(given: dict[str, Any]) -> dict[str, Any]:
        tokens = given["output_token_ids"]
        return {**given, "output_token_ids": tokens[:-1] if cut else [*tokens, 128009]}

    place.hf.change = change
    ran = place.run()
    steps = read_log(place, ran["run_summary"]["trace_request_id"])["activations"]["steps"]
    assert [one["step_index"] for one in steps] == [0, 1, 2, 3]


def test_other_tokens_have_no_features(place: Place) -> None:
    place.hf.change = lambda given: {**given, "output_token_ids": [1, 2, 3]}
    ran = place.run()
    assert read_log(place, ran["run_summary"]["trace_request_id"])["activations"]["steps"] == []
    assert place.read(f"/{ran['request_id']}/features-by-confidence")["positions"] == 0


def test_features_by_confidence_correlate_with_the_entropy_of_the_next_token(place: Place) -> None:
    run_id = place.run()["request_id"]
    answer = place.read(f"/{run_id}/features-by-confidence?n=500&min_hits=1")
    report = place.client.get(f"/v1/confidence/{answer['trace_request_id']}").json
    entropies = [token["entropy"] for token in report["tokens"]]
    # The pass that reads the last token of the prompt draws the first token.
    first = len(PROMPT_IDS) - 1
    timeline = make_timeline(TOKENS, 20)[first : first + len(GENERATED)]
    assert answer["positions"] == len(GENERATED)
    assert math.isclose(answer["mean_entropy"], statistics.fmean(entropies), rel_tol=1e-5)
    items = {item["feature_id"]: item for item in answer["items"]}
    for number, item in items.items():
        values = [
            next((one["activation"] for one in entry["top_features"] if one["id"] == number), 0.0) for entry in timeline
        ]
        assert math.isclose(item["correlation"], statistics.correlation(values, entropies), abs_tol=1e-6)
        weighted = sum(map(math.prod, zip(values, entropies, strict=True))) / sum(values)
        assert math.isclose(item["entropy"], weighted, rel_tol=1e-5)
        assert (item["hits"], item["max_activation"]) == (sum(value > 0 for value in values), max(values))
    assert [item["correlation"] for item in answer["items"]] == sorted(
        (item["correlation"] for item in answer["items"]), reverse=True
    )
    assert len(items) > 3
    assert [item["feature_id"] for item in place.read(f"/{run_id}/features-by-confidence")["items"]] == [7, 1]
    assert len(place.read(f"/{run_id}/features-by-confidence?n=0")["items"]) == 1
    place.fail(f"/{run_id}/features-by-confidence?min_hits=0", 400, "INVALID_ARGUMENT")
