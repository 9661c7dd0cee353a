"""The cache of rendered logs: its limit, and reads by clients that accept no compression."""

import time

import pytest

from core.traces.log_cache import CachedLog, LogCache
from functions.web import stored
from tests.support.client import Client, send
from tests.support.documents import load_trace
from tests.support.servers import ServerThread

PACKED = b"f" * 10


def make_log(pieces: int = 0) -> CachedLog:
    return CachedLog("v", is_owned=True, frame=PACKED, pieces=(b"p" * 50,) * pieces)


def find_sizes(cache: LogCache, *names: str) -> list[int]:
    return [sum(log.size for log in cache.find(name)) for name in names]


def test_frames_take_precedence_over_uncompressed_members() -> None:
    cache = LogCache(250)
    cache.keep("a", make_log(2))
    cache.keep("b", make_log(2))
    assert find_sizes(cache, "a", "b") == [110, 110]
    cache.keep("a", cache.find("a")[0])
    cache.keep("c", make_log(1))
    assert find_sizes(cache, "a", "b", "c") == [110, 10, 60]
    for number in range(22):
        cache.keep(f"packed {number}", make_log())
    assert find_sizes(cache, "a", "b", "c") == [10, 10, 10]
    cache.keep("last", make_log())
    assert find_sizes(cache, "b", "a", "c", "last") == [0, 10, 10, 10]


def test_members_without_room_displace_no_others() -> None:
    cache = LogCache(120)
    cache.keep("a", make_log(1))
    cache.keep("b", make_log(3))
    assert find_sizes(cache, "a", "b") == [60, 10]
    assert cache.has_room(100)
    assert not cache.has_room(101)


def test_a_log_larger_than_the_cache_is_not_kept() -> None:
    cache = LogCache(60)
    cache.keep("a", make_log(1))
    assert find_sizes(cache, "a") == [60]
    cache.keep("a", make_log(2))
    assert find_sizes(cache, "a") == [10]
    cache.keep("a", CachedLog("v", is_owned=True, frame=b"f" * 61))
    assert find_sizes(cache, "a") == [0]


@pytest.mark.parametrize("first_encoding", ["identity", "zstd"])
@pytest.mark.parametrize("piece_bytes", [1000, stored.PIECE_BYTES])
def test_a_repeated_read_is_not_unpacked(
    client: Client,
    shared_server: ServerThread,
    monkeypatch: pytest.MonkeyPatch,
    piece_bytes: int,
    first_encoding: str,
) -> None:
    monkeypatch.setattr(stored, "PIECE_BYTES", piece_bytes)
    trace = load_trace("mod-exception")
    trace["request"]["request_id"] = name = f"{first_encoding}-{piece_bytes}"
    path = f"/logs/{name}"
    client.ingest(trace)
    assert client.get(path, accept_encoding=first_encoding).status == 200
    first = client.get(path)
    cache: LogCache = shared_server.app.state.context.logs
    deadline = time.monotonic() + 30
    while not (held := cache.find(name)) or not held[0].pieces:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    monkeypatch.delattr("functions.web.stored.iterate_decompressed")
    monkeypatch.delattr("core.traces.log_view.iterate_decompressed")
    monkeypatch.delattr("core.traces.log_view.decompress")
    for _ in range(2):
        again = client.get(path)
        assert (again.data, again.headers.get("content-length")) == (first.data, str(len(first.data)))
    assert send(client, "POST", f"{path}/tags", client.key, tag="new").status == 200
    assert client.get(path).json == {**first.json, "tags": ["new"]}
