"""Compare a ledger with a database: `python -m tests.chaos.checker LEDGER DSN`.

It uses no code of Thunder, only the ledger, SQL and the zstd library.
"""

import hashlib
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from backports import zstd

Entry = dict[str, Any]
NO_ANSWER = 0
SHOWN = 20
STORED = """
select requests.request_id, requests.revision, requests.tags, requests.favorited_by, request_traces.document,
    array(select discussions.comment from discussions where discussions.request_pk = requests.id),
    array(select outcomes.correct from outcomes where outcomes.request_pk = requests.id and source = 'chaos')
from requests join request_traces on request_traces.request_pk = requests.id
"""
RECEIPTS = "select encode(request_sha256, 'hex'), count(*) from deletions group by 1"


@dataclass(slots=True)
class Verdict:
    """The result: problems by kind, and counts."""

    operations: int = 0
    acknowledged: int = 0
    lost: list[str] = field(default_factory=list[str])
    repeated: list[str] = field(default_factory=list[str])
    wrong: list[str] = field(default_factory=list[str])

    @property
    def problems(self) -> list[str]:
        named = {"lost": self.lost, "repeated": self.repeated, "wrong": self.wrong}
        return [f"{kind}: {sentence}" for kind, found in named.items() for sentence in found]


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored request."""

    revision: int
    tags: list[str]
    favorited_by: list[str]
    digest: str
    comments: list[str]
    outcomes: list[bool]


def check(ledger: Path, dsn: str) -> Verdict:
    """Compare everything acknowledged with everything stored and streamed."""
    entries = [json.loads(line) for line in ledger.read_text(encoding="utf-8").splitlines()]
    by_id: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if "id" in entry and entry["kind"] != "seen":
            by_id[entry["id"]].append(entry)
    with psycopg.connect(dsn) as conn:
        stored = {row[0]: read_stored(row) for row in conn.execute(STORED)}
        receipts: dict[str, int] = dict(conn.execute(RECEIPTS).fetchall())
    verdict = Verdict(
        operations=sum(entry["kind"] not in ("seen", "wrong") for entry in entries),
        acknowledged=sum(entry.get("status") in (200, 201) for entry in entries),
    )
    verdict.wrong += [entry["sentence"] for entry in entries if entry["kind"] == "wrong"]
    verdict.wrong += [f"{name} was never posted, and is stored" for name in stored if name not in by_id]
    for name, history in by_id.items():
        check_request(verdict, name, history, stored.get(name), receipts)
    check_streams(verdict, entries, by_id, stored)
    return verdict


def read_stored(row: tuple[Any, ...]) -> Stored:
    _, revision, tags, favorited_by, document, comments, outcomes = row
    parsed = json.loads(zstd.decompress(document))
    digest = hashlib.sha256(json.dumps(parsed, sort_keys=True).encode()).hexdigest()
    return Stored(revision, tags, favorited_by, digest, comments, outcomes)


def check_request(
    verdict: Verdict, name: str, history: list[Entry], found: Stored | None, receipts: dict[str, int]
) -> None:
    posts, deletes = select(history, "post"), select(history, "delete")
    is_deleted = bool(deletes) and deletes[-1]["status"] in (200, 404)
    written = receipts.get(hashlib.sha256(name.encode()).hexdigest(), 0)
    if is_deleted:
        if found is not None:
            verdict.wrong.append(f"{name} was deleted, and is stored")
        if written != 1:
            verdict.wrong.append(f"{name} was deleted, and has {written} receipts")
        return
    if found is None:
        if is_acknowledged(posts) and not deletes:
            verdict.lost.append(f"{name} was acknowledged, and is not stored")
        return
    if written:
        verdict.wrong.append(f"{name} was not deleted, and has {written} receipts")
    check_document(verdict, name, posts, found)
    for read in select(history, "read"):
        if read["status"] == 404:
            verdict.lost.append(f"{name} was not found by a reader")
        elif read["digest"] not in (None, found.digest):
            verdict.wrong.append(f"{name} was read with another content")
    check_edits(verdict, name, select(history, "edit"), found)


def check_document(verdict: Verdict, name: str, posts: list[Entry], found: Stored) -> None:
    acknowledged = [post["version"] for post in posts if post["status"] == 201]
    newest = max(acknowledged, default=0)
    possible = {post["digest"] for post in posts if post["version"] >= newest}
    if found.digest not in possible:
        verdict.wrong.append(f"{name} is stored with another content than version {newest}")
    if not len(acknowledged) <= found.revision <= len(posts):
        verdict.wrong.append(f"{name} has revision {found.revision} after {len(posts)} posts")


def check_edits(verdict: Verdict, name: str, edits: list[Entry], found: Stored) -> None:
    for what, stored in (("tags", found.tags), ("favorite", found.favorited_by)):
        for value in "abc":
            changes = [edit for edit in edits if edit["what"] == what and edit["value"] == value]
            if is_settled(changes, "method") and (value in stored) != (changes[-1]["method"] == "POST"):
                verdict.lost.append(f"{name}: the last change of {what} {value!r} is not stored")
    comments = Counter(found.comments)
    for edit in edits:
        if edit["what"] == "discussions" and edit["status"] == 201 and comments[edit["value"]] != 1:
            verdict.lost.append(f"{name}: a comment is stored {comments[edit['value']]} times")
    verdict.repeated += [f"{name}: a comment is stored {count} times" for count in comments.values() if count > 1]
    outcomes = [edit for edit in edits if edit["what"] == "outcome"]
    if is_settled(outcomes, "value") and found.outcomes != [outcomes[-1]["value"]]:
        verdict.lost.append(f"{name}: the last outcome is not stored")


def is_settled(changes: list[Entry], what: str) -> bool:
    """Return whether the last acknowledged change must be in effect: no other unanswered change followed it."""
    unanswered = {change[what] for change in changes if change["status"] == NO_ANSWER}
    return bool(changes) and changes[-1]["status"] == 200 and unanswered <= {changes[-1][what]}


def check_streams(
    verdict: Verdict, entries: list[Entry], by_id: dict[str, list[Entry]], stored: dict[str, Stored]
) -> None:
    """Check that each stream sent the last version of each stored request of its user, and each revision once."""
    posts = {name: select(history, "post") for name, history in by_id.items()}
    for stream, user in {entry["stream"]: entry["user"] for entry in select(entries, "connect")}.items():
        sent: dict[str, list[str]] = defaultdict(list)
        for entry in select(entries, "seen"):
            if entry["stream"] == stream:
                sent[entry["id"]].append(entry["text"])
        for name, texts in sent.items():
            check_sent(verdict, f"{stream} sent {name}", texts, posts.get(name, []), stored.get(name))
            if user is not None and any(post["user"] != user for post in posts.get(name, [])):
                verdict.wrong.append(f"{stream} sent {name} of another user")
        for name, found in stored.items():
            texts = {text_of(post) for post in posts.get(name, []) if post["digest"] == found.digest}
            is_wanted = user is None or any(post["user"] == user for post in posts.get(name, []))
            if is_wanted and not texts & set(sent[name]):
                verdict.lost.append(f"{stream} did not send {name}")


def check_sent(verdict: Verdict, what: str, texts: list[str], posts: list[Entry], found: Stored | None) -> None:
    if not set(texts) <= {text_of(post) for post in posts}:
        verdict.wrong.append(f"{what} with a text that was never posted")
    most = len(posts) if found is None else found.revision
    if len(texts) > most:
        verdict.repeated.append(f"{what} {len(texts)} times; it was stored {most} times")


def text_of(post: Entry) -> str:
    return f"{post['id']} {post['version']}"


def select(history: Iterable[Entry], kind: str) -> list[Entry]:
    return [entry for entry in history if entry["kind"] == kind]


def is_acknowledged(posts: list[Entry]) -> bool:
    return any(post["status"] == 201 for post in posts)


def main() -> None:
    """Print the verdict as JSON. The exit code is 1 if there are problems."""
    verdict = check(Path(sys.argv[1]), sys.argv[2])
    counts = {"operations": verdict.operations, "acknowledged": verdict.acknowledged}
    found = {"lost": len(verdict.lost), "repeated": len(verdict.repeated), "wrong": len(verdict.wrong)}
    json.dump({**counts, **found, "problems": verdict.problems[:SHOWN]}, sys.stdout, indent=1)
    sys.exit(bool(verdict.problems))


if __name__ == "__main__":
    main()
