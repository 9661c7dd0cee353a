"""A database on which THUNDER_SECRET is rotated, with servers as containers and commands."""

from dataclasses import dataclass
from typing import Any

import psycopg
from click.testing import Result

from core.access.hasher import Hasher
from tests.support.client import Client
from tests.support.command import Command
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.posts import post
from tests.support.servers import Serve

NEW, THIRD = (f"the {name} secret, of at least 32 characters" for name in ("new", "third"))
OLD_HASHER, NEW_HASHER = Hasher(SECRET.encode()), Hasher(NEW.encode())
ANN, BOB, CARL = "the long key of ann", "bob", "the long key of carl"
IDS = {ANN: ["ann-1", "ann-2"], BOB: ["bob-1"], CARL: ["carl-1"]}
"""The requests of each user before the rotation."""
ROTATING = {"THUNDER_SECRET": NEW, "THUNDER_SECRET_PREVIOUS": SECRET}
FINISHED = {"THUNDER_SECRET": NEW, "THUNDER_SECRET_PREVIOUS": ""}
KEPT = {"former_owners.user_key_hmac", "former_owners.user_key_label"}
"""The columns that list the owners before the rotation."""
INSERT_CALIBRATOR = """
insert into calibrators (
    user_key_hmac, user_key_label, for_users, model, k, version, is_active, score, method, slope, intercept, n, correct,
    labelled_from, labelled_to, quality
) values (%s, %s, false, 'm', 2, 1, true, 'sequence_confidence', 'platt', -1, 0, 9, 5, now(), now(), '{}')
"""


def list_ids(client: Client, key: str, query: str = "") -> list[str]:
    """Return the ids in the feed of a key."""
    answer = client.request("GET", f"/logs{query}", x_api_key=key)
    assert answer.status == 200, answer.data
    return sorted(row["request_id"] for row in answer.json["data"])


@dataclass
class Rotation:
    """A database with the requests in IDS, and a server `old` with the secret from before the rotation."""

    serve: Serve
    manage: Command
    sql: psycopg.Connection
    url: str

    def __post_init__(self) -> None:
        self.old = self.start(THUNDER_SECRET=SECRET)
        for user, ids in IDS.items():
            post(self.old, *ids, user=user)

    def start(self, **environment: str) -> Client:
        """Start one more server on the database, as another container."""
        settings = {"DATABASE_URL": self.url, "THUNDER_ADMIN_KEY": ADMIN_KEY, "INGEST_AUTH": "open"}
        return self.serve(**settings, PLAYGROUND_KEYLESS="true", WEBHOOK_ALLOW="127.0.0.0/8", **environment)

    def rotate(self, *users: str) -> Client:
        """Start a server with both secrets, and read with the keys of users, so that they move."""
        client = self.start(**ROTATING)
        for user in users:
            assert list_ids(client, user) == IDS[user]
        return client

    def run(self, *arguments: str, on: str | None = None, **secrets: str) -> Result:
        """Run a command with both secrets, or with others."""
        return self.manage(*arguments, on=on or self.url, THUNDER_ADMIN_KEY=ADMIN_KEY, **(secrets or ROTATING))

    def status(self, code: int = 0, *, on: str | None = None, **secrets: str) -> str:
        """Return the output of `secret status`."""
        done = self.run("secret", "status", on=on, **secrets)
        assert done.exit_code == code, done.output
        return done.stdout

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return self.sql.execute(statement.encode(), values).fetchall()

    def read_owner(self, request_id: str) -> tuple[Any, ...]:
        """Return the HMAC and the label of the owner of a request."""
        (row,) = self.rows("select user_key_hmac, user_key_label from requests where request_id = %s", request_id)
        return row

    def count_former(self) -> int:
        """Return the number of owners under the previous secret."""
        return self.rows("select count(*) from former_owners")[0][0]

    def find_remains(self, user: str) -> set[str]:
        """Return the columns that still have the owner's hash or label under the old secret."""
        hmac, label = OLD_HASHER.identify(user)
        return {path for (path,) in self.rows("select path from find_texts(%s, %s)", label, [hmac])} - KEPT
