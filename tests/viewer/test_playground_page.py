"""The calls of the UI's playground page, in its order, from a browser on another origin, as its source makes them."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.support.client import Client
from tests.support.documents import make_document, number, one_token
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.servers import Serve
from tests.support.upstream import Call, Raw, Upstream, run_upstream

VISIT = """async base => {
    const call = async (method, path, key, body) => {
        const headers = { 'Content-Type': 'application/json', ...(key && { 'X-API-Key': key }) };
        const answer = await fetch(base + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
        const content = await answer.json();
        if (!answer.ok) throw new Error(`${path}: ${content.message}`);
        return content;
    };
    const { api_key: key } = await call('POST', '/playground/api-key', null, {});
    const { valid, name } = await call('GET', '/auth/validate', key);
    const before = await call('GET', '/logs?limit=20&offset=0', key);
    const config = { injection_string: '[I]', position: 'after_tokens', token_count: 1, sentence_count: null };
    const { code, mod_name } = await call('POST', '/playground/mods/generate', null, { config });
    const model = 'llama-3.1-8b';
    const upload = await call('POST', '/playground/mods/upload', key, { model, code, mod_name });
    const messages = [{ role: 'system', content: 'Be short.' }, { role: 'user', content: 'Hi' }];
    const chat = { model, messages, mod_name, max_tokens: 256, temperature: 0.7 };
    const { text, request_id } = await call('POST', '/playground/inference', key, chat);
    const { data } = await call('GET', '/logs?limit=1&offset=0', key);
    const log = await call('GET', `/logs/${data[0].request_id}`, key);
    const asked = { model, tokens: log.final_tokens, top_k: 20, layer: 16 };
    const { feature_timeline } = await call('POST', '/playground/features/extract', key, asked);
    const analysis = await call('POST', '/playground/features/analyze', key,
        { model, feature_timeline, layer: 16, context: 'A prompt.' });
    const { public_token } = await call('POST', `/logs/${request_id}/public`, key);
    const shared = await call('GET', `/share/request/${public_token}`);
    await call('DELETE', `/logs/${request_id}/public`, key);
    const mod = log.active_mod.name;
    return { key, valid, name, before, upload, text, request_id, mod, feature_timeline, analysis, log, shared };
}"""
ENTRY = {"position": 0, "token": 1, "token_str": "a", "top_features": [{"id": 7, "activation": 1.5}]}


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with run_upstream() as server:
        yield server


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


def script(upstream: Upstream, client: Client) -> None:
    """Answer as the servers do. The model server posts the trace before it answers."""

    def complete(call: Call) -> dict[str, Any]:
        key = call.body["user_api_key"]
        request = {"user_api_key": key, "active_mod_name": f"playground_mod@{key}", "final_token_ids": [1]}
        answer = client.ingest(make_document("r1", number(one_token()), request=request), x_api_key=ADMIN_KEY)
        assert answer.status == 201
        return {"id": "chatcmpl-r1", "choices": [{"message": {"role": "assistant", "content": "Hi[I]!"}}]}

    upstream.scripts = {
        "/page": Raw(b"<!doctype html><title>The UI</title>", headers={"Content-Type": "text/html"}),
        "/add_user": {"ok": True},
        "/v1/mods": {"name": "playground_mod"},
        "/v1/chat/completions": complete,
        "/extract_features": {"feature_timeline": [ENTRY]},
        "/analyze_features": {"analysis": "Letters.", "top_features": []},
    }


def test_the_calls_of_the_page_succeed_in_order(
    page: Page, serve: Serve, database_url: str, upstream: Upstream
) -> None:
    client = serve(
        DATABASE_URL=database_url,
        THUNDER_ADMIN_KEY=ADMIN_KEY,
        THUNDER_SECRET=SECRET,
        PLAYGROUND_KEYLESS="true",
        PLAYGROUND_ADMIN_KEY="admin-key-of-the-model-server",
        PLAYGROUND_LLAMA_8B_URL=upstream.url,
        PLAYGROUND_SAE_URL=upstream.url,
    )
    script(upstream, client)
    page.goto(f"{upstream.url}/page")
    seen = page.evaluate(VISIT, client.url)
    assert seen["valid"] is True
    assert seen["name"].startswith("playground_ck_")
    assert seen["before"]["data"] == []
    assert seen["upload"]["success"] is True
    assert (seen["text"], seen["request_id"], seen["log"]["request_id"]) == ("Hi[I]!", "r1", "r1")
    assert seen["mod"] == "playground_mod"
    assert seen["feature_timeline"] == [ENTRY]
    assert seen["analysis"] == {"analysis": "Letters.", "top_features": []}
    assert seen["shared"]["request_id"] == "r1"
    assert seen["key"] not in str(seen["log"])
