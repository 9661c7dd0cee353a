"""A server with an object for each placeholder of the access table."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg

from tests.support.client import Client, make_key, send
from tests.support.documents import call, make_document, number, one_token
from tests.support.keys import ADMIN_KEY, label
from tests.support.labels import insert_calibrator
from tests.support.runs import insert_run

OWNER, STRANGER = "key-of-the-owner", "key-of-the-stranger"
CHANGES = ("POST", "DELETE")
LLAMA = {"model": "llama-3.1-8b"}
MOD = {"config": {"position": "start", "injection_string": "x"}}
ENTRY: dict[str, Any] = {"position": 0, "token": 1, "token_str": "a", "top_features": []}
TOKENS = {"tokens": [{"text": "x", "logprob": -1.0}]}


@dataclass(frozen=True)
class Place:
    """A server whose database contains the objects that the rows name."""

    client: Client
    sql: psycopg.Connection
    keys: dict[str, str | None]
    names: Iterator[str]
    members: dict[str, str] = field(default_factory=dict[str, str])

    def post(self, user: str | None, group_id: str | None = None) -> str:
        request_id = next(self.names)
        fields = {"user_api_key": user, "group_id": group_id}
        document = make_document(request_id, number(one_token()), mod_calls=[call(1)], request=fields)
        assert self.client.ingest(document, x_api_key=ADMIN_KEY).status == 201
        return request_id

    def post_group(self, user: str | None) -> str:
        group_id = next(self.names)
        self.post(user, group_id)
        return group_id

    def publish(self, request_id: str) -> str:
        answer = send(self.client, "POST", f"/logs/{request_id}/public", ADMIN_KEY)
        assert answer.status == 200
        return answer.json["public_token"]

    def collect(self, key: str) -> int:
        return send(self.client, "POST", "/collections", key, name=next(self.names)).json["collection"]["id"]

    def alert(self) -> str:
        """Replace the alerts of the owner by one, because their number is limited."""
        for one in send(self.client, "GET", "/v1/alerts", OWNER).json["alerts"]:
            send(self.client, "DELETE", f"/v1/alerts/{one['id']}", ADMIN_KEY)
        return str(send(self.client, "POST", "/v1/alerts", OWNER, **self.make_alert()).json["id"])

    def make_alert(self) -> dict[str, Any]:
        return {"name": "a", "kind": "silence", "url": "https://receiver.invalid/"}

    def shelve(self, *, taken_back: bool) -> str:
        """Create a collection of the owner with one request, and return its link."""
        number, request_id = self.collect(OWNER), self.post(OWNER)
        added = send(self.client, "POST", f"/collections/{number}/requests", OWNER, request_id=request_id)
        token = send(self.client, "POST", f"/collections/{number}/public", OWNER).json["public_token"]
        self.members[token] = request_id
        if taken_back:
            send(self.client, "DELETE", f"/collections/{number}/public", OWNER)
        assert added.status == 200
        return token

    def make_mod(self) -> dict[str, Any]:
        code = send(self.client, "POST", "/playground/mods/generate", ADMIN_KEY, **MOD).json["code"]
        return {**LLAMA, "code": code, "mod_name": "playground_mod"}

    def make_membership(self) -> dict[str, Any]:
        return {"request_id": self.post(OWNER)}

    def make_collection(self) -> dict[str, Any]:
        return {"collection_id": self.collect(OWNER)}

    def comment(self, request_id: str) -> str:
        answer = send(self.client, "POST", f"/logs/{request_id}/discussions", ADMIN_KEY, username="ann", comment="hm")
        return str(answer.json["discussion"]["id"]) if answer.status == 201 else "1"

    def fill(self, path: str) -> str:
        """Replace each placeholder of a path by a new object; later ones may belong to earlier ones."""
        made = ""

        def make(found: re.Match[str]) -> str:
            nonlocal made
            made = self.make(found[1], made)
            return made

        return re.sub(r"{(.*?)}", make, path)

    def make(self, name: str, before: str = "") -> str:
        """Create an object for a placeholder. Each call creates one, because some rows change it."""
        makers: dict[str, Callable[[], str]] = {
            "missing": lambda: next(self.names),
            "private": lambda: self.post(OWNER),
            "public": lambda: self.post_published()[0],
            "orphan": lambda: self.post(None),
            "held": self.hold,
            "link": lambda: self.post_published()[1],
            "dead": self.make_dead_link,
            "collection": lambda: str(self.collect(OWNER)),
            "admins": lambda: str(self.collect(ADMIN_KEY)),
            "nowhere": lambda: "9999999",
            "nowhen": lambda: "9999999",
            "alert": self.alert,
            "run": self.insert_run,
            "shelf": lambda: self.shelve(taken_back=False),
            "fallen": lambda: self.shelve(taken_back=True),
            "member": lambda: self.members[before],
            "group": lambda: self.post_group(OWNER),
            "strange": lambda: self.post_group(None),
            "nobody": lambda: next(self.names),
            "comment": lambda: self.comment(before),
            "calibrator": lambda: str(insert_calibrator(self.sql, label(OWNER))),
            "general": lambda: str(insert_calibrator(self.sql)),
            "absent": lambda: "9999999",
            "key": lambda: str(make_key(self.client, name="another")["id"]),
        }
        return makers[name]()

    def insert_run(self) -> str:
        request_id = next(self.names)
        insert_run(self.sql, request_id, label(OWNER))
        return request_id

    def post_published(self) -> tuple[str, str]:
        request_id = self.post(OWNER)
        return request_id, self.publish(request_id)

    def hold(self) -> str:
        request_id = self.post(OWNER)
        assert send(self.client, "PUT", f"/logs/{request_id}/hold", ADMIN_KEY, reason="a case").status == 200
        return request_id

    def make_dead_link(self) -> str:
        request_id, token = self.post_published()
        assert send(self.client, "DELETE", f"/logs/{request_id}/public", ADMIN_KEY).status == 200
        return token

    def make_body(self, route: str) -> dict[str, Any]:
        bodies: dict[str, Callable[[], dict[str, Any]]] = {
            "POST /v1/ingest": lambda: make_document(next(self.names)),
            "POST /v1/traces": lambda: {"resourceSpans": []},
            "POST /v1/score": lambda: TOKENS,
            "POST /v1/score/log": lambda: TOKENS,
            "POST /auth/bootstrap": lambda: {"name": "me", "secret": "guessed"},
            "POST /playground/mods/generate": lambda: MOD,
            "POST /playground/mods/upload": self.make_mod,
            "POST /playground/inference": lambda: {**LLAMA, "messages": [{"role": "user", "content": "x"}]},
            "POST /playground/features/extract": lambda: {**LLAMA, "tokens": [1]},
            "POST /playground/features/analyze": lambda: {**LLAMA, "feature_timeline": [ENTRY]},
            "POST /auth/keys": lambda: {"name": "new", "is_admin": True},
            "PUT /auth/keys": lambda: {"id": int(self.make("key")), "is_admin": True},
            "DELETE /auth/keys": lambda: {"id": int(self.make("key"))},
            **{f"{method} /logs/{{request_id}}/tags": lambda: {"tag": "good"} for method in CHANGES},
            **{f"{method} /logs/{{request_id}}/favorite": lambda: {"name": "ann"} for method in CHANGES},
            "POST /logs/{request_id}/discussions": lambda: {"username": "ann", "comment": "hm"},
            "PUT /logs/{request_id}/discussions/{discussion_id}": lambda: {"comment": "hm!"},
            "POST /playground/activations/run": lambda: {"prompt": "x"},
            "POST /playground/activations/extract": lambda: {"token_ids": [1]},
            "POST /v1/alerts": self.make_alert,
            "PATCH /v1/alerts/{alert_id}": lambda: {"name": "b"},
            "POST /collections": lambda: {"name": next(self.names)},
            "PUT /collections/{collection_id}": lambda: {"name": next(self.names)},
            "PUT /collections/{collection_id}/requests": lambda: {**self.make_membership(), "notes": None},
            **{f"{method} /collections/{{collection_id}}/requests": self.make_membership for method in CHANGES},
            **{f"{method} /logs/{{request_id}}/collections": self.make_collection for method in CHANGES},
            "PUT /logs/{request_id}/hold": lambda: {"reason": "a case"},
            "POST /v1/calibrators": lambda: {"score": "perplexity", "method": "platt"},
            "PATCH /v1/calibrators/{calibrator_id}": lambda: {"active": True},
            "POST /logs/{request_id}/outcome": lambda: {"correct": True},
        }
        return bodies.get(route, dict)()
