"""LiteLLM's own HTTP logger, whose class needs no proxy, and the payloads that it sends."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.answers import make_chat, post
from tests.support.client import Client
from tests.support.keys import label
from tests.support.model_server import CONFIDENCE, WORDS, run_model_server

CALLS = Path(__file__).parents[1] / "support" / "litellm_calls.py"
HASH = "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b"


def make_payload(**fields: Any) -> dict[str, Any]:
    """The keys of a payload that Thunder reads."""
    return {
        "id": "chatcmpl-1",
        "litellm_call_id": "call-1",
        "call_type": "acompletion",
        "stream": None,
        "status": "success",
        "startTime": 1_764_000_000.0,
        "endTime": 1_764_000_002.5,
        "model": "m",
        "metadata": {"user_api_key_hash": HASH, "user_api_key_alias": "team-a"},
        "request_tags": ["a", "User-Agent: x" * 20],
        "messages": [{"role": "user", "content": "Capital?"}],
        "model_parameters": {"temperature": 0.5, "max_tokens": 7},
        "response": make_chat("Paris"),
        "prompt_tokens": 5,
        "completion_tokens": 1,
        "total_tokens": 6,
        "error_str": None,
        "error_information": {"error_message": ""},
        **fields,
    }


def test_a_payload_is_read_with_its_facts(client: Client) -> None:
    answer = post(client, make_payload())
    assert (answer.status, answer.json["request_id"]) == (201, "call-1")
    log = client.log("call-1")
    assert (log["source"], log["model_id"], log["final_text"], log["eos_reason"]) == ("litellm", "m", "Paris", "stop")
    assert (log["user_prompt"], log["max_steps"], log["tags"]) == ("Capital?", 7, ["a"])
    stats = log["inference_stats"]
    assert (stats["prompt_tokens"], stats["total_tokens"], stats["wall_time_ms"]) == (5, 6, 2500)
    assert log["request_tags"] == {"user_api_key_hash": label(HASH), "user_api_key_alias": "team-a"}
    assert log["user_api_key"] is None, "a hash is not the user's key"
    assert HASH not in client.get("/logs/call-1/trace").data.decode()


def test_a_key_in_the_metadata_names_the_owner(client: Client) -> None:
    metadata = {"user_api_key": "sk-1234", "requester_custom_headers": {"x-api-key": "sk-5678-of-the-caller"}}
    assert post(client, make_payload(metadata=metadata)).status == 201
    assert client.log("call-1")["user_api_key"] == label("sk-1234")
    stored = client.get("/logs/call-1/trace").data.decode()
    assert "sk-1234" not in stored
    assert "sk-5678-of-the-caller" not in stored


@pytest.mark.parametrize("response", ["redacted-by-litellm", {}, None])
def test_a_payload_without_a_response_has_a_warning(client: Client, response: object) -> None:
    answer = post(client, make_payload(response=response))
    assert (answer.status, answer.json["sequence_confidence"]) == (201, None)
    assert "nothing to score" in answer.json["warnings"][0]


def test_a_stream_that_kept_its_logprobs_has_no_warning(client: Client) -> None:
    assert post(client, make_payload(stream=True)).json["warnings"] == []


def test_litellm_s_own_logger_posts_calls_streams_and_failures(client: Client) -> None:
    """In each of its formats. The later ones replace the requests of the first one."""
    own = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "GENERIC_LOGGER_ENDPOINT": f"{client.url}/v1/ingest"}
    environment = {**os.environ, **own}
    with run_model_server() as model:
        command = [sys.executable, str(CALLS), model.url, "json_array", "ndjson", "single"]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    rows = {row["model_id"]: row for row in client.get("/logs?source=litellm").json["data"]}
    assert rows.keys() == {"m", "streamed", "broken"}
    assert rows["m"]["sequence_confidence"] == pytest.approx(CONFIDENCE)
    assert rows["m"]["final_text"] == rows["streamed"]["final_text"] == "".join(WORDS)
    assert {row["tags"][0] for row in rows.values()} == {"from-litellm"}
    whole, streamed, broken = (client.log(rows[name]["request_id"]) for name in ("m", "streamed", "broken"))
    assert {log["revision"] for log in (whole, streamed, broken)} == {3}
    assert streamed["sequence_confidence"] is None
    assert "LiteLLM drops the logprobs of streamed chats" in streamed["warnings"][0]
    assert "the model is broken" in broken["error"]
    assert [row["model_id"] for row in client.get("/logs?has_exception=true").json["data"]] == ["broken"]
    assert HASH not in client.get(f"/logs/{rows['m']['request_id']}/trace").data.decode()


def test_an_answer_in_anthropic_s_shape_is_stored_without_scores(client: Client) -> None:
    content = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Par"}, {"type": "text", "text": "is"}]
    message = {"type": "message", "role": "assistant", "content": content, "stop_reason": "end_turn"}
    answer = post(client, make_payload(call_type="anthropic_messages", response=message))
    assert answer.status == 201, answer.data
    assert answer.json["warnings"] == ["response: Anthropic's API has no logprobs, so there is nothing to score"]
    log = client.log("call-1")
    assert (log["final_text"], log["eos_reason"], log["sequence_confidence"]) == ("Paris", "end_turn", None)
