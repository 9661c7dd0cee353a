"""Record the answers of a language model in Thunder. One file without dependencies; copy it next to your program.

    from openai import OpenAI
    from thunder_recorder import record

    client = record(OpenAI())                      # or AsyncOpenAI(), used as before
    vllm serve MODEL --middleware thunder_recorder.RecorderMiddleware

If a call does not ask for logprobs, the recorder asks for them and removes them from the answer. Answers are not
delayed, because a thread posts them. While Thunder is not reachable, they wait on disk, up to 256 MB; the oldest are
dropped first. Copies of the client (`with_options`) are recorded, too. Calls through `with_raw_response` and
`with_streaming_response` are recorded as they are: the recorder does not ask for logprobs, because it could not remove
them. WebSockets are not recorded.

Settings: THUNDER_URL (http://127.0.0.1:6767), THUNDER_KEY (an API key with the scope `ingest`), and THUNDER_SPOOL (a
directory, which several processes may share).
"""

import atexit
import collections
import contextlib
import copy
import functools
import http.client
import inspect
import json
import logging
import os
import queue
import re
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

MAX_SPOOL_BYTES = 256 * 1024 * 1024
MAX_UNSAVED_BYTES = 64 * 1024 * 1024
"""Maximum items in memory if the spool is not usable."""
MAX_QUEUED = 10_000
"""Maximum items in memory. The caller's thread writes further ones to disk immediately."""
DRAIN_S = 5.0
POST_TIMEOUT_S = 10.0
RETRY_S = (0.5, 1, 2, 5, 10, 30)
STALE_S = 120.0
"""After this time, an unfinished file that another process has claimed is taken over."""
MAX_ITEM_BYTES = 64 * 1024 * 1024
TOP_LOGPROBS = 5

log = logging.getLogger("thunder_recorder")


class Spool:
    """Items on disk, one file each. A process claims a file by renaming it, so several processes can share them."""

    def __init__(self, directory, limit=MAX_SPOOL_BYTES):
        self.directory = Path(directory)
        self.limit = limit
        self._size = limit  # unknown; the first item measures it
        self._count = 0

    def put(self, data):
        """Write an item. It appears under its name when it is complete. Raises OSError if it can't be written."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = f"{time.time_ns():020d}-{uuid.uuid4().hex}"
        part = self.directory / f"{name}.part"
        try:
            part.write_bytes(data)
            part.rename(self.directory / f"{name}.json")
        except OSError:
            part.unlink(missing_ok=True)
            raise
        self._size += len(data)
        self._count += 1
        if self._size > self.limit or self._count % 256 == 0:  # other processes add to it, too
            self._trim()

    def list(self):
        """Return the items that no process has claimed, oldest first."""
        return sorted(self.directory.glob("*.json"))

    def claim(self, path):
        """Claim an item: return its new path and its content; None if another process was faster."""
        claimed = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.claim")
        try:
            path.rename(claimed)
            os.utime(claimed)
            return claimed, claimed.read_bytes()
        except OSError:
            return None

    def release(self, claimed):
        """Put a claimed item back."""
        with contextlib.suppress(OSError):
            claimed.rename(self.directory / f"{claimed.name.split('.')[0]}.json")

    def release_own(self):
        """Put back what this process has claimed."""
        for path in self.directory.glob(f"*.{os.getpid()}-*.claim"):
            self.release(path)

    def recover(self):
        """Release the items of processes that ended while they posted them."""
        for path in self.directory.glob("*.claim"):
            if _is_stale(path):
                self.release(path)
        for path in self.directory.glob("*.part"):
            if _is_stale(path):
                with contextlib.suppress(OSError):
                    path.unlink()

    def _trim(self):
        """Drop the oldest items beyond the limit."""
        sizes = []
        for path in self.list():
            with contextlib.suppress(OSError):
                sizes.append((path, path.stat().st_size))
        self._size = sum(size for _, size in sizes)
        for path, size in sizes:
            if self._size <= self.limit:
                return
            with contextlib.suppress(OSError):
                path.unlink()
                log.warning("the spool is full: dropped %s", path.name)
            self._size -= size


def _is_stale(path):
    try:
        return time.time() - path.stat().st_mtime > STALE_S
    except OSError:
        return False


def _find_spool():
    """Return the directory for waiting items."""
    with contextlib.suppress(RuntimeError):  # the user has no home
        return os.environ.get("THUNDER_SPOOL") or Path.home() / ".cache" / "thunder-recorder"
    return Path(tempfile.gettempdir()) / "thunder-recorder"


class Poster:
    """Posts items in a separate thread. Items wait in the spool, or in memory if the spool is not usable."""

    def __init__(self, url=None, key=None, spool=None):
        self.url = (url or os.environ.get("THUNDER_URL") or "http://127.0.0.1:6767").rstrip("/")
        self.key = key or os.environ.get("THUNDER_KEY")
        self.spool = Spool(spool or _find_spool())
        self._deadline = None
        self._later = {}
        """When to try an item again that Thunder failed to store, by its path."""
        self._reset()
        atexit.register(self.close)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._reset)

    def _reset(self):
        """Begin without a thread, which a fork does not copy, and without the items that the parent will post."""
        self._queue = queue.Queue(MAX_QUEUED)
        self._unsaved = collections.deque()
        self._thread = None
        self._lock = threading.Lock()

    def put(self, item):
        """Queue an item. Returns immediately, and never raises."""
        try:
            if self._deadline is not None:  # no thread can start any more
                self._keep(item)
                self._leave()
                return
            if self._thread is None:
                self._start()
            self._queue.put_nowait(item)
        except queue.Full:
            self._keep(item)
        except Exception:
            log.exception("an item was not recorded")

    def close(self):
        """Post the remaining items for at most DRAIN_S, and leave the rest in the spool."""
        if self._deadline is not None:
            return
        self._deadline = time.monotonic() + DRAIN_S
        if self._thread is not None:
            with contextlib.suppress(queue.Full):
                self._queue.put_nowait(None)  # wakes the thread
            self._thread.join(DRAIN_S)
            self._save(0)
            self._leave()
            self.spool.release_own()

    def _start(self):
        with self._lock:
            if self._thread is not None:
                return
            util = sys.modules.get("multiprocessing.util")
            if util is not None:  # its processes end without atexit
                util.Finalize(None, self.close, exitpriority=1)
            self._thread = threading.Thread(target=self._run, name="thunder-recorder", daemon=True)
            self._thread.start()

    def _run(self):
        attempt, due = 0, None
        while not self._is_over():
            self._save(1.0 if due is None else max(0.0, due - time.monotonic()))
            if due is not None and time.monotonic() < due and self._deadline is None:
                continue
            try:
                is_done = self._post_all()
            except Exception:
                log.exception("the recorder failed; it tries again")
                is_done = False
            if is_done and self._deadline is not None and self._queue.empty():
                return
            attempt = 0 if is_done else attempt + 1
            due = None if is_done else time.monotonic() + self._limit(RETRY_S[min(attempt, len(RETRY_S)) - 1])

    def _is_over(self):
        return self._deadline is not None and time.monotonic() >= self._deadline

    def _limit(self, seconds):
        return seconds if self._deadline is None else max(0.05, min(0.5, self._deadline - time.monotonic()))

    def _save(self, seconds):
        """Move the queued items to the spool. Wait for the first one."""
        with contextlib.suppress(queue.Empty):
            self._keep(self._queue.get(timeout=seconds) if seconds else self._queue.get_nowait())
            while True:
                self._keep(self._queue.get_nowait())

    def _keep(self, item):
        if item is None:
            return
        try:
            data = json.dumps(item, default=_write_other).encode()
        except Exception:
            log.exception("an item was not recorded")
            return
        if len(data) > MAX_ITEM_BYTES:
            log.warning("an item of %s bytes is too large to be recorded", len(data))
            return
        try:
            self.spool.put(data)
        except OSError as error:
            if not self._unsaved:
                log.warning("the spool is not usable, so answers wait in memory: %s", error)
            self._unsaved.append(data)
            while sum(map(len, self._unsaved)) > MAX_UNSAVED_BYTES:
                self._unsaved.popleft()
                log.warning("an answer is lost, because neither the spool nor Thunder is usable")

    def _leave(self):
        """Write the items in memory to the spool at the exit, if it is usable by now."""
        try:
            while self._unsaved:
                self.spool.put(self._unsaved[0])
                self._unsaved.popleft()
        except OSError as error:
            log.warning("%s answers are lost, because the spool is not usable: %s", len(self._unsaved), error)

    def _post_all(self):
        """Post the items in memory and in the spool, oldest first. Return whether Thunder was reachable for all."""
        while self._unsaved:
            if self._is_over() or not self._post(self._unsaved[0]):
                return False
            self._unsaved.popleft()
        self.spool.recover()
        is_moving = True
        while is_moving:
            is_moving = False  # unless an item can be claimed
            for item in [item for item in self.spool.list() if self._later.get(item, 0) <= time.monotonic()]:
                if self._is_over():
                    return False
                self._later.pop(item, None)
                found = self.spool.claim(item)
                if found is None:
                    continue
                is_moving = True
                path, data = found
                is_finished = self._post(data)
                if is_finished:
                    path.unlink(missing_ok=True)
                    continue
                self.spool.release(path)
                if is_finished is False:
                    return False
                self._later[item] = time.monotonic() + STALE_S
        return True

    def _post(self, data):
        """Post one item.

        Return True if it is finished: stored, or refused permanently. Return False if Thunder is not usable at present,
        and None if it fails for this item.
        """
        headers = {"Content-Type": "application/json", **({"X-API-Key": self.key} if self.key else {})}
        request = urllib.request.Request(f"{self.url}/v1/ingest", data, headers)
        try:
            with urllib.request.urlopen(request, timeout=self._limit(POST_TIMEOUT_S) + 0.5) as answer:
                answer.read()
                return True
        except urllib.error.HTTPError as error:
            with error:
                sentence = error.read(1000).decode("utf-8", "replace")
            if error.code in (400, 409, 413, 415):
                log.warning("Thunder refused an answer (%s): %s", error.code, sentence)
                return True
            log.warning("Thunder answered %s; the answer waits in the spool: %s", error.code, sentence)
            return None if error.code == 500 else False
        except (OSError, ValueError, http.client.HTTPException) as error:
            log.debug("Thunder does not answer: %s", error)
            return False


@functools.cache
def _find_poster(url, key, spool):
    return Poster(url, key, spool)


def _write_other(value):
    """Write a value that is not JSON, such as a message of the client's library."""
    return _dump(value) if hasattr(value, "to_dict") else str(value)


def _dump(answer):
    """Return an answer or a chunk of the client's library as JSON, also if the server sent unexpected types."""
    try:
        return answer.to_dict(mode="json", warnings=False)
    except Exception:
        log.exception("a part of an answer was not recorded")
        return {}


def record(client, url=None, key=None, spool=None):
    """Record every answer of a client of OpenAI's library, and return the client.

    Args:
        client: an OpenAI, AsyncOpenAI or compatible client.
        url: Thunder's address; THUNDER_URL by default.
        key: an API key with the scope `ingest`; THUNDER_KEY by default.
        spool: a directory for answers that wait for Thunder; THUNDER_SPOOL or ~/.cache/thunder-recorder by default.
    """
    if not hasattr(client, "_thunder_recorder"):  # its copies are recorded already
        _Recorder(_find_poster(url, key, spool)).attach(client)
    return client


_RESOURCES = {
    "chat.completions": "chat",
    "completions": "completions",
    "responses": "responses",
    "beta.chat.completions": "chat",
    "beta.responses": "responses",
}
"""Parts of a client that call a model. Their `stream` calls `create`."""
_RAW = ("with_raw_response", "with_streaming_response")


def _walk(client, path):
    """Return the objects on a path of attributes; None if the library's version does not have it."""
    owners = [client]
    for name in path.split("."):
        owners.append(getattr(owners[-1], name, None))
        if owners[-1] is None:
            return None
    return owners


class _Call:
    """One call: its request, and the fields to remove from its answer."""

    def __init__(self, poster, kind, request, hides):
        self.poster, self.kind, self.request, self.hides = poster, kind, request, hides
        self.began = time.time()
        self.is_posted = False

    def post(self, response=None, error=None):
        self.is_posted = True
        item = {
            "request_id": uuid.uuid4().hex,
            "created_at": self.began,
            "completed_at": time.time(),
            "request": self.request,
            "response": response,
        }
        self.poster.put({**item, "error": str(error)} if error is not None else item)


class _Recorder:
    def __init__(self, poster):
        self.poster = poster
        self.refusing = set()

    def attach(self, client):
        """Replace the methods of a client that call a model or copy the client."""
        client._thunder_recorder = self  # noqa: SLF001 - marks it
        for path, kind in _RESOURCES.items():
            owners = _walk(client, path)
            if owners is None:
                continue
            for owner, name in ((owner, name) for owner in owners for name in _RAW):
                vars(owner).pop(name, None)  # cached; it would keep the method that is replaced
            for name in ("create", "parse"):
                method = getattr(owners[-1], name, None)
                if method is not None and name not in vars(owners[-1]):
                    setattr(owners[-1], name, self.wrap(method, kind))
        for name in ("copy", "with_options"):
            if hasattr(client, name):
                setattr(client, name, self._wrap_copy(getattr(client, name)))

    def _wrap_copy(self, make):
        @functools.wraps(make)
        def make_recorded(*args, **options):
            copied = make(*args, **options)
            self.attach(copied)
            return copied

        return make_recorded

    def wrap(self, create, kind):
        """Wrap a client's `create`, whether it is a coroutine function or not."""
        if inspect.iscoroutinefunction(inspect.unwrap(create)):

            @functools.wraps(create)
            async def create_async(*args, **options):
                call, more = self._prepare(kind, options)
                try:
                    try:
                        answer = await create(*args, **{**options, **more})
                    except Exception as error:
                        if not self._refuses(error, more):
                            raise
                        call.hides, call.request = False, _copy_plain(options)
                        answer = await create(*args, **options)
                        self._remember(options)
                except Exception as error:
                    call.post(error=error)
                    raise
                return self._take(call, answer)

            return create_async

        @functools.wraps(create)
        def create_sync(*args, **options):
            call, more = self._prepare(kind, options)
            try:
                try:
                    answer = create(*args, **{**options, **more})
                except Exception as error:
                    if not self._refuses(error, more):
                        raise
                    call.hides, call.request = False, _copy_plain(options)
                    answer = create(*args, **options)
                    self._remember(options)
            except Exception as error:
                call.post(error=error)
                raise
            return self._take(call, answer)

        return create_sync

    def _prepare(self, kind, options):
        """Return the call, with options that ask for logprobs if the caller did not."""
        is_raw = "X-Stainless-Raw-Response" in (options.get("extra_headers") or {})
        is_asked = not is_raw and options.get("model") not in self.refusing
        more = add_logprobs(kind, {**options, **(options.get("extra_body") or {})}) if is_asked else {}
        return _Call(self.poster, kind, _copy_plain({**options, **more}), bool(more)), more

    def _refuses(self, error, more):
        """Whether a model seems to refuse the logprobs that the recorder asked for."""
        return bool(more) and is_refusal(getattr(error, "status_code", None), str(error))

    def _remember(self, options):
        """Stop asking a model for logprobs, because it answered without them. An error may only quote them."""
        self.refusing.add(options.get("model"))
        log.warning("%s refuses logprobs, so its answers have no scores", options.get("model"))

    def _take(self, call, answer):
        """Record an answer, and return the answer for the caller."""
        if hasattr(answer, "_iterator"):
            answer._iterator = _watch(call, answer._iterator)  # noqa: SLF001 - the library has no hook here
            return answer
        if hasattr(answer, "http_response"):
            _watch_raw(call, answer.http_response)
            return answer
        if not hasattr(answer, "to_dict"):
            return answer
        call.post(_dump(answer))
        return hide(answer) if call.hides else answer


def is_refusal(status, sentence):
    """Whether an error may refuse logprobs."""
    return status in (400, 403, 404, 422) and any(word in sentence.lower() for word in ("logprob", "include"))


def add_logprobs(kind, options):
    """Return the options that ask for logprobs, unless the caller asks for them."""
    if kind == "responses":
        include = list(options.get("include") or [])
        if "message.output_text.logprobs" in include:
            return {}
        return {"include": [*include, "message.output_text.logprobs"], "top_logprobs": TOP_LOGPROBS}
    if isinstance(options.get("logprobs"), bool | int) and options["logprobs"] is not False:
        return {}
    return {"logprobs": True, "top_logprobs": TOP_LOGPROBS} if kind == "chat" else {"logprobs": TOP_LOGPROBS}


def hide(answer):
    """Remove the logprobs from an answer or a chunk of the client's library, in place."""
    for choice in _as_list(getattr(answer, "choices", None)):
        if getattr(choice, "logprobs", None) is not None:
            choice.logprobs = None
    if getattr(answer, "logprobs", None):
        answer.logprobs = None if not isinstance(answer.logprobs, list) else []
    response = getattr(answer, "response", None)
    for item in _as_list(getattr(response or answer, "output", None)):
        for part in _as_list(getattr(item, "content", None)):
            if getattr(part, "logprobs", None):
                part.logprobs = None
    return answer


def _as_list(value):
    """Return a value if it is a list, because a server may send anything."""
    return value if isinstance(value, list) else []


def _watch(call, chunks):
    return _watch_async(call, chunks) if hasattr(chunks, "__aiter__") else _watch_sync(call, chunks)


def _watch_sync(call, chunks):
    kept, failure = [], None
    try:
        for chunk in chunks:
            kept.append(_dump(chunk))
            yield hide(chunk) if call.hides else chunk
    except Exception as error:
        failure = error
        raise
    finally:
        call.post(kept or None, failure if failure or kept else "the stream was empty")


async def _watch_async(call, chunks):
    kept, failure = [], None
    try:
        async for chunk in chunks:
            kept.append(_dump(chunk))
            yield hide(chunk) if call.hides else chunk
    except Exception as error:
        failure = error
        raise
    finally:
        call.post(kept or None, failure if failure or kept else "the stream was empty")


def _watch_raw(call, response):
    """Record a response of the HTTP library, now or when the caller reads it."""
    if response.is_closed:
        _post_raw(call, response, [response.content])
        return
    read, read_async = response.iter_bytes, response.aiter_bytes

    def watch(*args, **options):
        kept = []
        try:
            for part in read(*args, **options):
                kept.append(part)
                yield part
        finally:
            _post_raw(call, response, kept)

    async def watch_async(*args, **options):
        kept = []
        try:
            async for part in read_async(*args, **options):
                kept.append(part)
                yield part
        finally:
            _post_raw(call, response, kept)

    response.iter_bytes, response.aiter_bytes = watch, watch_async  # all other methods but iter_raw call these


def _post_raw(call, response, parts):
    """Record the body of a response once. A stream may be cut off; another body must be whole."""
    if call.is_posted or not any(parts):
        return
    text = b"".join(parts).decode("utf-8", "replace")
    with contextlib.suppress(ValueError):
        is_stream = response.headers.get("content-type", "").startswith("text/event-stream")
        call.post(text if is_stream else json.loads(text))


def _copy_plain(options):
    """Copy what the library sends as the request: the options and `extra_body`, without headers and omitted values."""
    options = {**options, **(options.get("extra_body") or {})}
    plain = {
        name: value
        for name, value in options.items()
        if name not in ("extra_headers", "extra_query", "extra_body", "timeout")
        and (value is None or isinstance(value, str | int | float | bool | list | tuple | dict))
    }
    return copy.deepcopy(plain)


_EVENT_END = re.compile(rb"\r?\n\r?\n")
_KINDS = {"/v1/chat/completions": "chat", "/v1/completions": "completions", "/v1/responses": "responses"}


class RecorderMiddleware:
    """ASGI middleware that records the answers of an OpenAI-compatible server, such as `vllm serve --middleware`."""

    def __init__(self, app, url=None, key=None, spool=None):
        self.app = app
        self.poster = _find_poster(url, key, spool)
        self.refusing = set()

    async def __call__(self, scope, receive, send):
        path = scope.get("path", "").rstrip("/")  # a root path may precede it
        kind = (
            next((kind for end, kind in _KINDS.items() if path.endswith(end)), None)
            if scope["type"] == "http"
            else None
        )
        if kind is None or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        body, messages = b"", []
        while True:
            message = await receive()
            messages.append(message)
            body += message.get("body", b"")
            if message["type"] != "http.request" or not message.get("more_body"):
                break
        try:
            request = json.loads(body)
            more = {} if request.get("model") in self.refusing else add_logprobs(kind, request)
        except (ValueError, AttributeError, TypeError):
            request = None
        if not isinstance(request, dict):
            await self.app(scope, _replay(messages, receive), send)
            return
        first = await self._run(scope, receive, send, _Call(self.poster, kind, {**request, **more}, bool(more)))
        if first.is_refused:
            again = await self._run(scope, receive, send, _Call(self.poster, kind, request, hides=False))
            if again.start is not None and again.start["status"] < 400:
                self.refusing.add(request.get("model"))

    async def _run(self, scope, receive, send, call):
        """Run the server with a call's request, and return its answer."""
        data = json.dumps(call.request).encode()
        headers = [(name, value) for name, value in scope["headers"] if name.lower() != b"content-length"]
        headers = [(name, value) for name, value in headers if not call.hides or name.lower() != b"accept-encoding"]
        scope = {**scope, "headers": [*headers, (b"content-length", str(len(data)).encode())]}
        answer = _Answer(call, send)
        try:
            await self.app(scope, _replay([{"type": "http.request", "body": data}], receive), answer.send)
        finally:
            answer.end()
        return answer


class _Answer:
    """Passes an answer on, without the logprobs that the caller did not ask for, and records it when it ends."""

    def __init__(self, call, send):
        self.call, self._send = call, send
        self.start, self.held, self.parts, self.is_stream = None, b"", [], False
        self.is_refused = False

    async def send(self, message):
        if message["type"] == "http.response.start":
            self.start = message
            kinds = [value for name, value in message["headers"] if name.lower() == b"content-type"]
            self.is_stream = any(kind.startswith(b"text/event-stream") for kind in kinds)
            if self.is_stream:
                await self._send(message)
            return
        if message["type"] != "http.response.body":
            await self._send(message)
            return
        body, is_last = message.get("body", b""), not message.get("more_body")
        if self.is_stream:
            await self._pass_events(body, is_last)
        else:
            self.parts.append(body)
            if is_last:
                await self._pass_whole(b"".join(self.parts))

    async def _pass_events(self, body, is_last):
        self.held += body
        *events, self.held = _EVENT_END.split(self.held)
        if is_last and self.held:
            events, self.held = [*events, self.held], b""
        shown = []
        for event in events:
            self.parts.append(event)
            shown.append(_hide_event(event) if self.call.hides else event)
        text = b"".join(event + b"\n\n" for event in shown)
        await self._send({"type": "http.response.body", "body": text, "more_body": not is_last})

    def end(self):
        """Record a stream that has ended, or that the caller has left."""
        if self.is_stream and self.parts:
            whole = b"".join(event + b"\n\n" for event in self.parts).decode("utf-8", "replace")
            self.call.post(whole)

    async def _pass_whole(self, body):
        if self.call.hides and is_refusal(self.start["status"], body.decode("utf-8", "replace")):
            self.is_refused = True  # the middleware then repeats the call as the client sent it
            return
        try:
            answer = json.loads(body)
        except ValueError:
            answer = None
        shown = body
        if self.call.hides and isinstance(answer, dict):
            shown = json.dumps(_hide_plain(copy.deepcopy(answer))).encode()
        headers = [(name, value) for name, value in self.start["headers"] if name.lower() != b"content-length"]
        headers.append((b"content-length", str(len(shown)).encode()))
        await self._send({**self.start, "headers": headers})
        await self._send({"type": "http.response.body", "body": shown})
        if isinstance(answer, dict):
            is_failure = self.start["status"] >= 400
            self.call.post(*(None, json.dumps(answer.get("error") or answer)) if is_failure else (answer,))


def _replay(messages, receive):
    rest = iter(messages)

    async def replay():
        message = next(rest, None)
        return await receive() if message is None else message

    return replay


def _hide_event(event):
    start = event.find(b"data:")
    if start < 0 or event[start + 5 :].strip() == b"[DONE]":
        return event
    try:
        chunk = json.loads(event[start + 5 :])
    except ValueError:
        return event
    return event[: start + 5] + b" " + json.dumps(_hide_plain(chunk)).encode()


def _hide_plain(answer):
    """Remove the logprobs from a parsed answer or chunk, in place."""
    if not isinstance(answer, dict):
        return answer
    for choice in _as_list(answer.get("choices")):
        if isinstance(choice, dict) and choice.get("logprobs") is not None:
            choice["logprobs"] = None
    if isinstance(answer.get("logprobs"), list):
        answer["logprobs"] = []
    response = answer["response"] if isinstance(answer.get("response"), dict) else answer
    for item in _as_list(response.get("output")):
        for part in _as_list(item.get("content")) if isinstance(item, dict) else []:
            if isinstance(part, dict) and part.get("logprobs"):
                part["logprobs"] = []
    return answer
