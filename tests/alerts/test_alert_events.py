"""The events of alerts: the requests that have one, and deletions of events."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.support.alerts import OTHER, USER, change, create
from tests.support.client import Client, send
from tests.support.command import Command
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.posts import post, post_probs
from tests.support.receiver import Receiver, wait_until


def test_a_user_s_alert_covers_only_the_user_s_requests(alerting: Client, receiver: Receiver) -> None:
    post(alerting, "sure", user=USER)
    create(alerting, key=USER, url=receiver.url("/user"))
    create(alerting, url=receiver.url("/admins"))
    post_probs(alerting, "of another", [0.25], user_api_key=OTHER)
    post_probs(alerting, "mine", [0.25], user_api_key=USER)
    receiver.wait(2, "/admins")
    receiver.wait(1, "/user")
    seen = alerting.request("GET", "/v1/alerts/feed", x_api_key=USER).json["events"]
    assert [event["request_id"] for event in seen] == ["mine"]


@pytest.mark.parametrize(
    ("filters", "matching"),
    [
        ({"model": "m"}, {"a"}),
        ({"tag": "t"}, {"b"}),
        ({"source": "quote"}, {"a", "b"}),
        ({"max_confidence": 0.2}, {"a"}),
        ({"min_confidence": 0.2}, {"b"}),
        ({"has_exception": True}, set[str]()),
        ({"q": "needle"}, {"b"}),
        ({"mod": "nudge"}, set[str]()),
    ],
)
def test_filters_select_requests(
    client: Client, sql: psycopg.Connection, filters: dict[str, Any], matching: set[str]
) -> None:
    create(client, **filters)
    post_probs(client, "a", [0.1], model="m")
    sql.execute("update requests set tags = '{t}'")
    sql.execute("update requests set tags = '{}'")
    post_probs(client, "b", [0.3], user_prompt="a needle")
    if "tag" in filters:  # a tag is kept by the next revision
        sql.execute("delete from alert_events")
        sql.execute("update requests set tags = '{t}' where request_id = 'b'")
        post_probs(client, "b", [0.3])
    found = sql.execute(
        "select request_id from alert_events inner join requests on request_pk = requests.id"
    ).fetchall()
    assert {request_id for (request_id,) in found} == matching


def test_a_test_is_limited(alerting: Client, receiver: Receiver) -> None:
    alert = create(alerting, url=receiver.url(), active=False)
    answer = send(alerting, "POST", f"/v1/alerts/{alert['id']}/test", ADMIN_KEY)
    assert (answer.status, answer.json["status"], answer.json["kind"]) == (200, "delivered", "test")
    assert receiver.received[0].verify(alert["secret"])["type"] == "alert.test"
    assert send(alerting, "POST", f"/v1/alerts/{alert['id']}/test", ADMIN_KEY).status == 429


def test_a_paused_alert_has_no_events_and_drops_waiting_ones(client: Client, sql: psycopg.Connection) -> None:
    number = create(client)["id"]
    sql.execute("insert into alert_events (alert_id, kind) select id, kind from alerts")
    change(client, number, active=False)
    post_probs(client, "r", [0.25])
    (event,) = client.get("/v1/alerts/feed").json["events"]
    assert (event["status"], event["error"]) == ("failed", "the alert was paused")


def test_an_import_raises_no_alert(client: Client, database_url: str, manage: Command, sql: psycopg.Connection) -> None:
    create(client)
    post_probs(client, "r", [0.25])
    exported = manage("export", "--what", "traces", "--output", "traces.jsonl", on=database_url, THUNDER_SECRET=SECRET)
    assert exported.exit_code == 0, exported.stderr
    send(client, "DELETE", "/logs/r", ADMIN_KEY)
    imported = manage("import", "traces.jsonl", on=database_url, THUNDER_SECRET=SECRET)
    assert imported.exit_code == 0, imported.stderr
    assert sql.execute("select count(*) from alert_events").fetchall() == [(0,)]


def test_an_alert_that_is_deleted_during_an_ingest_has_no_event(
    client: Client, database_url: str, sql: psycopg.Connection
) -> None:
    create(client)
    waiting = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%raise_alerts%'"
    with psycopg.connect(database_url) as deleting, ThreadPoolExecutor(1) as pool:
        deleting.execute("delete from alerts")
        posted = pool.submit(post_probs, client, "r", [0.25])
        wait_until(lambda: bool(sql.execute(waiting).fetchall()))
        deleting.commit()
        posted.result()
    assert client.get("/v1/alerts/feed").json["events"] == []


def test_deleting_a_request_deletes_its_events(client: Client, sql: psycopg.Connection) -> None:
    create(client)
    post_probs(client, "r", [0.25])
    assert len(client.get("/v1/alerts/feed").json["events"]) == 1
    send(client, "DELETE", "/logs/r", ADMIN_KEY)
    assert sql.execute("select count(*) from alert_events").fetchall() == [(0,)]


def test_deleting_a_user_deletes_their_alerts(
    client: Client, database_url: str, manage: Command, sql: psycopg.Connection
) -> None:
    post(client, "r", user=USER)
    create(client, key=USER)
    create(client)
    done = manage("delete", "--user-key", USER, "--yes", on=database_url, THUNDER_SECRET=SECRET)
    assert done.exit_code == 0, done.stderr
    assert sql.execute("select user_key_hmac from alerts").fetchall() == [(None,)]
    verified = manage("verify-deletion", "r", "--user-key", USER, on=database_url, THUNDER_SECRET=SECRET)
    assert verified.exit_code == 0, verified.stdout


def test_a_request_that_changes_owner_leaves_the_events_of_the_previous_owner(client: Client) -> None:
    post(client, "before", user=USER)
    create(client, key=USER)
    post_probs(client, "r", [0.25], user_api_key=USER)
    feed = client.request("GET", "/v1/alerts/feed", x_api_key=USER).json["events"]
    assert [event["request_id"] for event in feed] == ["r"]
    post(client, "r", user=OTHER)
    assert client.request("GET", "/v1/alerts/feed", x_api_key=USER).json["events"] == []


def test_clear_deletes_alerts(client: Client, database_url: str, manage: Command, sql: psycopg.Connection) -> None:
    create(client)
    done = manage("clear", "--yes", "--yes-production", on=database_url)
    assert done.exit_code == 0, done.stderr
    assert sql.execute("select count(*) from alerts").fetchall() == [(0,)]
