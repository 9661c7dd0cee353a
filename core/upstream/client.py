"""Call upstream servers over HTTP, in bounded time and memory. Errors contain no text of an answer.

Addresses come from settings only, and a redirect to another server is refused. Nothing of the caller's request is sent
except the arguments of `post`. httpx's client is not used, because it keeps cookies and logs addresses.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from functools import cache
from typing import Any

import httpx
import orjson

from core.access.turns import Account, Turns, client_address
from core.errors import InvalidInputError
from core.settings import Settings
from core.upstream.errors import BadResponseError, BusyError, UnavailableError, UpstreamTimeoutError
from core.upstream.server import Server
from core.wire.json_text import change_parts, dump_json
from core.wire.parse_json import parse_json

AT_ONCE, PER_ADDRESS = 64, 32
"""Maximum number of calls that one process makes at the same time, for all callers and for one address."""
TURN_S = 5
"""How long a call waits for other calls of its address."""
CONNECT_S = 10
MAX_BYTES = 8 * 1024 * 1024
"""Size limit of an answer."""
THREAD_BYTES = 256 * 1024
"""A larger answer is parsed in a thread."""
MAX_REDIRECTS = 20
"""Modal redirects a slow call with a 303 every 150 s."""
MIN_SECRET_CHARACTERS = 4
"""Minimum length of Thunder's own secrets that are removed from answers. Shorter ones occur in ordinary words, and no
server knows them. The admin key of the servers is longer."""
HIDDEN = "…"
USER_AGENT = "Thunder/1"

_REDIRECTS = {301, 302, 303, 307, 308}
_KEEPS_METHOD = {307, 308}

log = logging.getLogger(__name__)


class Upstreams:
    """Makes the calls of one process. Each call has a separate connection, and uses no cookies and no proxy.

    Args:
        settings: the settings, whose secrets and addresses are removed from answers.
    """

    def __init__(self, settings: Settings) -> None:
        self._turns = Turns(AT_ONCE, share=PER_ADDRESS)
        self._hidden = _list_hidden(settings)

    async def post(
        self, server: Server, path: str, body: Mapping[str, object], *, timeout_s: float, user_key: str | None = None
    ) -> dict[str, Any]:
        """Post a JSON object and return the object that the server answers.

        Args:
            server: the server.
            path: a path below its base URL.
            body: the object to post.
            timeout_s: limit of the whole call, from the first connection to the last byte.
            user_key: the value of X-User-Api-Key.

        Raises:
            NotConfiguredError: the server's setting is not set.
            UnavailableError: the server can't be reached, or closed the connection.
            UpstreamTimeoutError: the server did not answer in time.
            BadResponseError: the answer is not 2xx, too large or not a JSON object.
            BusyError: too many calls are running, in total or for the caller's address.
        """
        headers = {"Content-Type": "application/json"} | ({} if user_key is None else {"X-User-Api-Key": user_key})
        request = _make_request("POST", server.require_url() + path, dump_json(body), headers)
        async with self._turn(), _exchange(server, request, timeout_s) as response:
            content = await _read(server, response)
        if len(content) > THREAD_BYTES:
            return await asyncio.to_thread(self._parse, server, content)
        return self._parse(server, content)

    async def probe(self, server: Server, path: str, *, timeout_s: float) -> None:
        """Check that a GET is answered with 2xx. The body is not read.

        A probe takes no turn, so it works while all calls are taken. Callers limit how many run.

        Raises:
            UpstreamError: as for `post`.
        """
        async with _exchange(server, _make_request("GET", server.require_url() + path), timeout_s):
            pass

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        async with AsyncExitStack() as turn:
            try:
                async with asyncio.timeout(TURN_S):
                    await turn.enter_async_context(self._turns.turn(Account(f"address:{client_address.get()}")))
            except TimeoutError:
                raise BusyError("calls: too many are running; try again when some have finished") from None
            yield

    def _parse(self, server: Server, content: bytes) -> dict[str, Any]:
        """Parse an answer, and remove secrets and addresses from it.

        Raises:
            BadResponseError: it is not a JSON object, or reports an error.
        """
        try:
            # Written and parsed again, so that it can be shown: see dump_json.
            written = dump_json(parse_json(content))
            parsed = orjson.loads(written)
            if any(dump_json(hidden)[1:-1] in written for hidden in self._hidden):
                parsed = change_parts(parsed, self._hide)
        except (InvalidInputError, RecursionError):
            raise BadResponseError(f"{server.name}: its answer is not JSON; check the server") from None
        if not isinstance(parsed, dict):
            raise BadResponseError(f"{server.name}: its answer is not a JSON object; check the server")
        if parsed.get("error") or parsed.get("ok") is False or parsed.keys() == {"detail"}:
            raise BadResponseError(f"{server.name}: reported an error; check the request and the server")
        return parsed

    def _hide(self, part: object) -> object:
        """Remove secrets and addresses from a text. Numbers are kept, even if a secret consists of digits."""
        if isinstance(part, str):
            for hidden in self._hidden:
                part = part.replace(hidden, HIDDEN)
        return part


@cache
def _make_tls() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


def _list_hidden(settings: Settings) -> list[str]:
    """Return the secrets and addresses. The longest comes first, because a shorter one may be a part of it."""
    secrets = [settings.playground_admin_key, settings.thunder_admin_key, settings.thunder_secret]
    urls = [
        settings.playground_llama_8b_url,
        settings.playground_qwen_14b_url,
        settings.playground_sae_url,
        settings.playground_activations_hf_url,
    ]
    texts = [one.get_secret_value() for one in secrets if one is not None]
    texts += [address for url in urls if url is not None for address in _list_addresses(url)]
    return sorted({one for one in texts if len(one) >= MIN_SECRET_CHARACTERS}, key=len, reverse=True)


def _list_addresses(url: str) -> Iterator[str]:
    """Yield a URL, its host with the port, and its host unless that is a plain word or a loopback address."""
    parsed = httpx.URL(url)
    yield url
    if parsed.port is not None:
        yield parsed.netloc.decode()
    if "." in parsed.host and not parsed.host.startswith("127."):
        yield parsed.host


def _make_request(
    method: str, url: str, content: bytes = b"", headers: Mapping[str, str] | None = None
) -> httpx.Request:
    # An encoded answer could expand without limit.
    own = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "identity"}
    # The limit of the whole call is asyncio's.
    extensions = {"timeout": httpx.Timeout(None, connect=CONNECT_S).as_dict()}
    return httpx.Request(method, url, content=content, headers={**own, **(headers or {})}, extensions=extensions)


@asynccontextmanager
async def _exchange(server: Server, request: httpx.Request, timeout_s: float) -> AsyncIterator[httpx.Response]:
    """Send a request, and follow redirects within the server."""
    try:
        async with (
            asyncio.timeout(timeout_s),
            httpx.AsyncHTTPTransport(verify=_make_tls(), trust_env=False) as transport,
            aclosing(await _send(server, transport, request)) as response,
        ):
            yield response
    except (TimeoutError, httpx.TimeoutException):
        raise UpstreamTimeoutError(f"{server.name}: did not answer within {timeout_s:.3g} s; try again later") from None
    except (httpx.TransportError, OSError) as error:
        log.info("the %s can't be reached: %s", server.name, type(error).__name__)
        raise UnavailableError(f"{server.name}: not reachable, or closed the connection; try again later") from None


async def _send(server: Server, transport: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
    """Send a request, and return the head of the last answer, which is 2xx."""
    for _ in range(MAX_REDIRECTS):
        response = await transport.handle_async_request(request)
        status = response.status_code
        if response.is_success:
            return response
        await response.aclose()
        if status not in _REDIRECTS:
            raise BadResponseError(f"{server.name}: answered {status}; check the request and the server", status)
        request = _follow(server, request, response)
    raise BadResponseError(f"{server.name}: redirects too often; check {server.setting}")


def _follow(server: Server, request: httpx.Request, response: httpx.Response) -> httpx.Request:
    """Return the next request after a redirect within the server."""
    try:
        url = request.url.join(response.headers["Location"])
        place = url.scheme, url.host, url.port
    except (KeyError, ValueError, httpx.InvalidURL):
        raise BadResponseError(f"{server.name}: redirects to an invalid URL; check {server.setting}") from None
    if place != (request.url.scheme, request.url.host, request.url.port):
        raise BadResponseError(f"{server.name}: redirects to another server; check {server.setting}")
    if response.status_code in _KEEPS_METHOD:
        kept, method, content = ("content-type", "x-user-api-key"), request.method, request.content
    else:
        kept, method, content = ("x-user-api-key",), "GET", b""
    return _make_request(
        method, str(url), content, {name: request.headers[name] for name in kept if name in request.headers}
    )


async def _read(server: Server, response: httpx.Response) -> bytes:
    """Read the body of an answer, within MAX_BYTES."""
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise BadResponseError(f"{server.name}: compresses its answer, which was not requested; check the server")
    received = bytearray()
    async for chunk in response.aiter_raw():
        received += chunk
        if len(received) > MAX_BYTES:
            raise BadResponseError(f"{server.name}: its answer has more than {MAX_BYTES} bytes; request less")
    return bytes(received)
