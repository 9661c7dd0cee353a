"""Access to runs; deletion, retention, export, and the contents of a database dump."""

from core.wire.zstandard import decompress
from tests.activations.conftest import OWNER, PATH, Place, check_error
from tests.support.browsers import BrowserOf
from tests.support.client import make_key, send
from tests.support.databases import Databases
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.servers import server_thread

READS = ("summary", "rows", "top-features", "feature-deltas?feature_id=1", "features-by-confidence")


def test_callers_see_their_own_runs(place: Place, owner_key: str, stranger_key: str) -> None:
    ids = {
        None: place.run()["request_id"],
        owner_key: place.run(owner_key)["request_id"],
        stranger_key: place.run(stranger_key)["request_id"],
        ADMIN_KEY: place.run(ADMIN_KEY)["request_id"],
    }
    for key, own in ids.items():
        listed = [item["request_id"] for item in place.read("/runs", key)["items"]]
        assert set(listed) == (set(ids.values()) if key == ADMIN_KEY else {own})
        for owner, run_id in ids.items():
            for path in READS:
                if key in (owner, ADMIN_KEY):
                    assert place.ask("GET", f"/{run_id}/{path}", key).status == 200
                else:
                    place.fail(f"/{run_id}/{path}", 404, "NOT_FOUND", key)


def test_lists_contain_no_prompt_and_no_output(place: Place) -> None:
    place.run(prompt="a very private question")
    for path in ("/runs", f"/{place.read('/runs')['items'][0]['request_id']}/summary"):
        answer = place.ask("GET", path)
        assert b"private" not in answer.data
        assert b"maybe" not in answer.data


def test_unknown_runs_do_not_exist(place: Place) -> None:
    for name in ("ax-unknown", "%00", "%ED%A0%80", "x" * 600, "runs%20"):
        for path in READS:
            place.fail(f"/{name}/{path}", 404, "NOT_FOUND")
    answer = place.ask("GET", "/nothing/here")
    assert check_error(answer, 404, "NOT_FOUND")


def test_keys_need_the_right_scope_and_an_owner(place: Place) -> None:
    reader = make_key(place.client, name="r", allowed_api_key=OWNER, scopes=["read"])["api_key"]
    check_error(place.ask("POST", "/run", reader, prompt="x"), 403, "PERMISSION_DENIED")
    check_error(place.ask("POST", "/extract", reader, token_ids=[1]), 403, "PERMISSION_DENIED")
    assert place.ask("GET", "/runs", reader).status == 200
    unbound = make_key(place.client, name="u")["api_key"]
    check_error(place.ask("POST", "/run", unbound, prompt="x"), 403, "PERMISSION_DENIED")
    ingest = make_key(place.client, name="i", scopes=["ingest"])["api_key"]
    for method, path in (("GET", "/runs"), ("GET", "/health"), ("POST", "/run")):
        answer = place.ask(method, path, ingest, **({"prompt": "x"} if method == "POST" else {}))
        check_error(answer, 403, "PERMISSION_DENIED")
    check_error(place.ask("GET", "/runs", "ck_wrong"), 401, "UNAUTHENTICATED")
    assert place.upstream.list_calls("/hf/generate") == []


def test_calls_without_a_key_must_be_allowed(databases: Databases, place: Place) -> None:
    url = databases.create("activations_keyed")
    with server_thread(url, THUNDER_SECRET=SECRET, PLAYGROUND_ACTIVATIONS_HF_URL=place.upstream.url) as client:
        for method, path in (("GET", "/runs"), ("GET", "/health"), ("POST", "/run"), ("POST", "/extract")):
            body = {"prompt": "x", "token_ids": [1]} if method == "POST" else {}
            error = check_error(send(client, method, PATH + path, **body), 401, "UNAUTHENTICATED")
            assert "PLAYGROUND_KEYLESS" in error["message"]
        assert place.upstream.calls == []
        for path in READS:
            check_error(send(client, "GET", f"{PATH}/x/{path}"), 401, "UNAUTHENTICATED")
        assert send(client, "GET", f"{PATH}/health", ADMIN_KEY).json["status"] == "ok"
        assert send(client, "POST", f"{PATH}/run", ADMIN_KEY, prompt="x").status == 200
    databases.drop("activations_keyed")


def test_a_dead_cookie_is_not_a_caller_without_a_key(place: Place) -> None:
    ran = place.run()["request_id"]
    browser = BrowserOf()
    assert browser.sign_in(place.client, ADMIN_KEY).status == 200
    (name,) = browser.cookies
    for method, path in (("GET", "/runs"), ("GET", f"/{ran}/summary"), ("GET", "/health"), ("POST", "/run")):
        body = {"prompt": "x"} if method == "POST" else None
        check_error(BrowserOf({name: "dead"}).send(place.client, method, PATH + path, body), 401, "UNAUTHENTICATED")


def test_a_key_in_a_text_is_not_stored(place: Place, owner_key: str) -> None:
    place.hf.user_key = OWNER
    place.hf.post_trace("hf-owned")  # is enough to make the user key valid
    place.hf.user_key = None
    for key in (owner_key, OWNER):
        place.hf.change = lambda answer, key=key: {**answer, "output_text": f"you said {key}"}
        ran = place.run(key, prompt=f"my key is {key}", model_id=key)
        assert ran["output"]["text"] == f"you said {key}"  # the caller knows it
        assert key not in str(ran["run_summary"])
    rows = place.sql.execute("select prompt, output_text, answer from activation_previews").fetchall()
    assert len(rows) == 2
    for prompt, text, answer in rows:
        for stored in (prompt, text, decompress(answer).decode()):
            assert owner_key not in stored
            assert OWNER not in stored


def test_a_deleted_trace_takes_its_run_along(place: Place) -> None:
    ran = place.run()
    other = place.run()["request_id"]
    trace_id = ran["run_summary"]["trace_request_id"]
    assert send(place.client, "DELETE", f"/logs/{trace_id}", ADMIN_KEY).status == 200
    place.fail(f"/{ran['request_id']}/summary", 404, "NOT_FOUND")
    assert place.read(f"/{other}/summary")
    assert place.sql.execute("select count(*) from activation_previews").fetchone() == (1,)


def test_the_documented_truncate_empties_both_tables(place: Place) -> None:
    place.run()
    place.sql.execute(
        "truncate table actions, step_logit_summaries, request_steps, requests, mod_blocks, mods "
        "restart identity cascade"
    )
    assert place.sql.execute("select count(*) from activation_runs").fetchone() == (0,)
    assert place.sql.execute("select count(*) from activation_previews").fetchone() == (0,)
    place.run()
    assert place.sql.execute("select id from activation_runs").fetchone() == (1,)
