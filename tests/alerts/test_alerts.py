"""Alerts: create, read, change and delete them."""

import json
from typing import Any

import psycopg
import pytest

from core.alerts.alert import MAX_ALERTS
from tests.support.alerts import OTHER, THRESHOLD, URL, USER, change, create
from tests.support.client import Client, make_key, send
from tests.support.keys import ADMIN_KEY
from tests.support.posts import post, post_probs


def list_names(client: Client, key: str) -> list[str]:
    return [alert["name"] for alert in client.request("GET", "/v1/alerts", x_api_key=key).json["alerts"]]


def test_an_alert_can_be_read_changed_and_deleted(client: Client) -> None:
    alert = create(client, model="m", tag="t", max_confidence=0.9)
    assert alert.pop("secret").startswith("whsec_")
    path = f"/v1/alerts/{alert['id']}"
    assert client.get(path).json == alert
    assert {name: value for name, value in alert["filters"].items() if value is not None} == {
        "model": "m", "tag": "t", "max_confidence": 0.9
    }  # fmt: skip
    changed = change(client, alert["id"], name="lower", threshold=0.2, model=None, active=False)
    assert (changed["name"], changed["threshold"], changed["filters"]["model"]) == ("lower", 0.2, None)
    assert (changed["filters"]["tag"], changed["url"], changed["active"]) == ("t", URL, False)
    assert change(client, alert["id"], name=None, url=None) == {
        **changed,
        "updated_at": client.get(path).json["updated_at"],
    }
    assert send(client, "DELETE", path, ADMIN_KEY).json == {"id": alert["id"], "message": "alert deleted"}
    assert client.get(path).status == 404


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("rate", {"score": "sequence_confidence", "threshold": 0.5, "share": 0.1, "window_s": 3600}),
        ("drift", {"score": "sequence_confidence", "threshold": 0.2, "share": None, "window_s": 3600}),
        ("change", {"score": None, "threshold": 0.001, "share": None, "window_s": 3600}),
        ("exception", {"score": None, "threshold": None, "share": None, "window_s": None}),
        ("silence", {"score": None, "threshold": None, "share": None, "window_s": 3600}),
    ],
)
def test_each_kind_has_defaults(client: Client, kind: str, expected: dict[str, Any]) -> None:
    settings = {"threshold": 0.5 if kind == "rate" else None}
    answer = send(client, "POST", "/v1/alerts", ADMIN_KEY, name="a", kind=kind, url=URL, **settings)
    assert {name: answer.json[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"kind": "sometimes"}, "kind"),
        ({"name": " "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"threshold": None}, "threshold"),
        ({"threshold": "0.5"}, "threshold"),
        ({"kind": "drift", "threshold": 1.5}, "threshold"),
        ({"kind": "exception"}, "threshold"),
        ({"kind": "silence", "threshold": None, "score": "perplexity"}, "score"),
        ({"kind": "silence", "threshold": 0}, "threshold"),
        ({"share": 0.5}, "share"),
        ({"kind": "rate", "share": 0}, "share"),
        ({"kind": "rate", "include_prompt": True}, "include_prompt"),
        ({"score": "happiness"}, "score"),
        ({"window_s": 59}, "window_s"),
        ({"window_s": 2_592_001}, "window_s"),
        ({"max_confidence": 2}, "max_confidence"),
        ({"created_from": "2026-01-01"}, "created_from"),
        ({"secret": "mine"}, "secret"),
        ({"model": "a\0b"}, "model"),
        ({"q": " "}, "q"),
        ({"q": "\U0001f600 -"}, "q"),
        ({"url": "http://receiver.example"}, "url"),
        ({"url": "https://127.0.0.1/"}, "url"),
        ({"url": "https://receiver.example/\0"}, "url"),
        ({"url": 5}, "url"),
        ({"url": f"https://receiver.example/{'a' * 1000}"}, "url"),
    ],
)
def test_invalid_settings_are_refused(client: Client, fields: dict[str, Any], field: str) -> None:
    answer = send(client, "POST", "/v1/alerts", ADMIN_KEY, **{**THRESHOLD, **fields})
    assert (answer.status, answer.json["message"].partition(":")[0]) == (400, field), answer.data


def test_changes_are_checked_like_new_alerts(client: Client) -> None:
    number = create(client)["id"]
    invalid: list[dict[str, Any]] = [
        {"threshold": None},
        {"share": 0.5},
        {"url": "https://10.0.0.1/"},
        {"kind": "silence"},
        {"window_s": 1},
    ]
    for fields in invalid:
        body = json.dumps(fields).encode()
        answer = client.request("PATCH", f"/v1/alerts/{number}", body, x_api_key=ADMIN_KEY)
        assert answer.status == 400, (fields, answer.data)


def test_a_key_is_refused_in_the_url_and_masked_in_texts(client: Client, sql: psycopg.Connection) -> None:
    post_probs(client, "r", [0.25], user_api_key=USER, user_prompt=f"I am {USER}")
    bound = make_key(client, name="bound", allowed_api_key=USER)["api_key"]
    for key, part in ((USER, USER), (USER, USER.replace("k", "%6B")), (bound, USER), (bound, bound)):
        url = f"https://receiver.example/?key={part}"
        answer = send(client, "POST", "/v1/alerts", key, **{**THRESHOLD, "url": url})
        assert (answer.status, USER in answer.data.decode()) == (400, False)
    alert = create(client, key=USER, name=f"of {USER}", q=f"I am {USER}", tag=USER)
    (label,) = sql.execute("select user_key_label from requests").fetchall()[0]
    assert (alert["name"], alert["filters"]["tag"]) == (f"of {label}", label)
    changed = change(client, alert["id"], key=USER, tag=None, model=USER)
    assert changed["filters"]["model"] == label
    assert USER not in str(sql.execute("select alerts::text from alerts").fetchall())
    change(client, alert["id"], key=USER, model=None)
    post_probs(client, "r2", [0.25], user_api_key=USER, user_prompt=f"I am {USER}")
    (event,) = client.get("/v1/alerts/feed").json["events"]
    assert event["request_id"] == "r2", "the search matches the label in the stored prompt"
    assert create(client, name="a\0b")["name"] == "a�b"


def test_alerts_belong_to_their_owner(client: Client) -> None:
    for place, user in enumerate((USER, OTHER)):
        post(client, f"r{place}", user=user)
    mine, admins = create(client, key=USER, name="mine"), create(client, name="admins'")
    assert (list_names(client, USER), list_names(client, OTHER)) == (["mine"], [])
    assert list_names(client, ADMIN_KEY) == ["admins'", "mine"]
    for number, key in ((mine["id"], OTHER), (admins["id"], USER)):
        for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/test"), ("POST", "/rotate")):
            body = None if method == "GET" else b"{}"
            assert client.request(method, f"/v1/alerts/{number}{path}", body, x_api_key=key).status == 404
    unbound = make_key(client, name="unbound")["api_key"]
    assert send(client, "POST", "/v1/alerts", unbound, **THRESHOLD).status == 403


def test_a_key_that_may_not_read_gets_no_prompts(client: Client) -> None:
    post(client, "r", user=USER)
    blind = make_key(client, name="blind", scopes=["curate"], allowed_api_key=USER)["api_key"]
    create(client, key=blind)
    assert send(client, "POST", "/v1/alerts", blind, **THRESHOLD, include_prompt=True).status == 403
    path = f"/v1/alerts/{create(client, key=USER, include_prompt=True)['id']}"
    assert send(client, "PATCH", path, blind, url="https://elsewhere.example/").status == 403
    assert send(client, "PATCH", path, blind, model="m").status == 403
    assert send(client, "PATCH", path, blind, active=False).status == 200
    assert send(client, "PATCH", path, blind, include_prompt=False).status == 200


def test_the_number_of_alerts_is_limited(client: Client) -> None:
    post(client, "r", user=USER)
    for _ in range(MAX_ALERTS):
        create(client, key=USER)
    assert send(client, "POST", "/v1/alerts", USER, **THRESHOLD).status == 409
    create(client)


def test_lists_have_pages(client: Client) -> None:
    made = [create(client, name=str(place))["id"] for place in range(5)]
    post_probs(client, "r", [0.25])
    for path, name in (("/v1/alerts", "alerts"), ("/v1/alerts/feed", "events")):
        page = client.get(f"{path}?limit=3").json
        rest = client.get(f"{path}?limit=3&cursor={page['next_cursor']}").json
        assert (len(page[name]), len(rest[name]), rest["next_cursor"]) == (3, 2, None)
    assert [alert["id"] for alert in client.get("/v1/alerts").json["alerts"]] == made[::-1]
    one = client.get(f"/v1/alerts/feed?alert_id={made[0]}").json["events"]
    assert [event["alert_id"] for event in one] == [made[0]]
    for query in ("cursor=x", "limit=1&by=x", "alert_id=0"):
        assert client.get(f"/v1/alerts/feed?{query}").status == 400


def test_changes_are_in_the_audit_log_without_the_url(client: Client) -> None:
    number = create(client)["id"]
    change(client, number, url="https://other.example/")
    send(client, "POST", f"/v1/alerts/{number}/rotate", ADMIN_KEY)
    send(client, "DELETE", f"/v1/alerts/{number}", ADMIN_KEY)
    entries = client.get("/v1/audit").json["entries"]
    assert [entry["action"] for entry in entries] == ["alert.delete", "alert.rotate", "alert.change", "alert.create"]
    assert {entry["subject"] for entry in entries} == {f"alert:{number}"}
    assert entries[2]["details"] == {"changed": ["url"]}
    assert "example" not in str(entries)


def test_a_key_that_reads_all_sees_where_the_webhooks_of_others_go_but_no_path(client: Client) -> None:
    post(client, "mine", user=USER)
    number, of_admin = create(client, key=USER)["id"], create(client)["id"]
    team = make_key(client, name="team", scopes=["read_all"])["api_key"]
    bound = make_key(client, name="bound", scopes=["read_all"], allowed_api_key=USER)["api_key"]
    host = "https://receiver.example"
    for key, urls in ((team, (host, host)), (bound, (URL, host)), (ADMIN_KEY, (URL, URL))):
        listed = client.request("GET", "/v1/alerts", x_api_key=key).json["alerts"]
        shown = {alert["id"]: alert["url"] for alert in listed}
        assert (shown[number], shown[of_admin]) == urls
        assert client.request("GET", f"/v1/alerts/{number}", x_api_key=key).json["url"] == urls[0]


def test_a_search_of_an_alert_cannot_make_an_ingest_fail(client: Client) -> None:
    number = create(client, kind="exception", threshold=None, q="- " * 40 + "ready", active=None)["id"]
    changed = change(client, number, q="-" * 200 + "ready", include_prompt=None)
    assert (changed["filters"]["q"], changed["include_prompt"], changed["active"]) == ("-ready", False, True)
    failed = {"request_id": "failed", "error": "overloaded", "request": {"prompt": "set"}}
    assert client.post_bytes("/v1/ingest", json.dumps(failed).encode()).status == 201
    (event,) = send(client, "GET", "/v1/alerts/feed", ADMIN_KEY).json["events"]
    assert (event["alert_id"], event["request_id"]) == (number, "failed")


@pytest.mark.parametrize("kind", ["silence", "exception"])
def test_an_alert_of_an_earlier_version_can_be_paused(client: Client, sql: psycopg.Connection, kind: str) -> None:
    number = create(client, kind=kind, threshold=None)["id"]
    sql.execute("""update alerts set threshold = 0, filters = '{"q": "!!!", "model": "m"}'""")
    assert client.get(f"/v1/alerts/{number}").json["filters"]["q"] == "!!!"
    sql.execute("update alerts set url = 'https://receiver.example/?key=' || %s", [ADMIN_KEY])
    paused = change(client, number, active=False)
    assert (paused["active"], paused["threshold"], paused["filters"]["q"]) == (False, None, "!!!")
    refused = send(client, "PATCH", f"/v1/alerts/{number}", ADMIN_KEY, model="n")
    assert (refused.status, refused.json["error"].partition(":")[0]) == (400, "q")
    assert change(client, number, q="word")["filters"] == {**paused["filters"], "q": "word"}
