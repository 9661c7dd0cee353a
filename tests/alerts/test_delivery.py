"""Webhooks: what they contain, how they are signed, retried and repeated, and receivers that misbehave."""

from typing import Any

import psycopg
import pytest
from pydantic import SecretStr
from standardwebhooks import WebhookVerificationError

from core.access.access import Access
from core.alerts import deliver
from core.local.admin import run_as_admin
from core.logging import configure_logging
from core.settings import Settings
from tests.support.client import Client, send
from tests.support.documents import call, make_document, number, one_token
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.posts import post, post_probs
from tests.support.receiver import Receiver, wait_until
from tests.support.servers import Serve


def create(client: Client, url: str, key: str = ADMIN_KEY, **fields: Any) -> dict[str, Any]:
    """Create an alert on requests with a confidence below 0.5."""
    fields = {"name": "low", "kind": "threshold", "threshold": 0.5, **fields}
    fields = {name: value for name, value in fields.items() if value is not None}
    answer = send(client, "POST", "/v1/alerts", key, url=url, **fields)
    assert answer.status == 201, answer.data
    return answer.json


def read_feed(client: Client, key: str = ADMIN_KEY, **query: object) -> list[dict[str, Any]]:
    parameters = "&".join(f"{name}={value}" for name, value in query.items())
    answer = client.request("GET", f"/v1/alerts/feed?{parameters}", x_api_key=key)
    assert answer.status == 200, answer.data
    return answer.json["events"]


def wait_for_status(client: Client, status: str) -> dict[str, Any]:
    wait_until(lambda: [event["status"] for event in read_feed(client)] == [status])
    return read_feed(client)[0]


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


def test_a_changed_body_or_another_secret_does_not_verify(alerting: Client, receiver: Receiver) -> None:
    alert, other = create(alerting, receiver.url()), create(alerting, receiver.url("/other"))
    post_probs(alerting, "r", [0.25])
    (received,) = receiver.wait()
    with pytest.raises(WebhookVerificationError):
        received.verify(other["secret"])
    received.body = received.body.replace(b"low", b"law")
    with pytest.raises(WebhookVerificationError):
        received.verify(alert["secret"])


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


@pytest.mark.parametrize("shown", [None, "what is it?"])
def test_a_prompt_is_sent_only_on_request(alerting: Client, receiver: Receiver, shown: str | None) -> None:
    alert = create(alerting, receiver.url(), include_prompt=bool(shown))
    post_probs(alerting, "r", [0.25], user_prompt="what is it?")
    (received,) = receiver.wait()
    assert received.verify(alert["secret"])["data"].get("prompt") == shown
    assert (b"what is it?" in received.body) == bool(shown)


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


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/redirect", "the receiver answered 302; redirects are not followed, so use the final URL"),
        ("/broken", "the receiver broke the connection, or sent no valid HTTP"),
        ("/failing", "the receiver answered 500"),
    ],
)
def test_errors_name_the_problem_without_the_answer(
    alerting: Client, receiver: Receiver, path: str, error: str
) -> None:
    receiver.failures = 1
    alert = create(alerting, receiver.url(path))
    answer = send(alerting, "POST", f"/v1/alerts/{alert['id']}/test", ADMIN_KEY)
    assert (answer.status, answer.json["status"], answer.json["error"]) == (200, "failed", error)
    assert receiver.list_ids("/ok") == []
    assert "secret" not in answer.data.decode()


def test_a_closed_port_is_an_error(alerting: Client) -> None:
    alert = create(alerting, "http://127.0.0.1:1/")
    answer = send(alerting, "POST", f"/v1/alerts/{alert['id']}/test", ADMIN_KEY)
    assert answer.json["error"] == "the receiver refused the connection"


def test_a_huge_answer_is_not_read(alerting: Client, receiver: Receiver) -> None:
    alert = create(alerting, receiver.url("/huge"))
    answer = send(alerting, "POST", f"/v1/alerts/{alert['id']}/test", ADMIN_KEY)
    assert (answer.json["status"], answer.json["error"]) == ("delivered", None)


def test_a_receiver_that_is_gone_pauses_the_alert(alerting: Client, receiver: Receiver) -> None:
    alert = create(alerting, receiver.url("/gone"))
    post_probs(alerting, "r", [0.25])
    event = wait_for_status(alerting, "failed")
    assert (event["attempts"], event["error"]) == (1, "the receiver answered 410")
    assert alerting.get(f"/v1/alerts/{alert['id']}").json["active"] is False


def test_a_slow_receiver_delays_only_itself(
    alerting: Client, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.alerts.send.TIMEOUT_S", 1)
    monkeypatch.setattr("core.alerts.deliver.FIRST_DELAY_S", 60)
    create(alerting, receiver.url("/slow"))
    create(alerting, receiver.url("/ok"))
    for place in range(6):
        post_probs(alerting, f"r{place}", [0.25])
    first = receiver.wait(1, "/slow")[0].at
    quick = receiver.wait(6, "/ok")
    assert max(one.at for one in quick) - first < 1, "no delivery waited for the slow receiver"
    wait_until(lambda: "the receiver did not answer within 1 s" in [one["error"] for one in read_feed(alerting)])


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


def test_a_replayed_webhook_has_the_id_of_the_first(
    alerting: Client, receiver: Receiver, sql: psycopg.Connection
) -> None:
    """As after a process that was killed between the delivery and its record."""
    create(alerting, receiver.url())
    post_probs(alerting, "r", [0.25])
    wait_for_status(alerting, "delivered")
    sql.execute("update alert_events set status = 'waiting', finished_at = null, next_attempt_at = now()")
    post_probs(alerting, "another", [0.25])
    receiver.wait(3)
    ids = receiver.list_ids()
    assert (len(ids), len(set(ids))) == (3, 2)


def test_after_a_rotation_both_secrets_verify_for_a_day(
    alerting: Client, receiver: Receiver, sql: psycopg.Connection
) -> None:
    alert = create(alerting, receiver.url())
    rotated = send(alerting, "POST", f"/v1/alerts/{alert['id']}/rotate", ADMIN_KEY).json
    assert rotated["secret"] != alert["secret"]
    post_probs(alerting, "r1", [0.25])
    (received,) = receiver.wait()
    assert received.verify(alert["secret"]) == received.verify(rotated["secret"])
    sql.execute("update alerts set previous_until = now()")
    post_probs(alerting, "r2", [0.25])
    received = receiver.wait(2)[1]
    received.verify(rotated["secret"])
    with pytest.raises(WebhookVerificationError):
        received.verify(alert["secret"])


def test_the_database_has_no_secret(alerting: Client, receiver: Receiver, sql: psycopg.Connection) -> None:
    alert = create(alerting, receiver.url())
    secret = alert["secret"].removeprefix("whsec_")
    assert secret not in str(sql.execute("select alerts::text from alerts").fetchall())
    assert "secret" not in alerting.get(f"/v1/alerts/{alert['id']}").json


def test_waiting_events_are_limited(alerting: Client, sql: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.traces.ingest.MOST_WAITING_EVENTS", 2)
    monkeypatch.setattr("core.alerts.deliver.FIRST_DELAY_S", 60)
    create(alerting, "http://127.0.0.1:1/")
    for place in range(4):
        post_probs(alerting, f"r{place}", [0.25])
    assert sql.execute("select count(*) from alert_events").fetchall() == [(2,)]


def test_a_prompt_of_another_owner_is_not_sent(alerting: Client, sql: psycopg.Connection) -> None:
    """As if an admin assigned the request to another user after the event was claimed."""
    create(alerting, "http://127.0.0.1:1/", include_prompt=True)
    post_probs(alerting, "r", [0.25], user_prompt="what is it?")
    (event_id,) = sql.execute("select id from alert_events").fetchall()[0]

    async def find_document(access: Access) -> object:
        return await deliver._find_document(access, event_id)

    settings = Settings.model_validate({"database_url": SecretStr(sql.info.dsn)})
    assert run_as_admin(settings, lambda access, _: find_document(access)) is not None
    post(alerting, "r", user="key-of-another-user", user_prompt="a secret")
    assert run_as_admin(settings, lambda access, _: find_document(access)) is None


def test_logs_at_debug_have_no_headers_of_receivers(
    serve: Serve, database_url: str, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {"THUNDER_ADMIN_KEY": ADMIN_KEY, "THUNDER_SECRET": SECRET, "WEBHOOK_ALLOW": "127.0.0.1"}
    client = serve(DATABASE_URL=database_url, LOG_LEVEL="debug", INGEST_AUTH="open", **settings)
    alert = create(client, receiver.url("/ok?token=of-the-receiver"))
    send(client, "POST", f"/v1/alerts/{alert['id']}/test", ADMIN_KEY)
    assert receiver.received
    logged = " ".join(record.getMessage() for record in caplog.records)
    assert "of-the-receiver" not in logged
    assert "a=b" not in logged
    configure_logging("info")
