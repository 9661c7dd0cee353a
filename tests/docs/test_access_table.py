"""The table of routes and callers in docs/ACCESS.md: each cell is tested, and each route is in the table."""

import itertools
import json
import re
from typing import Any

import psycopg

from tests.support.client import Client, make_key
from tests.support.environment import ROOT
from tests.support.keys import ADMIN_KEY, SECRET, label
from tests.support.labels import insert_calibrator
from tests.support.runs import insert_run
from tests.support.servers import Serve
from tests.support.streams import PATH, ask_for_events

CALLERS = ("nobody", "ingest key", "another user", "the owner", "an admin")
ROW = re.compile(
    rf"^\| `([A-Z]+) ([^`]+)`( if public)? \| `?([a-z]+)`? \|{'( [0-9]{3} )[|]' * len(CALLERS)}$", re.MULTILINE
)
OWNER, OTHER = "the-owner-s-own-key", "bob"
REQUEST, GROUP = "owned", "owned group"
PLAYGROUND = "/playground/"
"""Its servers get the key, so a key that an admin bound to a user does not act as that user."""
TIMELINE = [{"position": 0, "token": 1, "token_str": "a", "top_features": []}]
NAMES = (f"collection {number}" for number in itertools.count())
BODIES: dict[str, Any] = {
    "POST /v1/ingest": {"request": {"request_id": REQUEST, "user_api_key": OWNER, "group_id": GROUP}},
    "POST /logs/{request_id}/outcome": {"correct": True},
    "POST /logs/{request_id}/tags": {"tag": "good"},
    "DELETE /logs/{request_id}/tags": {"tag": "good"},
    "POST /logs/{request_id}/favorite": {"name": "ann"},
    "DELETE /logs/{request_id}/favorite": {"name": "ann"},
    "POST /logs/{request_id}/discussions": {"username": "ann", "comment": "hm"},
    "PUT /logs/{request_id}/discussions/{discussion_id}": {"comment": "hm!"},
    "POST /logs/{request_id}/public": {},
    "PUT /logs/{request_id}/hold": {"reason": "a case"},
    "PUT /collections/{collection_id}": {"description": "changed"},
    "PUT /collections/{collection_id}/requests": {"request_id": "r", "notes": "hm"},
    "POST /collections/{collection_id}/requests": {"request_id": REQUEST},
    "DELETE /collections/{collection_id}/requests": {"request_id": REQUEST},
    "POST /v1/alerts": {"name": "a", "kind": "silence", "url": "https://receiver.invalid/"},
    "PATCH /v1/alerts/{alert_id}": {"name": "b"},
    "POST /v1/alerts/{alert_id}/test": {},
    "POST /v1/alerts/{alert_id}/rotate": {},
    "POST /v1/traces": {"resourceSpans": []},
    "POST /v1/score": {"tokens": []},
    "POST /v1/score/log": {"tokens": []},
    "POST /v1/calibrators": {"score": "perplexity", "method": "platt"},
    "PATCH /v1/calibrators/{calibrator_id}": {"active": True},
    "POST /playground/mods/generate": {"config": {"position": "start", "injection_string": "x"}},
    "POST /playground/inference": {"model": "llama-3.1-8b", "messages": [{"role": "user", "content": "x"}]},
    "POST /playground/features/extract": {"model": "llama-3.1-8b", "tokens": [1]},
    "POST /playground/features/analyze": {"model": "llama-3.1-8b", "feature_timeline": TIMELINE},
    "POST /playground/activations/run": {"prompt": "x"},
    "POST /playground/activations/extract": {"token_ids": [1]},
    "POST /auth/keys": {"name": "made"},
    "POST /auth/keys/{key_id}/rotate": {},
    "POST /auth/bootstrap": {"name": "first", "secret": "guessed"},
}

ACCESS = (ROOT / "docs" / "ACCESS.md").read_text(encoding="utf-8")
ROWS = ROW.findall(ACCESS)


def send(client: Client, method: str, path: str, body: object, key: str | None) -> tuple[int, Any]:
    if path == PATH:
        return ask_for_events(client, key).status, None
    headers = {} if key is None else {"x_api_key": key}
    raw = None if body is None else json.dumps(body).encode()
    answer = client.request(method, path, raw, content_type="application/json", **headers)
    is_json = answer.headers["Content-Type"] == "application/json"
    return answer.status, answer.json if is_json else None


def test_each_caller_gets_the_answer_in_the_table(serve: Serve, database_url: str, sql: psycopg.Connection) -> None:
    client = serve(DATABASE_URL=database_url, THUNDER_ADMIN_KEY=ADMIN_KEY, THUNDER_SECRET=SECRET)
    for user in (OWNER, OTHER):
        document = {"request": {"request_id": REQUEST if user == OWNER else "other", "user_api_key": user}}
        assert send(client, "POST", "/v1/ingest", document, ADMIN_KEY)[0] == 201
    ingest_key = make_key(client, name="one", scopes=["ingest"], allowed_api_key=OWNER)["api_key"]
    scopes = ["read", "curate", "delete"]
    bound = {
        user: make_key(client, name="one", allowed_api_key=user, scopes=scopes)["api_key"] for user in (OWNER, OTHER)
    }
    boss = make_key(client, name="one", is_admin=True)["api_key"]
    callers = [(None,), (ingest_key,), (OTHER, bound[OTHER]), (OWNER, bound[OWNER]), (ADMIN_KEY, boss)]
    wrong = []
    for method, path, public, _, *statuses in ROWS:
        for caller, keys, expected in zip(CALLERS, callers, statuses, strict=True):
            for key in keys[:1] if path.startswith(PLAYGROUND) else keys:
                send(client, "POST", "/v1/ingest", BODIES["POST /v1/ingest"], ADMIN_KEY)  # an earlier row may delete it
                token = publish(client, wanted=bool(public) or "{token}" in path)
                body, filled = fill(client, sql, method, path, token)
                got, _ = send(client, method, filled, body, key)
                if got != int(expected):
                    wrong.append(f"{method} {path}{public}, {caller}: {got}, not {expected}")
    assert not wrong, "\n".join(wrong)


def test_each_route_requires_the_scope_in_the_table(serve: Serve, database_url: str, sql: psycopg.Connection) -> None:
    client = serve(DATABASE_URL=database_url, THUNDER_ADMIN_KEY=ADMIN_KEY, THUNDER_SECRET=SECRET)
    send(client, "POST", "/v1/ingest", BODIES["POST /v1/ingest"], ADMIN_KEY)
    keys = {
        scope: make_key(client, name="one", allowed_api_key=OWNER, scopes=[scope])["api_key"]
        for scope in ("ingest", "read", "curate", "delete")
    }
    wrong = []
    for method, path, public, needs, _, ingest, _, owner, _ in ROWS:
        for scope, key in keys.items():
            send(client, "POST", "/v1/ingest", BODIES["POST /v1/ingest"], ADMIN_KEY)
            body, filled = fill(client, sql, method, path, publish(client, wanted=bool(public) or "{token}" in path))
            covered = ingest if needs == "ingest" else owner
            expected = covered if needs in {"none", "any", scope} else "403"
            got, _ = send(client, method, filled, body, key)
            if got != int(expected):
                wrong.append(f"{method} {path}{public} with {scope}: {got}, not {expected}")
    assert not wrong, "\n".join(wrong)


def publish(client: Client, *, wanted: bool) -> str:
    """Return the link of the request, or no link."""
    _, share = send(client, "POST" if wanted else "DELETE", f"/logs/{REQUEST}/public", None, ADMIN_KEY)
    return share["public_token"] or ""


def comment(client: Client) -> int:
    """Create a comment to change, and return its number."""
    body = BODIES["POST /logs/{request_id}/discussions"]
    return send(client, "POST", f"/logs/{REQUEST}/discussions", body, ADMIN_KEY)[1]["discussion"]["id"]


def generate_mod(client: Client) -> dict[str, str]:
    """Return the body of an upload."""
    form = BODIES["POST /playground/mods/generate"]
    code = send(client, "POST", "/playground/mods/generate", form, ADMIN_KEY)[1]["code"]
    return {"model": "llama-3.1-8b", "code": code, "mod_name": "playground_mod"}


def alert(client: Client) -> int:
    """Replace the alerts of the owner by one, because their number is limited, and return its id."""
    for one in send(client, "GET", "/v1/alerts", None, ADMIN_KEY)[1]["alerts"]:
        send(client, "DELETE", f"/v1/alerts/{one['id']}", None, ADMIN_KEY)
    return send(client, "POST", "/v1/alerts", BODIES["POST /v1/alerts"], OWNER)[1]["id"]


def collect(client: Client, name: str) -> dict[str, Any]:
    """Create a collection of the owner with the request in it, publish it, and return its id and link."""
    made = send(client, "POST", "/collections", {"name": name}, OWNER)[1]["collection"]
    path = f"/collections/{made['id']}"
    assert send(client, "POST", f"{path}/requests", {"request_id": REQUEST}, OWNER)[0] == 200
    return send(client, "POST", f"{path}/public", None, OWNER)[1]


def fill(client: Client, sql: psycopg.Connection, method: str, path: str, token: str) -> tuple[object, str]:
    """Return the path and body of a request after creating the objects that they name."""
    body = generate_mod(client) if path == "/playground/mods/upload" else BODIES.get(f"{method} {path}")
    places: dict[str, Any] = {"request_id": REQUEST, "group_id": GROUP, "token": token}
    if "{key_id}" in path or (path == "/auth/keys" and method in ("PUT", "DELETE")):
        places["key_id"] = make_key(client, name="one")["id"]
        body = body if "{key_id}" in path else {"id": places["key_id"]}
    send(client, "DELETE", f"/logs/{REQUEST}/hold", None, ADMIN_KEY)  # an earlier row may set it
    if (method, path) == ("DELETE", "/logs/{request_id}/hold"):
        send(client, "PUT", f"/logs/{REQUEST}/hold", {"reason": "a case"}, ADMIN_KEY)
    if "{discussion_id}" in path:
        places["discussion_id"] = comment(client)
    if path.startswith("/v1/alerts"):
        places["alert_id"] = alert(client)
    if "{calibrator_id}" in path:
        places["calibrator_id"] = insert_calibrator(sql, label(OWNER))
    if "collection" in path or path.startswith("/share/{token}"):
        shelf = collect(client, "shelf")
        places |= {"collection_id": shelf["collection_id"]}
        if path.startswith("/share/{token}"):
            places |= {"token": shelf["public_token"]}
        if path == "/logs/{request_id}/collections" and method != "GET":
            body = {"collection_id": shelf["collection_id"]}
        if path == "/collections" and method == "POST":
            body = {"name": next(NAMES)}
    return body, make_run(sql, path).format(**places)


def make_run(sql: psycopg.Connection, path: str) -> str:
    """Insert the run of a path of the activations page, and return the path with the parameters that it needs."""
    if path.startswith("/playground/activations/{request_id}"):
        insert_run(sql, REQUEST, label(OWNER))
    return f"{path}?feature_id=1" if path.endswith("/feature-deltas") else path


def test_each_route_is_in_the_table(client: Client) -> None:
    paths = client.request("GET", "/openapi.json").json["paths"]
    routes = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    assert routes == {f"{method} {path}" for method, path, *_ in ROWS}
