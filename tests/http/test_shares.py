"""Links open one log to everyone who has them, until they are revoked."""

import base64
import itertools
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from core.wire.zstandard import decompress
from tests.support.client import Answer, Client, make_key, send
from tests.support.databases import Databases
from tests.support.documents import action, call, forward, make_document, number, one_token
from tests.support.keys import ADMIN_KEY, SECRET, label
from tests.support.servers import Serve, server_thread

OWNER, STRANGER = "key-of-the-owner", "key-of-the-stranger"
SHARE = {"request_id", "is_public", "public_token", "public_url", "message"}


@dataclass(frozen=True)
class Place:
    client: Client
    sql: psycopg.Connection
    numbers: Iterator[int]

    def post(self, request_id: str | None = None, user: str = OWNER, **request: Any) -> str:
        """Post a trace that contains the user's key in every field where an engine puts it."""
        request_id = request_id or f"r{next(self.numbers)}"
        mod = f"nudge@{user}"
        document = make_document(
            request_id,
            number(one_token()),
            mod_calls=[call(1, mod=mod)],
            mod_logs=[{"mod_call_sequence": 0, "mod_name": mod, "log_message": "hm"}],
            actions=[action("Noop")],
            request={"user_api_key": user, "active_mod_name": mod, "mod_text": f"org/{mod}", **request},
        )
        assert self.client.ingest(document, x_api_key=ADMIN_KEY).status == 201
        return request_id

    def publish(self, request_id: str, key: str | None = OWNER, **body: Any) -> dict[str, Any]:
        answer = send(self.client, "POST", f"/logs/{request_id}/public", key, **body)
        assert answer.status == 200, answer.data
        return answer.json

    def unpublish(self, request_id: str) -> dict[str, Any]:
        answer = send(self.client, "DELETE", f"/logs/{request_id}/public", OWNER)
        assert answer.status == 200, answer.data
        return answer.json

    def get(self, path: str, key: str | None = None) -> Answer:
        return send(self.client, "GET", path, key)


@pytest.fixture(scope="module")
def place(databases: Databases) -> Iterator[Place]:
    url = databases.create("shares")
    direct = databases.reach(url)
    with server_thread(url, THUNDER_SECRET=SECRET) as client, psycopg.connect(direct, autocommit=True) as sql:
        place = Place(client, sql, itertools.count())
        place.post(user=STRANGER)
        yield place
    databases.drop("shares")


def test_publishing_twice_returns_the_same_link(place: Place) -> None:
    request_id = place.post()
    share = place.publish(request_id)
    assert set(share) >= SHARE
    assert (share["request_id"], share["is_public"]) == (request_id, True)
    assert share["public_url"] == f"/share/request/{share['public_token']}"
    for key in (OWNER, ADMIN_KEY, make_key(place.client, name="k", allowed_api_key=OWNER)["api_key"]):
        assert place.publish(request_id, key)["public_token"] == share["public_token"]
        assert place.get(f"/logs/{request_id}", key).json["public_token"] == share["public_token"]
    assert place.get(share["public_url"]).status == 200


def test_tokens_have_256_random_bits_and_are_unique(place: Place) -> None:
    tokens = [place.publish(place.post())["public_token"] for _ in range(20)]
    for token in tokens:
        assert len(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))) >= 32
    assert len(set(tokens)) == 20
    for position in range(42):
        assert len({token[position] for token in tokens}) > 5, "each position of a token varies"


def test_a_revoked_link_never_works_again(place: Place) -> None:
    request_id = place.post()
    dead: list[str] = []
    for _ in range(3):
        dead.append(place.publish(request_id)["public_url"])
        share = place.unpublish(request_id)
        assert set(share) >= SHARE
        assert (share["is_public"], share["public_token"], share["public_url"]) == (False, None, None)
        assert place.get(f"/logs/{request_id}").status == 401
        assert place.get(f"/logs/{request_id}", STRANGER).status == 404
        assert place.get(f"/logs/{request_id}", OWNER).json["public_token"] is None
    alive = place.publish(request_id)["public_url"]
    assert len({*dead, alive}) == 4
    assert [place.get(link).status for link in [*dead, alive]] == [404, 404, 404, 200]
    assert place.unpublish(request_id)["message"] != place.unpublish(request_id)["message"]


def test_an_invalid_link_is_not_found(place: Place) -> None:
    token = place.publish(place.post())["public_token"]
    request_id = place.post()
    for text in ("x", token[:-1], token + "A", token.swapcase(), "%00", "%F0%9F%99%82", "x" * 3000, request_id, "null"):
        answer = place.get(f"/share/request/{text}")
        assert answer.status == 404, text
    stolen = [row[0] for row in place.sql.execute("select encode(share_token_hash, 'hex') from requests").fetchall()]
    for text in (one for one in stolen if one):
        assert place.get(f"/share/request/{text}").status == 404
        as_token = base64.urlsafe_b64encode(bytes.fromhex(text)).decode().rstrip("=")
        assert place.get(f"/share/request/{as_token}").status == 404


def test_a_link_ends_at_its_expiry(place: Place) -> None:
    request_id = place.post()
    moment = datetime.now(UTC) + timedelta(hours=1)
    share = place.publish(request_id, expires_at=moment.isoformat())
    assert datetime.fromisoformat(share["expires_at"]) == moment
    assert place.publish(request_id)["expires_at"] == share["expires_at"], "publishing again keeps the expiry"
    later = place.publish(request_id, expires_at=(moment + timedelta(hours=1)).timestamp())
    assert later["public_token"] == share["public_token"]
    assert datetime.fromisoformat(later["expires_at"]) > moment
    place.sql.execute("update requests set share_expires_at = now() where request_id = %s", [request_id])
    assert place.get(share["public_url"]).status == 404
    assert place.get(f"/logs/{request_id}").status == 401
    assert place.get(f"/logs/{request_id}", STRANGER).status == 404
    shown = place.get(f"/logs/{request_id}", OWNER).json
    assert (shown["is_public"], shown["public_token"]) == (False, None)
    again = place.publish(request_id)
    assert again["public_token"] != share["public_token"]
    assert again["expires_at"] is None
    assert [place.get(one["public_url"]).status for one in (share, again)] == [404, 200]


@pytest.mark.parametrize("expires_at", ["2020-01-01T00:00:00Z", 0, -1e300, 1e300, "soon", True, [], "1e999"])
def test_a_past_or_invalid_expiry_is_rejected(place: Place, expires_at: object) -> None:
    request_id = place.post()
    answer = send(place.client, "POST", f"/logs/{request_id}/public", OWNER, expires_at=expires_at)
    assert answer.status == 400, answer.data
    assert place.get(f"/logs/{request_id}").status == 401


def test_a_link_survives_the_replacement_of_its_trace(place: Place) -> None:
    request_id = place.post(final_text="before")
    link = place.publish(request_id)["public_url"]
    place.post(request_id, final_text="after")
    assert place.get(link).json["final_text"] == "after"
    assert place.publish(request_id)["public_url"] == link


def test_a_public_log_is_readable_without_a_key_and_contains_none(place: Place) -> None:
    request_id = place.post()
    share = place.publish(request_id)
    place.sql.execute(
        "update requests set favorited_by = '{ann}', tags = '{t}', discussion_count = 3 where request_id = %s",
        [request_id],
    )
    owned = place.get(f"/logs/{request_id}", OWNER).json
    assert (owned["favorited_by"], owned["user_api_key"]) == (["ann"], label(OWNER))
    unbound = make_key(place.client, name="unbound")["api_key"]
    answers = [place.get(share["public_url"], key) for key in (None, STRANGER, OWNER, ADMIN_KEY)]
    answers += [place.get(f"/logs/{request_id}", key) for key in (None, STRANGER, unbound)]
    for answer in answers:
        assert answer.status == 200
        shown = answer.json
        text = json.dumps(shown, ensure_ascii=False)
        for hidden in (OWNER, label(OWNER), label(OWNER)[-12:], share["public_token"], "ann"):
            assert hidden not in text
        assert (shown["user_api_key"], shown["public_token"], shown["favorited_by"]) == (None, None, [])
        assert shown["is_public"] is True
        assert shown["discussion_count"] == 0
        hidden_fields = ("user_api_key", "public_token", "favorited_by", "discussion_count")
        same = {name: value for name, value in owned.items() if name not in hidden_fields}
        assert {name: value for name, value in shown.items() if name not in hidden_fields} == same
    assert place.get(f"/logs/{request_id}/trace").status == 401
    assert place.get("/logs").status == 401


def test_a_link_opens_only_its_log(place: Place) -> None:
    first, second = place.post(), place.post()
    link = place.publish(first)["public_url"]
    assert place.get(link).json["request_id"] == first
    assert place.get(f"/logs/{second}").status == 401
    assert place.get(f"{link}/").json["request_id"] == first
    assert place.get(f"{link}/request/{second}").status == 404


def test_tokens_are_not_stored_in_the_database(place: Place) -> None:
    tokens = [place.publish(place.post())["public_token"] for _ in range(3)]
    place.unpublish(place.get(f"/share/request/{tokens[0]}").json["request_id"])
    stored = b""
    for row in place.sql.execute("select * from requests join request_traces on request_pk = id").fetchall():
        for value in row:
            stored += value if isinstance(value, bytes) else str(value).encode()
            if isinstance(value, bytes) and value.startswith(b"\x28\xb5\x2f\xfd"):
                stored += decompress(value)
    for token in tokens:
        assert token.encode() not in stored
        assert base64.urlsafe_b64decode(token + "=") not in stored


def test_tokens_cannot_be_computed_without_the_secret(serve: Serve, database_url: str) -> None:
    settings = {"DATABASE_URL": database_url, "THUNDER_ADMIN_KEY": ADMIN_KEY}
    one = serve(THUNDER_SECRET=SECRET, **settings)
    one.ingest(make_document(), x_api_key=ADMIN_KEY)
    token = send(one, "POST", "/logs/r1/public", ADMIN_KEY).json["public_token"]
    other = serve(THUNDER_SECRET="another", **settings)
    assert send(other, "GET", "/logs/r1", ADMIN_KEY).json["public_token"] != token


@pytest.mark.parametrize("what", ["only publish", "publish and take back"])
def test_concurrent_publishing_returns_one_working_link(place: Place, what: str) -> None:
    with ThreadPoolExecutor(8) as executor:
        for _ in range(3):
            request_id = place.post()
            if what != "only publish":
                old = place.publish(request_id)["public_url"]
                place.unpublish(request_id)
                assert place.get(old).status == 404
            links = {share["public_url"] for share in executor.map(place.publish, [request_id] * 8)}
            assert len(links) == 1
            assert place.get(links.pop()).status == 200


def test_concurrent_publishing_and_revoking_is_consistent(place: Place) -> None:
    request_id = place.post()
    with ThreadPoolExecutor(8) as executor:
        futures = [executor.submit(act, request_id) for act in [place.publish, place.unpublish] * 8]
        answers = [future.result() for future in futures]
    shown = place.get(f"/logs/{request_id}", OWNER).json
    links = {answer["public_url"] for answer in answers if answer["public_url"]}
    alive = {link for link in links if place.get(link).status == 200}
    assert alive == ({f"/share/request/{shown['public_token']}"} if shown["is_public"] else set())


@pytest.mark.parametrize("user", ["bob@example.com-and-more", "clé-of-a-user-0123456789", "key/of/a/user-0123456789"])
@pytest.mark.parametrize("accepted", ["identity", "zstd"])
def test_a_label_in_a_list_is_hidden_for_any_key(client: Client, user: str, accepted: str) -> None:
    top = [{"token": 1, "logprob": -0.1, "token_str": f"hi {user}"}]
    document = make_document("r1", number([forward(top)]), request={"user_api_key": user})
    assert client.ingest(document, x_api_key=ADMIN_KEY).status == 201
    assert label(user) in client.get("/logs/r1/trace").data.decode()
    link = send(client, "POST", "/logs/r1/public", ADMIN_KEY).json["public_url"]
    shown = client.request("GET", link, None, accept_encoding=accepted)
    assert shown.status == 200
    assert shown.json["events"][0]["top_tokens"][0]["token_str"] == "hi …"
    assert shown.json["step_logit_summaries"][0]["topk"][0]["token_str"] == "hi …"
