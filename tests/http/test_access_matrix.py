"""Every route with every kind of key. A route that is missing from the table fails a test."""

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Route, WebSocketRoute

from functions import api, confidence
from functions.api import web
from functions.web import viewer
from tests.support.client import Client, make_key, send
from tests.support.databases import Databases
from tests.support.documents import call, make_document, number, one_token
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.servers import server_thread
from tests.support.streams import PATH, ask_for_events, ask_for_socket

# The columns, in this order:
#
# none        no key
# stranger    a user API key that another user's traces contain
# owner       a user API key that the owner's traces contain
# bound       an issued key for the owner with the default scopes, read and curate
# reader      an issued key for the owner with the scope `read`
# eraser      an issued key for the owner with the scopes `read` and `delete`
# unbound     an issued key for no user
# ingest      an issued key that may only post traces
# admin       an issued admin key
# configured  THUNDER_ADMIN_KEY
# expired     an expired admin key
# revoked     a revoked admin key
#
# {private}, {held} (on legal hold) and {public} are logs of the owner.
# {orphan} has no owner, so only admins may read it. {missing} does not exist.
# {collection} belongs to the owner, {admins} to the admins; {nowhere} does not exist. {shelf} is a link to a public
# collection, {fallen} a revoked link. {member} is a log in the preceding {shelf}.
# {group} is a group of the owner, {strange} one without an owner; {nobody} does not exist.
# {alert} belongs to the owner; {nowhen} does not exist.
# {comment} is a comment on the preceding request. {link} opens a public log; {dead} is a revoked link. {key} is the id
# of another key. For a WebSocket, 101 means that it stays open, and 1000 that it is closed and must not be retried.
TABLE = """
                                       none strang owner bound reader eraser unboun ingest admin config expire revoke
GET    /health                         200  200    200   200   200    200    200    200    200   200    200    200
GET    /healthz                        200  200    200   200   200    200    200    200    200   200    200    200
GET    /livez                          200  200    200   200   200    200    200    200    200   200    200    200
GET    /openapi.json                   200  200    200   200   200    200    200    200    200   200    200    200

GET    /                               200  200    200   200   200    200    200    200    200   200    200    200
GET    /view/{private}                 200  200    200   200   200    200    200    200    200   200    200    200
GET    /compare                        200  200    200   200   200    200    200    200    200   200    200    200
GET    /overview                       200  200    200   200   200    200    200    200    200   200    200    200

GET    /metrics                        401  403    403   403   403    403    403    403    200   200    401    401

GET    /auth/validate                  401  200    200   200   200    200    200    200    200   200    401    401
GET    /auth/me                        401  200    200   200   200    200    200    200    200   200    401    401
POST   /auth/bootstrap                 403  403    403   403   403    403    403    403    403   403    403    403
GET    /auth/keys                      401  403    403   403   403    403    403    403    200   200    401    401
POST   /auth/keys                      401  403    403   403   403    403    403    403    200   200    401    401
PUT    /auth/keys                      401  403    403   403   403    403    403    403    200   200    401    401
DELETE /auth/keys                      401  403    403   403   403    403    403    403    200   200    401    401
POST   /auth/keys/{key}/rotate         401  403    403   403   403    403    403    403    200   200    401    401

POST   /v1/ingest                      401  403    403   403   403    403    403    201    201   201    401    401
POST   /v1/traces                      401  403    403   403   403    403    403    200    200   200    401    401
POST   /v1/score                       401  200    200   200   200    200    200    200    200   200    401    401

GET    /logs                           401  200    200   200   200    200    200    403    200   200    401    401
GET    /logs/api-keys                  401  200    200   200   200    200    200    403    200   200    401    401
GET    /logs/stream                    401  200    200   200   200    200    200    403    200   200    401    401
WEBSOCKET /logs/stream                 1000 101    101   101   101    101    101    1000   101   101    1000   1000
GET    /logs/{private}                 401  404    200   200   200    200    404    403    200   200    401    401
GET    /logs/{public}                  200  200    200   200   200    200    200    403    200   200    401    401
GET    /logs/{orphan}                  401  404    404   404   404    404    404    403    200   200    401    401
GET    /logs/{missing}                 401  404    404   404   404    404    404    403    404   404    401    401
GET    /logs/{private}/trace           401  404    200   200   200    200    404    403    200   200    401    401
GET    /logs/{public}/trace            401  404    200   200   200    200    404    403    200   200    401    401
GET    /logs/{orphan}/trace            401  404    404   404   404    404    404    403    200   200    401    401
GET    /logs/{missing}/trace           401  404    404   404   404    404    404    403    404   404    401    401

DELETE /logs/{private}                 401  404    200   403   403    200    403    403    200   200    401    401
DELETE /logs/{public}                  401  404    200   403   403    200    403    403    200   200    401    401
DELETE /logs/{orphan}                  401  404    404   403   403    404    403    403    200   200    401    401
DELETE /logs/{missing}                 401  404    404   403   403    404    403    403    404   404    401    401
GET    /v1/deletions                   401  403    403   403   403    403    403    403    200   200    401    401
GET    /v1/holds                       401  403    403   403   403    403    403    403    200   200    401    401
PUT    /logs/{private}/hold            401  403    403   403   403    403    403    403    200   200    401    401
PUT    /logs/{missing}/hold            401  403    403   403   403    403    403    403    404   404    401    401
DELETE /logs/{held}/hold               401  403    403   403   403    403    403    403    200   200    401    401
DELETE /logs/{private}/hold            401  403    403   403   403    403    403    403    404   404    401    401
DELETE /logs/{missing}/hold            401  403    403   403   403    403    403    403    404   404    401    401
GET    /v1/audit                       401  403    403   403   403    403    403    403    200   200    401    401

GET    /logs/{private}/outcome         401  404    200   200   200    200    404    403    200   200    401    401
GET    /logs/{public}/outcome          401  404    200   200   200    200    404    403    200   200    401    401
GET    /logs/{missing}/outcome         401  404    404   404   404    404    404    403    404   404    401    401
POST   /logs/{private}/outcome         401  404    200   200   403    403    404    403    200   200    401    401
POST   /logs/{public}/outcome          401  404    200   200   403    403    404    403    200   200    401    401
POST   /logs/{orphan}/outcome          401  404    404   404   403    403    404    403    200   200    401    401
POST   /logs/{missing}/outcome         401  404    404   404   403    403    404    403    404   404    401    401

GET    /logs/{private}/tags            401  404    200   200   200    200    404    403    200   200    401    401
GET    /logs/{public}/tags             200  200    200   200   200    200    200    403    200   200    401    401
GET    /logs/{orphan}/tags             401  404    404   404   404    404    404    403    200   200    401    401
GET    /logs/{missing}/tags            401  404    404   404   404    404    404    403    404   404    401    401
POST   /logs/{private}/tags            401  404    200   200   403    403    404    403    200   200    401    401
POST   /logs/{public}/tags             401  404    200   200   403    403    404    403    200   200    401    401
POST   /logs/{orphan}/tags             401  404    404   404   403    403    404    403    200   200    401    401
POST   /logs/{missing}/tags            401  404    404   404   403    403    404    403    404   404    401    401
DELETE /logs/{private}/tags            401  404    200   200   403    403    404    403    200   200    401    401
DELETE /logs/{public}/tags             401  404    200   200   403    403    404    403    200   200    401    401
DELETE /logs/{orphan}/tags             401  404    404   404   403    403    404    403    200   200    401    401
DELETE /logs/{missing}/tags            401  404    404   404   403    403    404    403    404   404    401    401
GET    /logs/{private}/favorite        401  404    200   200   200    200    404    403    200   200    401    401
GET    /logs/{public}/favorite         200  200    200   200   200    200    200    403    200   200    401    401
GET    /logs/{orphan}/favorite         401  404    404   404   404    404    404    403    200   200    401    401
GET    /logs/{missing}/favorite        401  404    404   404   404    404    404    403    404   404    401    401
POST   /logs/{private}/favorite        401  404    200   200   403    403    404    403    200   200    401    401
POST   /logs/{public}/favorite         401  404    200   200   403    403    404    403    200   200    401    401
POST   /logs/{orphan}/favorite         401  404    404   404   403    403    404    403    200   200    401    401
POST   /logs/{missing}/favorite        401  404    404   404   403    403    404    403    404   404    401    401
DELETE /logs/{private}/favorite        401  404    200   200   403    403    404    403    200   200    401    401
DELETE /logs/{public}/favorite         401  404    200   200   403    403    404    403    200   200    401    401
DELETE /logs/{orphan}/favorite         401  404    404   404   403    403    404    403    200   200    401    401
DELETE /logs/{missing}/favorite        401  404    404   404   403    403    404    403    404   404    401    401

GET    /logs/{private}/discussions     401  404    200   200   200    200    404    403    200   200    401    401
GET    /logs/{public}/discussions      200  200    200   200   200    200    200    403    200   200    401    401
GET    /logs/{orphan}/discussions      401  404    404   404   404    404    404    403    200   200    401    401
GET    /logs/{missing}/discussions     401  404    404   404   404    404    404    403    404   404    401    401
POST   /logs/{private}/discussions     401  404    201   201   403    403    404    403    201   201    401    401
POST   /logs/{public}/discussions      401  404    201   201   403    403    404    403    201   201    401    401
POST   /logs/{orphan}/discussions      401  404    404   404   403    403    404    403    201   201    401    401
POST   /logs/{missing}/discussions     401  404    404   404   403    403    404    403    404   404    401    401
GET    /logs/{private}/discussions/{comment} 401  404    200   200   200    200    404    403    200   200    401    401
GET    /logs/{public}/discussions/{comment} 404  404    200   200   200    200    404    403    200   200    401    401
GET    /logs/{orphan}/discussions/{comment} 401  404    404   404   404    404    404    403    200   200    401    401
GET    /logs/{missing}/discussions/{comment} 401  404    404   404   404    404    404    403    404   404    401    401
PUT    /logs/{private}/discussions/{comment} 401  404    200   200   403    403    404    403    200   200    401    401
PUT    /logs/{public}/discussions/{comment} 401  404    200   200   403    403    404    403    200   200    401    401
PUT    /logs/{orphan}/discussions/{comment} 401  404    404   404   403    403    404    403    200   200    401    401
PUT    /logs/{missing}/discussions/{comment} 401  404    404   404   403    403    404    403    404   404    401    401
DELETE /logs/{private}/discussions/{comment} 401  404    200   200   403    403    404    403    200   200    401    401
DELETE /logs/{public}/discussions/{comment} 401  404    200   200   403    403    404    403    200   200    401    401
DELETE /logs/{orphan}/discussions/{comment} 401  404    404   404   403    403    404    403    200   200    401    401
DELETE /logs/{missing}/discussions/{comment} 401  404    404   404   403    403    404    403    404   404    401    401

POST   /logs/{private}/public          401  404    200   200   403    403    404    403    200   200    401    401
POST   /logs/{public}/public           401  404    200   200   403    403    404    403    200   200    401    401
POST   /logs/{orphan}/public           401  404    404   404   403    403    404    403    200   200    401    401
POST   /logs/{missing}/public          401  404    404   404   403    403    404    403    404   404    401    401
DELETE /logs/{private}/public          401  404    200   200   403    403    404    403    200   200    401    401
DELETE /logs/{public}/public           401  404    200   200   403    403    404    403    200   200    401    401
DELETE /logs/{orphan}/public           401  404    404   404   403    403    404    403    200   200    401    401
DELETE /logs/{missing}/public          401  404    404   404   403    403    404    403    404   404    401    401
GET    /share/request/{link}           200  200    200   200   200    200    200    200    200   200    200    200
GET    /share/request/{dead}           404  404    404   404   404    404    404    404    404   404    404    404

GET    /share/{shelf}                  200  200    200   200   200    200    200    200    200   200    200    200
GET    /share/{fallen}                 404  404    404   404   404    404    404    404    404   404    404    404
GET    /share/{shelf}/request/{member} 200  200    200   200   200    200    200    200    200   200    200    200
GET    /share/{shelf}/request/{private} 404  404    404   404   404    404    404    404    404   404    404    404

GET    /collections                    401  200    200   200   200    200    200    403    200   200    401    401
POST   /collections                    401  201    201   201   403    403    403    403    201   201    401    401
GET    /collections/{collection}       401  404    200   200   200    200    404    403    200   200    401    401
GET    /collections/{admins}           401  404    404   404   404    404    404    403    200   200    401    401
GET    /collections/{nowhere}          401  404    404   404   404    404    404    403    404   404    401    401
PUT    /collections/{collection}       401  404    200   200   403    403    404    403    200   200    401    401
PUT    /collections/{admins}           401  404    404   404   403    403    404    403    200   200    401    401
PUT    /collections/{nowhere}          401  404    404   404   403    403    404    403    404   404    401    401
DELETE /collections/{collection}       401  404    200   200   403    403    404    403    200   200    401    401
DELETE /collections/{admins}           401  404    404   404   403    403    404    403    200   200    401    401
DELETE /collections/{nowhere}          401  404    404   404   403    403    404    403    404   404    401    401
POST   /collections/{collection}/requests 401  404    200   200   403    403    404    403    200   200    401    401
POST   /collections/{admins}/requests  401  404    404   404   403    403    404    403    200   200    401    401
POST   /collections/{nowhere}/requests 401  404    404   404   403    403    404    403    404   404    401    401
DELETE /collections/{collection}/requests 401  404    200   200   403    403    404    403    200   200    401    401
DELETE /collections/{admins}/requests  401  404    404   404   403    403    404    403    200   200    401    401
DELETE /collections/{nowhere}/requests 401  404    404   404   403    403    404    403    404   404    401    401
POST   /collections/{collection}/public 401  404    200   200   403    403    404    403    200   200    401    401
POST   /collections/{admins}/public    401  404    404   404   403    403    404    403    200   200    401    401
POST   /collections/{nowhere}/public   401  404    404   404   403    403    404    403    404   404    401    401
DELETE /collections/{collection}/public 401  404    200   200   403    403    404    403    200   200    401    401
DELETE /collections/{admins}/public    401  404    404   404   403    403    404    403    200   200    401    401
DELETE /collections/{nowhere}/public   401  404    404   404   403    403    404    403    404   404    401    401
GET    /logs/{private}/collections     401  404    200   200   200    200    404    403    200   200    401    401
GET    /logs/{public}/collections      200  200    200   200   200    200    200    403    200   200    401    401
GET    /logs/{orphan}/collections      401  404    404   404   404    404    404    403    200   200    401    401
GET    /logs/{missing}/collections     401  404    404   404   404    404    404    403    404   404    401    401
POST   /logs/{private}/collections     401  404    200   200   403    403    404    403    200   200    401    401
POST   /logs/{public}/collections      401  404    200   200   403    403    404    403    200   200    401    401
POST   /logs/{orphan}/collections      401  404    404   404   403    403    404    403    409   409    401    401
POST   /logs/{missing}/collections     401  404    404   404   403    403    404    403    404   404    401    401
DELETE /logs/{private}/collections     401  404    200   200   403    403    404    403    200   200    401    401
DELETE /logs/{public}/collections      401  404    200   200   403    403    404    403    200   200    401    401
DELETE /logs/{orphan}/collections      401  404    404   404   403    403    404    403    200   200    401    401
DELETE /logs/{missing}/collections     401  404    404   404   403    403    404    403    404   404    401    401

GET    /v1/confidence/summary          401  200    200   200   200    200    200    403    200   200    401    401
GET    /v1/confidence/drift            401  200    200   200   200    200    200    403    200   200    401    401
GET    /v1/confidence/calibration      401  200    200   200   200    200    200    403    200   200    401    401
GET    /v1/confidence/{private}        401  404    200   200   200    200    404    403    200   200    401    401
GET    /v1/confidence/{public}         401  404    200   200   200    200    404    403    200   200    401    401
GET    /v1/confidence/{orphan}         401  404    404   404   404    404    404    403    200   200    401    401
GET    /v1/confidence/{missing}        401  404    404   404   404    404    404    403    404   404    401    401
GET    /v1/confidence/{private}/spans  401  404    200   200   200    200    404    403    200   200    401    401
GET    /v1/confidence/{orphan}/spans   401  404    404   404   404    404    404    403    200   200    401    401
GET    /v1/confidence/{missing}/spans  401  404    404   404   404    404    404    403    404   404    401    401
GET    /v1/confidence/groups/{group}   401  404    200   200   200    200    404    403    200   200    401    401
GET    /v1/confidence/groups/{strange} 401  404    404   404   404    404    404    403    200   200    401    401
GET    /v1/confidence/groups/{nobody}  401  404    404   404   404    404    404    403    404   404    401    401
GET    /v1/mods                        401  200    200   200   200    200    200    403    200   200    401    401

GET    /v1/alerts                      401  200    200   200   200    200    200    403    200   200    401    401
POST   /v1/alerts                      401  201    201   201   403    403    403    403    201   201    401    401
GET    /v1/alerts/feed                 401  200    200   200   200    200    200    403    200   200    401    401
GET    /v1/alerts/{alert}              401  404    200   200   200    200    404    403    200   200    401    401
GET    /v1/alerts/{nowhen}             401  404    404   404   404    404    404    403    404   404    401    401
PATCH  /v1/alerts/{alert}              401  404    200   200   403    403    404    403    200   200    401    401
PATCH  /v1/alerts/{nowhen}             401  404    404   404   403    403    404    403    404   404    401    401
DELETE /v1/alerts/{alert}              401  404    200   200   403    403    404    403    200   200    401    401
DELETE /v1/alerts/{nowhen}             401  404    404   404   403    403    404    403    404   404    401    401
POST   /v1/alerts/{alert}/test         401  404    200   200   403    403    404    403    200   200    401    401
POST   /v1/alerts/{nowhen}/test        401  404    404   404   403    403    404    403    404   404    401    401
POST   /v1/alerts/{alert}/rotate       401  404    200   200   403    403    404    403    200   200    401    401
POST   /v1/alerts/{nowhen}/rotate      401  404    404   404   403    403    404    403    404   404    401    401
"""
COLUMNS, *ROWS = [line.split() for line in TABLE.splitlines() if line.strip()]
PARAMETERS = {
    **dict.fromkeys(("private", "public", "orphan", "missing", "held"), "request_id"),
    **dict.fromkeys(("link", "dead"), "token"),
    **dict.fromkeys(("collection", "admins", "nowhere"), "collection_id"),
    **dict.fromkeys(("shelf", "fallen"), "token"),
    **dict.fromkeys(("group", "strange", "nobody"), "group_id"),
    **dict.fromkeys(("alert", "nowhen"), "alert_id"),
    "member": "request_id",
    "comment": "discussion_id",
    "key": "key_id",
}
OWNER, STRANGER = "key-of-the-owner", "key-of-the-stranger"
CHANGES = ("POST", "DELETE")
TOKENS = {"tokens": [{"text": "x", "logprob": -1.0}]}


@dataclass(frozen=True)
class Place:
    """A server whose database contains the objects that the rows name."""

    client: Client
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
            "shelf": lambda: self.shelve(taken_back=False),
            "fallen": lambda: self.shelve(taken_back=True),
            "member": lambda: self.members[before],
            "group": lambda: self.post_group(OWNER),
            "strange": lambda: self.post_group(None),
            "nobody": lambda: next(self.names),
            "comment": lambda: self.comment(before),
            "key": lambda: str(make_key(self.client, name="another")["id"]),
        }
        return makers[name]()

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
            "POST /auth/bootstrap": lambda: {"name": "me", "secret": "guessed"},
            "POST /auth/keys": lambda: {"name": "new", "is_admin": True},
            "PUT /auth/keys": lambda: {"id": int(self.make("key")), "is_admin": True},
            "DELETE /auth/keys": lambda: {"id": int(self.make("key"))},
            **{f"{method} /logs/{{request_id}}/tags": lambda: {"tag": "good"} for method in CHANGES},
            **{f"{method} /logs/{{request_id}}/favorite": lambda: {"name": "ann"} for method in CHANGES},
            "POST /logs/{request_id}/discussions": lambda: {"username": "ann", "comment": "hm"},
            "PUT /logs/{request_id}/discussions/{discussion_id}": lambda: {"comment": "hm!"},
            "POST /v1/alerts": self.make_alert,
            "PATCH /v1/alerts/{alert_id}": lambda: {"name": "b"},
            "POST /collections": lambda: {"name": next(self.names)},
            "PUT /collections/{collection_id}": lambda: {"name": next(self.names)},
            **{f"{method} /collections/{{collection_id}}/requests": self.make_membership for method in CHANGES},
            **{f"{method} /logs/{{request_id}}/collections": self.make_collection for method in CHANGES},
            "PUT /logs/{request_id}/hold": lambda: {"reason": "a case"},
            "POST /logs/{request_id}/outcome": lambda: {"correct": True},
        }
        return bodies.get(route, dict)()


@pytest.fixture(scope="module")
def place(databases: Databases) -> Iterator[Place]:
    url = databases.create("matrix")
    direct = databases.reach(url)
    with server_thread(url, THUNDER_SECRET=SECRET) as client, psycopg.connect(direct, autocommit=True) as sql:
        made = {
            "bound": make_key(client, name="bound", allowed_api_key=OWNER),
            "reader": make_key(client, name="reader", allowed_api_key=OWNER, scopes=["read"]),
            "eraser": make_key(client, name="eraser", allowed_api_key=OWNER, scopes=["read", "delete"]),
            "unbound": make_key(client, name="unbound"),
            "ingest": make_key(client, name="ingest", scopes=["ingest"]),
            "admin": make_key(client, name="admin", is_admin=True),
            "expired": make_key(client, name="expired", is_admin=True, allowed_api_key=OWNER),
            "revoked": make_key(client, name="revoked", is_admin=True, allowed_api_key=OWNER),
        }
        sql.execute("update api_keys set expires_at = now() where id = %s", [made["expired"]["id"]])
        assert send(client, "DELETE", "/auth/keys", ADMIN_KEY, id=made["revoked"]["id"]).status == 200
        given = {name: key["api_key"] for name, key in made.items()}
        every = {"none": None, "stranger": STRANGER, "owner": OWNER, "configured": ADMIN_KEY, **given}
        keys = {column: next(key for name, key in every.items() if name.startswith(column)) for column in COLUMNS}
        place = Place(client, keys, (f"r{number}" for number in itertools.count()))
        place.post(OWNER)
        place.post(STRANGER)
        yield place
    databases.drop("matrix")


def name_route(method: str, path: str) -> str:
    """Return a row's route with the parameter names of the application."""
    return f"{method} {re.sub(r'{(.*?)}', lambda found: f'{{{PARAMETERS[found[1]]}}}', path)}"


def test_each_route_answers_each_key_as_in_the_table(place: Place) -> None:
    assert [[*row[:2], *ask(place, *row[:2])] for row in ROWS] == ROWS


def ask(place: Place, method: str, path: str) -> Iterator[str]:
    """Return the status for each key. A row that changes its object gets a new one for each."""
    filled = ""
    for key in place.keys.values():
        if method not in {"GET", "WEBSOCKET"} or not filled:
            filled = place.fill(path)
        if method == "WEBSOCKET":
            yield str(ask_for_socket(place.client, key))
            continue
        if path == PATH:
            answer = ask_for_events(place.client, key)
        else:
            answer = send(place.client, method, filled, key, **place.make_body(name_route(method, path)))
        if answer.status >= 400:
            assert set(answer.json) == {"error", "message", "code"}, answer.data
            assert answer.json["code"] == answer.status
        yield str(answer.status)


def list_routes(app: FastAPI) -> set[str]:
    """List each method of each path, of the application and of the endpoints that it mounts."""
    routers = [viewer.router, *(one.router for one in (*api.ENDPOINTS, *confidence.TOPICS))]
    endpoints = [router.routes for router in routers]
    every: list[BaseRoute] = [*app.routes, *itertools.chain.from_iterable(endpoints)]
    routes = {f"WEBSOCKET {route.path}" for route in every if isinstance(route, WebSocketRoute)}
    for route in every:
        if isinstance(route, Route | APIRoute):
            # Starlette's own routes answer HEAD where they answer GET.
            path = route.path.replace(":path}", "}")
            routes |= {f"{method} {path}" for method in route.methods or () if method != "HEAD"}
    documented = {f"{method.upper()} {path}" for path, item in app.openapi()["paths"].items() for method in item}
    assert documented <= routes, "list_routes misses a documented route"
    return routes


def test_no_route_is_missing_from_the_table() -> None:
    assert {name_route(method, path) for method, path, *_ in ROWS} == list_routes(web())


def test_rows_are_unique_and_complete() -> None:
    assert len({(method, path) for method, path, *_ in ROWS}) == len(ROWS)
    assert {len(row) for row in ROWS} == {len(COLUMNS) + 2}
