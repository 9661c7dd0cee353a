"""Webhooks of requests, from the ingest to a receiver."""

import psycopg
import pytest

from core.alerts.worker import PER_ALERT
from tests.support.alerts import create, read_feed, wait_for_status
from tests.support.client import Client, send
from tests.support.documents import call, make_document, number, one_token
from tests.support.keys import ADMIN_KEY
from tests.support.posts import post, post_probs
from tests.support.receiver import Receiver, wait_until


def test_an_uncertain_request_sends_a_signed_webhook(alerting: Client, receiver: Receiver) -> None:
    alert = create(alerting, receiver.url())
    assert alert["secret"].startswith("whsec_")
    post_probs(alerting, "sure", [0.9, 0.9])
    post_probs(alerting, "unsure 1", [0.25, 0.25], model="m")
    (received,) = receiver.wait()
    payload = received.verify(alert["secret"])
    event = wait_for_status(alerting, "delivered")
    assert payload == {
        "type": "alert.threshold",
        "timestamp": payload["timestamp"],
        "data": {
            "alert": {"id": alert["id"], "name": "low"},
            "kind": "threshold",
            "request_id": "unsure 1",
            "model": "m",
            "window": None,
            "score": "sequence_confidence",
            "value": pytest.approx(0.25),
            "threshold": 0.5,
            "link": "https://thunder.example.com/view/unsure%201",
        },
    }
    assert event["id"] == received.headers["webhook-id"]
    assert (event["request_id"], event["attempts"], event["error"]) == ("unsure 1", 1, None)
    assert received.headers["user-agent"].startswith("Thunder")
    assert "authorization" not in received.headers


def test_a_score_that_grows_with_uncertainty_fires_above_the_threshold(alerting: Client, receiver: Receiver) -> None:
    create(alerting, receiver.url(), score="perplexity", threshold=3)
    post_probs(alerting, "unsure", [0.25])
    post_probs(alerting, "sure", [0.9])
    receiver.wait()
    assert [event["request_id"] for event in read_feed(alerting)] == ["unsure"]


def test_an_exception_sends_a_webhook(alerting: Client, receiver: Receiver) -> None:
    create(alerting, receiver.url(), kind="exception", threshold=None)
    post(alerting, "fine")
    failed = call(1, exception_occurred=True, exception_message="boom", exception_traceback="")
    alerting.ingest(make_document("failed", number(one_token()), mod_calls=[failed]))
    (received,) = receiver.wait()
    assert b'"request_id":"failed"' in received.body
    assert b'"value":null' in received.body


def test_a_failing_receiver_gets_the_same_id_again(
    alerting: Client, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.alerts.deliver.FIRST_DELAY_S", 0.01)
    alert = create(alerting, receiver.url("/failing"))
    receiver.failures = 2
    post_probs(alerting, "r", [0.25])
    calls = receiver.wait(3, "/failing")
    event = wait_for_status(alerting, "delivered")
    assert {one.headers["webhook-id"] for one in calls} == {event["id"]}
    assert (event["attempts"], event["error"], len(receiver.received)) == (3, None, 3)
    assert len({one.verify(alert["secret"])["timestamp"] for one in calls}) == 1


def test_delivery_ends_after_the_last_attempt(
    alerting: Client, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.alerts.deliver.FIRST_DELAY_S", 0.0001)
    create(alerting, receiver.url("/wrong"))
    post_probs(alerting, "r", [0.25])
    event = wait_for_status(alerting, "failed")
    assert (event["attempts"], event["error"], event["next_attempt_at"]) == (8, "the receiver answered 400", None)
    assert len(receiver.list_ids("/wrong")) == 8


def test_errors_name_the_problem_without_the_answer(alerting: Client, receiver: Receiver) -> None:
    """The answer itself is not read, however long it is."""
    receiver.failures = 1
    errors = {
        receiver.url("/redirect"): "the receiver answered 302; redirects are not followed, so use the final URL",
        receiver.url("/broken"): "the receiver closed the connection, or did not send valid HTTP",
        receiver.url("/failing"): "the receiver answered 500",
        "http://127.0.0.1:1/": "the receiver refused the connection",
        receiver.url("/huge"): None,
    }
    for url, error in errors.items():
        answer = send(alerting, "POST", f"/v1/alerts/{create(alerting, url)['id']}/test", ADMIN_KEY)
        status = "failed" if error else "delivered"
        assert (answer.status, answer.json["status"], answer.json["error"]) == (200, status, error)
        assert "secret" not in answer.data.decode()
    assert receiver.list_ids("/ok") == []


def test_a_receiver_that_is_gone_pauses_the_alert(
    alerting: Client, receiver: Receiver, sql: psycopg.Connection
) -> None:
    alert = create(alerting, receiver.url("/gone"))
    sql.execute("insert into alert_events (alert_id, kind, next_attempt_at) select id, kind, '2100-01-01' from alerts")
    post_probs(alerting, "r", [0.25])
    wait_until(lambda: [event["status"] for event in read_feed(alerting)] == ["failed"] * 2)
    errors = [(event["attempts"], event["error"]) for event in read_feed(alerting)]
    assert errors == [(1, "the receiver answered 410"), (0, "the alert was paused")]
    assert alerting.get(f"/v1/alerts/{alert['id']}").json["active"] is False


def test_a_slow_receiver_delays_only_itself(
    alerting: Client, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.alerts.send.TIMEOUT_S", 600)
    create(alerting, receiver.url("/held"))
    create(alerting, receiver.url("/ok"))
    for place in range(6):
        post_probs(alerting, f"r{place}", [0.25])
    receiver.wait(6, "/ok")
    assert len(receiver.wait(1, "/held")) <= PER_ALERT
    receiver.released.set()
    receiver.wait(6, "/held")
    wait_until(lambda: {one["status"] for one in read_feed(alerting)} == {"delivered"})


def test_a_receiver_that_does_not_answer_fails(
    alerting: Client, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.alerts.send.TIMEOUT_S", 0.2)
    alert = create(alerting, receiver.url("/held"))
    answer = send(alerting, "POST", f"/v1/alerts/{alert['id']}/test", ADMIN_KEY)
    assert answer.json["error"] == "the receiver did not answer within 0.2 s"


def test_a_repeated_trace_has_one_event(alerting: Client, receiver: Receiver) -> None:
    create(alerting, receiver.url())
    for _ in range(3):
        post_probs(alerting, "r", [0.25])
    receiver.wait()
    assert len(read_feed(alerting)) == 1


def test_a_window_limits_the_events_of_requests(alerting: Client, receiver: Receiver, sql: psycopg.Connection) -> None:
    create(alerting, receiver.url(), window_s=2_592_000)
    for place in range(3):
        post_probs(alerting, f"r{place}", [0.25])
    receiver.wait()
    assert [event["request_id"] for event in read_feed(alerting)] == ["r0"]
    keys = sql.execute("select dedup_key from alert_events").fetchall()
    assert keys[0][0].startswith("window 2592000 ")


def test_waiting_events_are_limited(alerting: Client, sql: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.traces.ingest.MAX_WAITING_EVENTS", 2)
    monkeypatch.setattr("core.alerts.deliver.FIRST_DELAY_S", 60)
    create(alerting, "http://127.0.0.1:1/")
    for place in range(4):
        post_probs(alerting, f"r{place}", [0.25])
    assert sql.execute("select count(*) from alert_events").fetchall() == [(2,)]
