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


def test_a_quarter_is_for_logs_with_uncompressed_members() -> None:
    cache = LogCache(480)
    cache.keep("a", make_log(1))
    cache.keep("b", make_log(1))
    assert find_sizes(cache, "a", "b") == [60, 60]
    cache.keep("a", cache.find("a")[0])
    cache.keep("c", make_log(1))
    assert find_sizes(cache, "a", "b", "c") == [60, 10, 60]
    for number in range(35):
        cache.keep(f"packed {number}", make_log())
    assert find_sizes(cache, "a", "b", "c", "packed 0") == [60, 0, 60, 10]
    cache.keep("a", make_log())
    assert find_sizes(cache, "a", "c", "packed 0") == [10, 60, 10]


def test_a_log_larger_than_its_part_is_not_kept() -> None:
    cache = LogCache(80)
    cache.keep("a", make_log(1))
    assert find_sizes(cache, "a") == [10]
    assert cache.can_keep_unpacked(20)
    assert not cache.can_keep_unpacked(21)
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
