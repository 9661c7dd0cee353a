"""Alerts of periods: rate, drift and silence, evaluated by the scheduled function."""

import random
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from functions.jobs.schedule import run
from tests.support.alerts import create, read_feed
from tests.support.client import Client
from tests.support.first_lists import draw_list, post_quote
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.posts import post_probs
from tests.support.receiver import Receiver, wait_until

HOUR_AGO = "update requests set created_at = now() - interval '1 hour', ingested_at = now() - interval '1 hour'"


@pytest.fixture
def schedule(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the environment of the scheduled function."""
    for name, value in {
        "DATABASE_URL": database_url,
        "THUNDER_ADMIN_KEY": ADMIN_KEY,
        "THUNDER_SECRET": SECRET,
        "WEBHOOK_ALLOW": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)


def run_again(sql: psycopg.Connection) -> None:
    """Run the schedule as if the last evaluation was long ago."""
    sql.execute("update alerts set evaluated_at = null")
    run()


def post_many(client: Client, prefix: str, probs: list[float], **request: str) -> None:
    for place, prob in enumerate(probs):
        post_probs(client, f"{prefix}{place}", [prob], **request)


@pytest.mark.usefixtures("schedule")
def test_a_rate_is_the_share_of_the_uncertain_requests(
    alerting: Client, receiver: Receiver, sql: psycopg.Connection
) -> None:
    alert = create(alerting, receiver.url(), kind="rate", share=0.3, window_s=600, model="m")
    post_many(alerting, "others", [0.25] * 4)
    post_many(alerting, "few", [0.25] * 5, model="m")
    run_again(sql)
    assert read_feed(alerting) == [], "fewer than ten requests are no rate"
    post_many(alerting, "sure", [0.9] * 12, model="m")
    run_again(sql)
    assert read_feed(alerting) == [], "5 of 17 are less than 30 %"
    post_many(alerting, "unsure", [0.25] * 3, model="m")
    run_again(sql)
    (received,) = receiver.wait()
    data = received.verify(alert["secret"])["data"]
    assert (data["value"], data["threshold"], data["score"]) == (0.4, 0.3, "sequence_confidence")
    (event,) = read_feed(alerting)
    assert (event["status"], event["window"]) == ("delivered", data["window"])
    run_again(sql)
    assert len(read_feed(alerting)) == 1, "one event per window"


@pytest.mark.usefixtures("schedule")
def test_requests_before_the_window_do_not_count(alerting: Client, sql: psycopg.Connection) -> None:
    create(alerting, "http://127.0.0.1:1/", kind="rate", window_s=600)
    post_many(alerting, "r", [0.25] * 12)
    sql.execute("delete from alert_events")
    sql.execute(HOUR_AGO)
    run_again(sql)
    assert read_feed(alerting) == []


@pytest.mark.usefixtures("schedule")
def test_drift_is_a_changed_distribution(alerting: Client, receiver: Receiver, sql: psycopg.Connection) -> None:
    create(alerting, receiver.url(), kind="drift", threshold=0.5, window_s=3600)
    post_many(alerting, "before", [0.5 + place / 100 for place in range(20)])
    sql.execute(HOUR_AGO)
    post_many(alerting, "same", [0.5 + place / 100 for place in range(20)])
    run_again(sql)
    assert read_feed(alerting) == []
    sql.execute("delete from requests where request_id like 'same%'")
    post_many(alerting, "after", [0.1 + place / 100 for place in range(20)])
    run_again(sql)
    (received,) = receiver.wait()
    assert b'"value":1.0,"threshold":0.5' in received.body


@pytest.mark.usefixtures("schedule")
def test_a_silence_has_one_event_until_a_request_arrives(
    alerting: Client, receiver: Receiver, sql: psycopg.Connection
) -> None:
    create(alerting, receiver.url(), kind="silence", threshold=None, window_s=600)
    run_again(sql)
    assert read_feed(alerting) == [], "the window began when the alert was created"
    sql.execute("update alerts set updated_at = now() - interval '1 hour'")
    for _ in range(2):
        run_again(sql)
    assert len(read_feed(alerting)) == 1
    sql.execute("update alerts set evaluated_at = null")
    post_probs(alerting, "r", [0.9])
    wait_until(lambda: sql.execute("select is_silent from alerts").fetchall() == [(False,)])
    sql.execute(HOUR_AGO)
    run_again(sql)
    assert [event["kind"] for event in read_feed(alerting)] == ["silence", "silence"]
    receiver.wait(2)


@pytest.mark.usefixtures("schedule")
def test_an_alert_is_evaluated_twelve_times_per_window(alerting: Client, sql: psycopg.Connection) -> None:
    create(alerting, "http://127.0.0.1:1/", kind="rate", window_s=7200)
    for minutes, is_due in ((None, True), (9, False), (11, True)):
        sql.execute("update alerts set evaluated_at = now() - make_interval(mins => %s)", [minutes])
        (before,) = sql.execute("select evaluated_at from alerts").fetchall()
        run()
        (after,) = sql.execute("select evaluated_at from alerts").fetchall()
        assert (before != after) == is_due


@pytest.mark.usefixtures("schedule")
def test_the_schedule_delivers_what_waits_and_drops_old_events(
    alerting: Client, receiver: Receiver, sql: psycopg.Connection
) -> None:
    alert = create(alerting, receiver.url(), kind="silence", threshold=None)
    sql.execute(
        "insert into alert_events (alert_id, kind) select %s, 'silence' from generate_series(1, 5)", [alert["id"]]
    )
    sql.execute(
        "insert into alert_events (alert_id, kind, status, finished_at) values (%s, 'silence', 'failed', %s)",
        [alert["id"], "2026-01-01"],
    )
    run()
    assert len(set(receiver.list_ids())) == 5
    assert [event["status"] for event in read_feed(alerting)] == ["delivered"] * 5


@pytest.mark.usefixtures("schedule")
@pytest.mark.parametrize(("shift", "events"), [(0.0, 0), (1.0, 1)])
def test_a_changed_model_is_noticed_by_prompts_that_recur(
    alerting: Client, receiver: Receiver, sql: psycopg.Connection, shift: float, events: int
) -> None:
    alert = create(alerting, receiver.url(), kind="change", threshold=None, window_s=3600)
    noise, now = random.Random(7), datetime.now(UTC)
    for place in range(24):
        is_new = place >= 14
        moment = now - timedelta(minutes=10 if is_new else 120)
        post_quote(alerting, f"q{place}", moment, draw_list(noise, shift=shift * is_new), "the prompt")
    run_again(sql)
    found = read_feed(alerting)
    assert [event["kind"] for event in found] == ["change"] * events
    for received in receiver.received:
        data = received.verify(alert["secret"])["data"]
        assert (data["value"] <= data["threshold"], data["threshold"]) == (True, 0.001)
